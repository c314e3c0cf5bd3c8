//! Random numbers keyed by what they are for, never by a position in a stream:
//! a sample does not depend on how many numbers others have drawn.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What the numbers are for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Start = 1,
    Jitter = 2,
    Donor = 3,
    Reservoir = 4,
    Climb = 5,
    Method = 6,
}

/// The generator of (seed, purpose, batch, slot, attempt).
pub(crate) fn keyed(
    seed: u64,
    purpose: Purpose,
    batch: u64,
    slot: u64,
    attempt: u32,
) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&batch.to_le_bytes());
    key[16..24].copy_from_slice(&slot.to_le_bytes());
    key[24..28].copy_from_slice(&attempt.to_le_bytes());
    key[28..].copy_from_slice(&(purpose as u32).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// A number below `bound`, which must not be zero.
pub(crate) fn below(bound: u64, random: &mut ChaCha8Rng) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_key_counts() {
        let first = |seed, purpose, batch, slot, attempt| {
            keyed(seed, purpose, batch, slot, attempt).next_u64()
        };
        let all = [
            first(0, Purpose::Start, 0, 0, 0),
            first(1, Purpose::Start, 0, 0, 0),
            first(0, Purpose::Jitter, 0, 0, 0),
            first(0, Purpose::Start, 1, 0, 0),
            first(0, Purpose::Start, 0, 1, 0),
            first(0, Purpose::Start, 0, 0, 1),
        ];
        let distinct: std::collections::BTreeSet<u64> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn below_stays_below_and_reaches_both_ends() {
        let mut random = keyed(3, Purpose::Reservoir, 0, 0, 0);
        let drawn: Vec<u64> = (0..200).map(|_| below(5, &mut random)).collect();
        assert_eq!(
            (drawn.iter().min(), drawn.iter().max()),
            (Some(&0), Some(&4))
        );
    }
}
