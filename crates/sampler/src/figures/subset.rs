//! Equal numbers of samples, drawn by seed.

use super::keyed;
use crate::random::below;

/// Indices, in ascending order, of `size` out of `count` things, all subsets
/// being equally likely; of all of them if `size` is no less than `count`.
///
/// The same for the same arguments; and of one seed and count, the smaller
/// subset lies in the larger one.
pub fn subset(seed: u64, count: usize, size: usize) -> Vec<usize> {
    let size = size.min(count);
    let mut random = keyed(seed, count as u64, b"subset  ");
    let mut indices: Vec<usize> = (0..count).collect();
    for i in 0..size {
        let left = (count - i) as u64;
        indices.swap(i, i + below(left, &mut random) as usize);
    }
    indices.truncate(size);
    indices.sort_unstable();
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subset_has_its_size_and_no_index_twice() {
        for (count, size, expected) in [(10, 4, 4), (10, 10, 10), (3, 8, 3), (5, 0, 0), (0, 2, 0)] {
            let drawn = subset(7, count, size);
            assert_eq!(drawn.len(), expected, "{size} of {count}");
            assert!(drawn.is_sorted_by(|a, b| a < b), "{drawn:?}");
            assert!(drawn.iter().all(|&index| index < count), "{drawn:?}");
        }
    }

    #[test]
    fn seed_and_count_decide_the_subset() {
        assert_eq!(subset(1, 1000, 20), subset(1, 1000, 20));
        assert_ne!(subset(1, 1000, 20), subset(2, 1000, 20));
        assert_ne!(subset(1, 1000, 20), subset(1, 1001, 20));
    }

    #[test]
    fn the_smaller_subset_lies_in_the_larger_one() {
        let larger = subset(3, 500, 250);
        assert!(
            subset(3, 500, 40)
                .iter()
                .all(|index| larger.contains(index))
        );
    }

    #[test]
    fn every_pair_is_drawn_equally_often() {
        const DRAWS: u64 = 6000;
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..DRAWS {
            *counts.entry(subset(seed, 4, 2)).or_insert(0_u64) += 1;
        }
        assert_eq!(counts.len(), 6);
        // 1000 each; five standard deviations are 144.
        assert!(
            counts.values().all(|&n| n.abs_diff(1000) < 144),
            "{counts:?}"
        );
    }
}
