//! Spreading encodings apart, with a reservoir and a mean that the device keeps.

use engine::Device;
use engine::search::Encodings;
use sampler::objective::RunningSums;
use sampler::{HostSpace, Reservoir, Space as _};
use tests::normal;

use super::{assert_near, assert_same, rows};
use crate::device::turn;

/// Encodings of a batch.
const K: usize = 4;
/// Numbers of an encoding.
const LEN: usize = 150;
/// Encodings of the reservoir: fewer than are accepted.
const HELD: usize = 6;
const BATCHES: u64 = 6;
/// Neighbours: all that there are, so that every row of the reservoir counts, and
/// as few as a run takes.
const NEAR: [usize; 2] = [HELD + K, 3];
const WEIGHT: f32 = 0.3;

/// What the sampler keeps of the encodings that it accepted.
struct Host {
    sums: RunningSums,
    reservoir: Reservoir,
    space: HostSpace,
}

impl Host {
    fn new() -> Host {
        Host {
            sums: RunningSums::default(),
            reservoir: Reservoir::new(HELD),
            space: HostSpace::new(Vec::new(), Vec::new()),
        }
    }

    /// Accepts encodings; gives the rows of the reservoir that hold them.
    fn accept(&mut self, encodings: &[f32]) -> Vec<Option<usize>> {
        let offer = |e| self.reservoir.offer(0, e);
        let rows = encodings.chunks_exact(LEN).map(offer).collect();
        self.sums = self.sums.merged(&RunningSums::of(encodings, LEN));
        rows
    }
}

/// Encodings that are accepted in a batch; in the last one there are fewer. Their
/// sizes differ so much that even a sum of four is rounded in f64.
fn batch(index: u64) -> Vec<f32> {
    let n = if index + 1 == BATCHES { K / 2 } else { K };
    let sizes = normal(100 + index, 0.0, 8.0, n * LEN);
    let numbers = normal(index, 1.0, 2.0, n * LEN);
    numbers
        .iter()
        .zip(sizes)
        .map(|(e, size)| e * size.exp2())
        .collect()
}

/// Lets the device remember a batch: slots lie in other rows, and one is set
/// aside twice, of which the second counts.
fn remember(
    device: &Device,
    on_device: &mut Encodings,
    batch: &[f32],
    before: u64,
    held: &[Option<usize>],
) {
    let n = held.len();
    let mut shuffled = batch.to_vec();
    shuffled.rotate_left(LEN);
    let buffer = rows(device, LEN, &shuffled);
    on_device.keep(&buffer, 0, 0);
    for slot in 0..n {
        on_device.keep(&buffer, (slot + n - 1) % n, slot);
    }
    on_device.remember(before, held);
}

/// Holds the device's gradients to the host's. `shown` is what the device is
/// shown of the host's copies where it has, by their counts, its own.
fn compare(device: &Device, on_device: &mut Encodings, host: &mut Host, shown: (&[f64], &[f32])) {
    let (count, offered) = (host.sums.count(), host.reservoir.offered());
    for probe in [near_mean(&host.sums), normal(99, 1.0, 2.0, (K - 1) * LEN)] {
        if probe.is_empty() {
            continue;
        }
        let n = probe.len() / LEN;
        let buffer = rows(device, LEN, &probe);
        let found = on_device.spread(&buffer, n, (count, shown.0), WEIGHT);
        let found = found.read(n).unwrap();
        let expected = host.space.spread(&probe, n, &host.sums, WEIGHT).unwrap();
        assert_same(&found, expected);
        for near in NEAR {
            let found = on_device.repel(&buffer, n, (offered, shown.1), near, WEIGHT);
            let found = found.read(n).unwrap();
            let expected = host.space.repel(&probe, n, &host.reservoir, near, WEIGHT);
            assert_near(&found, expected.unwrap());
        }
    }
}

fn new(device: &Device) -> Encodings {
    Encodings::new(device, [K, LEN, HELD, NEAR[0]]).unwrap()
}

#[test]
fn mean_and_reservoir_follow_the_accepted_encodings() {
    turn().every_way(|device| {
        let (mut on_device, mut host) = (new(device), Host::new());
        let mut replaced = 0;
        for index in 0..BATCHES {
            // Copies that would show if the device took them.
            compare(
                device,
                &mut on_device,
                &mut host,
                (&[f64::NAN; LEN], &[f32::NAN; HELD * LEN]),
            );
            let (batch, before) = (batch(index), host.sums.count());
            let held = host.accept(&batch);
            replaced += usize::from(before >= HELD as u64 && held.iter().any(Option::is_some));
            remember(device, &mut on_device, &batch, before, &held);
        }
        compare(device, &mut on_device, &mut host, (&[], &[]));
        assert!(replaced > 0, "no row of the full reservoir was replaced");
    });
}

/// As when a run goes on from a state that was read.
#[test]
fn what_the_device_lacks_is_copied_there_and_then_followed() {
    turn().every_way(|device| {
        let mut host = Host::new();
        (0..3).for_each(|index| drop(host.accept(&batch(index))));
        let mut on_device = new(device);
        for index in 3..BATCHES {
            let (mean, held) = (
                host.sums.mean().to_vec(),
                host.reservoir.encodings().to_vec(),
            );
            let first = index == 3;
            let shown = if first {
                (&mean[..], &held[..])
            } else {
                (&[][..], &[][..])
            };
            compare(device, &mut on_device, &mut host, shown);
            let (batch, before) = (batch(index), host.sums.count());
            let held = host.accept(&batch);
            remember(device, &mut on_device, &batch, before, &held);
        }
        compare(device, &mut on_device, &mut host, (&[], &[]));
    });
}

/// The mean, rounded: at such an encoding the gradient consists of the last bits
/// of the mean.
fn near_mean(sums: &RunningSums) -> Vec<f32> {
    sums.mean().iter().map(|&m| m as f32).collect()
}

#[test]
fn a_mean_that_is_off_by_its_last_bit_is_seen() {
    turn().every_way(|device| {
        let mut host = Host::new();
        (0..BATCHES).for_each(|index| drop(host.accept(&batch(index))));
        let probe = near_mean(&host.sums);
        let expected = host.space.spread(&probe, 1, &host.sums, WEIGHT).unwrap();
        let mean: Vec<f64> = host.sums.mean().iter().map(|m| m.next_up()).collect();
        let (mut on_device, buffer) = (new(device), rows(device, LEN, &probe));
        let shown = (host.sums.count(), &mean[..]);
        let found = on_device.spread(&buffer, 1, shown, WEIGHT).read(1).unwrap();
        let differ = found.iter().zip(expected).filter(|(a, b)| a != b).count();
        assert!(differ > LEN / 50, "{differ} components");
    });
}
