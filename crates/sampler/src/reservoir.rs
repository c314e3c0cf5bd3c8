//! A bounded, uniform sample of the encodings accepted so far.

use crate::random::{Purpose, below, keyed};

/// Holds at most `capacity` encodings, every one accepted so far with the same
/// probability (Vitter's algorithm R, with random numbers keyed by the index of
/// the sample). Figures that need all pairs are taken over it, so that their
/// cost does not grow with the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Reservoir {
    capacity: usize,
    dim: usize,
    offered: u64,
    rows: Vec<f32>,
    /// The sample in each row.
    samples: Vec<u64>,
}

impl Reservoir {
    /// An empty one.
    pub fn new(capacity: usize) -> Reservoir {
        Reservoir {
            capacity,
            dim: 0,
            offered: 0,
            rows: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// Takes or refuses one more encoding, keyed by `seed`; gives the row that now
    /// holds it, if one does.
    pub fn offer(&mut self, seed: u64, encoding: &[f32]) -> Option<usize> {
        self.dim = encoding.len();
        let index = self.offered;
        self.offered += 1;
        if index < self.capacity as u64 {
            self.rows.extend_from_slice(encoding);
            self.samples.push(index);
            return Some(index as usize);
        }
        let place = below(
            self.offered,
            &mut keyed(seed, Purpose::Reservoir, index, 0, 0),
        );
        (place < self.capacity as u64).then(|| {
            let at = place as usize * self.dim;
            self.rows[at..at + self.dim].copy_from_slice(encoding);
            self.samples[place as usize] = index;
            place as usize
        })
    }

    /// Most encodings that it holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The encodings held, `[n, e]`.
    pub fn encodings(&self) -> &[f32] {
        &self.rows
    }

    /// Which sample each of them belongs to, counted from 0, `[n]`.
    pub fn samples(&self) -> &[u64] {
        &self.samples
    }

    /// Numbers in an encoding; 0 before the first.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How many encodings were offered.
    pub fn offered(&self) -> u64 {
        self.offered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_everything_until_it_is_full() {
        let mut reservoir = Reservoir::new(3);
        for k in 0..3 {
            reservoir.offer(0, &[k as f32, -1.0]);
        }
        assert_eq!(reservoir.encodings(), [0.0, -1.0, 1.0, -1.0, 2.0, -1.0]);
        assert_eq!(reservoir.samples(), [0, 1, 2]);
        assert_eq!(reservoir.dim(), 2);
    }

    #[test]
    fn every_encoding_has_the_same_chance() {
        let (capacity, offered, runs) = (10, 50, 500);
        let mut held = vec![0; offered];
        for seed in 0..runs {
            let mut reservoir = Reservoir::new(capacity);
            for k in 0..offered {
                reservoir.offer(seed, &[k as f32]);
            }
            for (&k, &sample) in reservoir.encodings().iter().zip(reservoir.samples()) {
                assert_eq!(k, sample as f32);
                held[k as usize] += 1;
            }
        }
        // Expected 100 of 500 with a standard deviation of 9; five of them allowed.
        assert!(
            held.iter().all(|&count| (55..=145).contains(&count)),
            "{held:?}"
        );
    }
}
