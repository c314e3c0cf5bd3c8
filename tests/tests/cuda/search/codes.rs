//! Moving codes.

use engine::Device;
use engine::search::Codes;
use sampler::{HostSpace, Space as _, Stride};
use tests::normal;

use super::{assert_near, assert_same, rows};
use crate::device::turn;

/// A row that no block takes at once, and one that leaves most threads idle.
const SIZES: [(usize, usize); 2] = [(300, 6), (3, 1)];

/// Bounds of which every third is open. None is zero: which of two zeros is the
/// greater one, the host does not say.
fn bounds(d: usize) -> [Vec<f32>; 2] {
    let bound = |end: f32| move |k: usize| if k % 3 == 2 { end * f32::INFINITY } else { end };
    [-0.7, 1.1].map(|end| (0..d).map(bound(end)).collect())
}

/// Codes inside their bounds; of those that are not free, some lie on one.
fn codes(d: usize, n: usize) -> Vec<f32> {
    let [lower, upper] = bounds(d);
    let clipped = |(i, c): (usize, f32)| c.max(lower[i % d]).min(upper[i % d]);
    let codes = normal(0, 0.2, 1.0, n * d).into_iter().enumerate();
    codes.map(clipped).collect()
}

fn check(device: &Device, (d, n): (usize, usize)) {
    let [lower, upper] = bounds(d);
    let mut on_device = Codes::new(device, n, &lower, &upper).unwrap();
    let mut on_host = HostSpace::new(lower, upper);
    let mut host = codes(d, n);
    let mut buffer = rows(device, d, &host);

    // All of the way, none of it, and parts.
    let shares: Vec<f32> = (0..n).map(|row| [0.5, 0.0, 1.0, 0.3][row % 4]).collect();
    let own = normal(1, 0.0, 2.0, n * d);
    on_host.approach(&mut host, &own, &shares).unwrap();
    on_device.approach(&mut buffer, &rows(device, d, &own), &shares);
    assert_same(&buffer.read(n).unwrap(), &host);

    let strides: Vec<Stride> = (0..n)
        .map(|row| {
            let (gap, longest) = [
                (f32::INFINITY, 0.3),
                (2.5, 100.0),
                (1e6, 0.2),
                (f32::INFINITY, 5.0),
                (3.0, 0.0),
                (2.5, 0.1),
            ][row % 6];
            Stride { gap, longest }
        })
        .collect();
    let pairs: Vec<[f32; 2]> = strides.iter().map(|s| [s.gap, s.longest]).collect();
    let mut d_codes = normal(2, 0.0, 1.0, n * d);
    on_host.descend(&mut host, &d_codes, &strides).unwrap();
    on_device.descend(&mut buffer, &rows(device, d, &d_codes), &pairs);
    let moved = buffer.read(n).unwrap();
    assert_near(&moved, &host);

    // Rows without a direction rest, and so do those that are told to.
    buffer.write(n, &host);
    let before = host.clone();
    for (row, d_code) in d_codes.chunks_exact_mut(d).enumerate() {
        match row % 3 {
            0 => d_code.fill(0.0),
            1 => d_code[d / 2] = f32::NAN,
            _ => d_code[d - 1] = f32::NEG_INFINITY,
        }
    }
    on_host.descend(&mut host, &d_codes, &strides).unwrap();
    on_device.descend(&mut buffer, &rows(device, d, &d_codes), &pairs);
    assert_same(&host, &before);
    assert_same(&buffer.read(n).unwrap(), &before);

    if n > 4 {
        on_host.swap(&mut host, 0, 4).unwrap();
        on_device.swap(&mut buffer, 0, 4);
        assert_same(&buffer.read(n).unwrap(), &host);
        assert_ne!(host, before);
    }
}

#[test]
fn codes_move_as_on_the_host() {
    let turn = turn();
    for size in SIZES {
        turn.every_way(|device| check(device, size));
    }
}

/// A code on a bound goes along it: what would push it out is no part of its
/// gradient's norm either.
#[test]
fn a_bound_takes_its_share_of_the_gradient() {
    let turn = turn();
    turn.every_way(|device| {
        let mut codes = Codes::new(device, 1, &[-1.0, -1.0], &[1.0, 1.0]).unwrap();
        let mut buffer = rows(device, 2, &[1.0, 0.0]);
        let d_codes = rows(device, 2, &[-4.0, 3.0]);
        codes.descend(&mut buffer, &d_codes, &[[f32::INFINITY, 0.5]]);
        assert_eq!(buffer.read(1).unwrap(), [1.0, -0.5]);
    });
}
