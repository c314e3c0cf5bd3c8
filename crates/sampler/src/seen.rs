//! Which images were accepted already.

use std::collections::BTreeSet;

/// Hashes that are kept in a tree before they join the sorted ones.
const RECENT: usize = 1024;

/// A set of hashes in at most 16 bytes each: sorted numbers, and a few recent
/// ones in a tree, so that adding one does not move all others.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    sorted: Vec<u64>,
    recent: BTreeSet<u64>,
}

impl Seen {
    pub(crate) fn contains(&self, hash: u64) -> bool {
        self.recent.contains(&hash) || self.sorted.binary_search(&hash).is_ok()
    }

    pub(crate) fn insert(&mut self, hash: u64) {
        if self.contains(hash) {
            return;
        }
        self.recent.insert(hash);
        if self.recent.len() == RECENT {
            self.merge();
        }
    }

    /// From the back, in place: the greater of the two last ones comes last.
    fn merge(&mut self) {
        let mut old = self.sorted.len();
        let mut place = old + self.recent.len();
        self.sorted.resize(place, 0);
        for &hash in self.recent.iter().rev() {
            let greater = old - self.sorted[..old].partition_point(|&other| other < hash);
            self.sorted.copy_within(old - greater..old, place - greater);
            (old, place) = (old - greater, place - greater - 1);
            self.sorted[place] = hash;
        }
        self.recent.clear();
    }
}

/// The 64-bit FNV-1a hash of a stored image, as in [`Sample`](crate::Sample).
/// Two images with the same hash count as equal; that they differ is possible
/// and costs one rejection.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_published_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn knows_exactly_what_was_inserted() {
        let hash = |k: usize| fnv1a(&k.to_le_bytes());
        let count = 5 * RECENT + RECENT / 2;
        let mut seen = Seen::default();
        for k in 0..count {
            assert!(!seen.contains(hash(k)));
            seen.insert(hash(k));
            seen.insert(hash(k / 2));
        }
        assert!((0..count).all(|k| seen.contains(hash(k))));
        assert!((count..2 * count).all(|k| !seen.contains(hash(k))));
        assert!(seen.sorted.is_sorted());
        assert_eq!(seen.sorted.len() + seen.recent.len(), count);
    }

    #[test]
    fn a_hundred_thousand_take_at_most_16_bytes_each() {
        let mut seen = Seen::default();
        for k in 0..100_000_usize {
            seen.insert(fnv1a(&k.to_le_bytes()));
        }
        assert!(seen.recent.len() < RECENT);
        assert!(seen.sorted.capacity() * size_of::<u64>() <= 16 * 100_000);
    }
}
