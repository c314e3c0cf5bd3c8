//! Cotangents of the augmented Lagrangian, multipliers updated on the device.

use engine::search::Constraints;
use engine::{Buffer, Device};
use sampler::{Band, lagrangian};
use tests::normal;

use super::{assert_same, rows, vector};
use crate::device::turn;

const SLOTS: usize = 5;
const NEURONS: usize = 70;

/// The host's copy of a constraint.
#[derive(Clone, Copy)]
struct Host {
    multiplier: f64,
    mu: f64,
    band: Band,
    most: f64,
}

impl Host {
    /// Bands of every kind: closed, and open on either side or on both.
    fn new(slot: usize, neuron: usize) -> Host {
        let lo = [-0.3, f64::NEG_INFINITY, 0.6, f64::NEG_INFINITY][neuron % 4];
        let hi = [0.5, -0.2, f64::INFINITY, f64::INFINITY][neuron % 4];
        Host {
            multiplier: [0.0, 0.7, -1.3][(slot + neuron) % 3],
            mu: [2.5, 10.0, 0.04][neuron % 3],
            band: Band { lo, hi },
            most: [0.6, 3.0][slot % 2],
        }
    }

    fn row(&self) -> [f64; 5] {
        let Host {
            multiplier,
            mu,
            band,
            most,
        } = *self;
        [multiplier, mu, band.lo, band.hi, most]
    }

    fn updated(&self, f: f64) -> f64 {
        lagrangian::updated(f, self.multiplier, self.mu, self.band)
    }

    /// What the sampler's slots do with a value.
    fn press(&mut self, f: f32, update: bool, press: bool) -> f32 {
        let f = f64::from(f);
        if update && f.is_finite() {
            self.multiplier = self.updated(f).clamp(-self.most, self.most);
        }
        if press { -self.updated(f) as f32 } else { 0.0 }
    }
}

fn values(step: u64) -> Vec<f32> {
    let mut values = normal(step, 0.1, 1.0, SLOTS * NEURONS);
    values[3] = f32::NAN;
    values[NEURONS + 1] = f32::INFINITY;
    values[2 * NEURONS + 2] = f32::NEG_INFINITY;
    values
}

fn check(device: &Device) {
    let mut constraints = Constraints::new(device, SLOTS, NEURONS).unwrap();
    let mut host: Vec<Vec<Host>> = (0..SLOTS)
        .map(|slot| (0..NEURONS).map(|neuron| Host::new(slot, neuron)).collect())
        .collect();
    let write = |constraints: &mut Constraints, slot: usize, host: &[Host]| {
        let table: Vec<[f64; 5]> = host.iter().map(Host::row).collect();
        constraints.write(slot, &table);
    };
    for (slot, host) in host.iter().enumerate() {
        write(&mut constraints, slot, host);
    }
    let mut d_values: Buffer = device.buffer(SLOTS, &vector(NEURONS)).unwrap();
    for step in 0..6 {
        // Rows change from step to step: fewer of them, in another order.
        let n = SLOTS - step % 3;
        let slots: Vec<usize> = (0..n).map(|row| (3 * row + step) % SLOTS).collect();
        let flags = |row: usize| [(true, true), (false, true), (true, false)][(row + step) % 3];
        let values = &values(step as u64)[..n * NEURONS];
        let mut expected = Vec::new();
        for (row, values) in values.chunks_exact(NEURONS).enumerate() {
            let (update, press) = flags(row);
            let constraints = &mut host[slots[row]];
            let of = |(c, &f): (&mut Host, &f32)| c.press(f, update, press);
            expected.extend(constraints.iter_mut().zip(values).map(of));
        }
        let presses = slots.iter().enumerate().map(|(row, &slot)| {
            let (update, press) = flags(row);
            (slot, update, press)
        });
        constraints.press(&rows(device, NEURONS, values), presses, &mut d_values);
        assert_same(&d_values.read(n).unwrap(), &expected);
        assert!(expected.iter().any(|d| *d > 0.0) && expected.iter().any(|d| *d < 0.0));
        if step == 3 {
            // A slot that was placed anew; the others keep what they have.
            host[1] = (0..NEURONS)
                .map(|neuron| Host::new(2, neuron + 1))
                .collect();
            write(&mut constraints, 1, &host[1]);
        }
    }
}

#[test]
fn multipliers_and_cotangents_are_those_of_the_host() {
    turn().every_way(check);
}
