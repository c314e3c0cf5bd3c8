//! Convolutions by Winograd's transforms.
//!
//! The grid is covered by tiles of `M` by `M` places. For each of the `N^2`
//! points of a tile there is one product over all channels, in three steps that
//! all workers share: the data of many tiles are transformed, multiplied by the
//! weights, which were transformed once, and transformed back as they are
//! written. The phases of a source that is stepped over by two are further
//! channels; the phases of a destination are further columns.

#![allow(unsafe_code, reason = "tasks write parts of one slice")]

mod run;
mod scheme;

use rayon::prelude::*;

use super::panels::{self, PADDING, ROWS, WIDTH};
use super::{Call, Floats, Start};
use crate::places::{Axis, Kernel as Weight, Places};
use run::Run;
use scheme::{F2x5, F3x2, F4x3, Scheme};

/// Which scheme, by the taps that a place sees of each phase of the source.
#[derive(Clone, Copy, Debug)]
enum Chosen {
    F3x2,
    F4x3,
    F2x5,
}

/// The weights, transformed and packed.
#[derive(Debug)]
pub(crate) struct Winograd {
    scheme: Chosen,
    places: Places,
    sizes: Sizes,
    /// Per group and panel, the panel of every point.
    weights: Floats,
}

#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Phases of the source along an axis.
    phases: usize,
    /// Points along an axis of a tile.
    n: usize,
    /// Tiles of a sample along both axes.
    tiles: [usize; 2],
    /// Channels of a phase of the source, and of the destination, padded.
    channels: usize,
    outputs: usize,
    /// Rows of the weights: channels of all phases of the source.
    depth: usize,
    /// Columns of the weights: channels of all phases of the destination.
    columns: usize,
}

/// How many times fewer multiplications make up for the transforms.
const WORTH: f64 = 1.7;

/// Number of f32 that the tiles of a round fill before and after the product,
/// where the weights are few: all of them together lie in a core's own cache.
const ROUND: usize = 1 << 18;

/// The same where the weights are more than twice that. Every round reads them
/// all, from memory if they are many, so that fewer rounds are better.
const LONG_ROUND: usize = 1 << 21;

impl Winograd {
    /// `None` where the direct way is better: for other kernels and strides,
    /// few channels, and tiles that would mostly hang over the edge.
    ///
    /// The choice depends on the geometry alone, so that a sample's result
    /// never depends on its batch.
    pub(crate) fn new(places: &Places, weight: &Weight<'_>) -> Option<Winograd> {
        let taps = taps(&places.rows).filter(|&taps| taps_match(places, taps))?;
        let (scheme, m) = match taps {
            2 => (Chosen::F3x2, F3x2::M),
            3 => (Chosen::F4x3, F4x3::M),
            5 => (Chosen::F2x5, F2x5::M),
            _ => return None,
        };
        let (rows, cols) = (&places.rows, &places.cols);
        let n = m + taps - 1;
        let tiles = [rows.grid.div_ceil(m), cols.grid.div_ceil(m)];
        let direct = (places.grid() * taps * taps) as f64;
        let products = (tiles[0] * tiles[1] * n * n) as f64;
        if direct < WORTH * products || places.channels < PADDING || places.outputs < PADDING {
            return None;
        }
        let channels = places.channels.next_multiple_of(PADDING);
        let outputs = places.outputs.next_multiple_of(PADDING);
        let sizes = Sizes {
            phases: rows.step,
            n,
            tiles,
            channels,
            outputs,
            depth: rows.step * cols.step * channels,
            columns: rows.phases * cols.phases * outputs,
        };
        Some(Winograd {
            scheme,
            weights: sizes.transform(places, taps, weight),
            places: places.clone(),
            sizes,
        })
    }

    /// Number of f32 that all workers share.
    pub(crate) fn shared(&self, batch: usize) -> usize {
        let total = batch.saturating_mul(self.sizes.tiles[0] * self.sizes.tiles[1]);
        self.sizes.round_len(self.sizes.longest(total))
    }

    /// `y` from `x`, both channels-last.
    pub(crate) fn run(&self, call: Call<'_>) {
        let Call {
            instructions,
            n,
            x,
            y,
            epilogue,
            scratch,
        } = call;
        let sizes = self.sizes;
        let total = n * sizes.tiles[0] * sizes.tiles[1];
        let round = sizes.round(total);
        let mut shared = scratch.shared();
        let (data, products) = shared[..sizes.round_len(round)].split_at_mut(sizes.data_len(round));
        let run = Run {
            of: self,
            instructions,
            x,
            y: Start(y.as_mut_ptr()),
            epilogue,
            round,
            data: Start(data.as_mut_ptr()),
            products: Start(products.as_mut_ptr()),
        };
        for group in 0..self.places.groups {
            for first in (0..total).step_by(round) {
                let tiles = first..total.min(first + round);
                match self.scheme {
                    Chosen::F3x2 => run.round::<F3x2>(group, tiles),
                    Chosen::F4x3 => run.round::<F4x3>(group, tiles),
                    Chosen::F2x5 => run.round::<F2x5>(group, tiles),
                }
            }
        }
    }

    /// Panel `i` of a point of a group.
    fn panel(&self, group: usize, i: usize, point: usize) -> &[f32] {
        let sizes = &self.sizes;
        let points = sizes.n * sizes.n;
        let width = panels::width(sizes.columns, i);
        let len = sizes.depth * width;
        let start = group * panels::packed_len(sizes.depth, sizes.columns)
            + panels::panel_start(sizes.depth, i);
        &self.weights[start * points + point * len..][..len]
    }
}

impl Sizes {
    /// Tiles of a round, for `total` of them: rounds are about equal.
    fn round(&self, total: usize) -> usize {
        let rounds = total.div_ceil(self.longest(total)).max(1);
        total.div_ceil(rounds).next_multiple_of(ROWS)
    }

    /// No round of `total` tiles or fewer is longer.
    fn longest(&self, total: usize) -> usize {
        let per_tile = self.n * self.n * (self.depth + self.columns);
        let weights = self.n * self.n * self.depth * self.columns;
        let len = if weights > 2 * ROUND {
            LONG_ROUND
        } else {
            ROUND
        };
        let most = (len / per_tile).next_multiple_of(ROWS).max(2 * ROWS);
        // Rounded up after the smaller was taken: `total` may be any number.
        most.min(total).next_multiple_of(ROWS)
    }

    /// Number of f32 of one point of a round's data. A line more keeps the
    /// points of a tile out of each other's way in the cache.
    fn data_plane(&self, round: usize) -> usize {
        panels::block_len(round, self.depth) + PADDING
    }

    fn product_plane(&self, round: usize) -> usize {
        round * self.product_row() + PADDING
    }

    /// Number of f32 from a tile's products of one point to the next tile's; a
    /// line more for the same reason.
    fn product_row(&self) -> usize {
        self.columns + PADDING
    }

    fn data_len(&self, round: usize) -> usize {
        self.n * self.n * self.data_plane(round)
    }

    fn round_len(&self, round: usize) -> usize {
        self.data_len(round) + self.n * self.n * self.product_plane(round)
    }

    fn transform(&self, places: &Places, taps: usize, weight: &Weight<'_>) -> Floats {
        let points = self.n * self.n;
        let len = panels::packed_len(self.depth, self.columns) * points;
        let matrix = scheme::kernel(self.n, taps);
        let mut weights = Floats::new(0.0, places.groups * len);
        let groups = weights.par_chunks_mut(len).enumerate();
        groups.for_each(|(group, weights)| {
            let panels = weights.par_chunks_mut(self.depth * WIDTH * points);
            panels.enumerate().for_each(|(i, panel)| {
                let width = panels::width(self.columns, i);
                for (k, j) in (0..self.depth).flat_map(|k| (0..width).map(move |j| (k, j))) {
                    let at = [group, k, i * WIDTH + j];
                    let Some(kernel) = self.kernel(places, taps, weight, at) else {
                        continue;
                    };
                    let mut half = [[0.0; scheme::TAPS]; scheme::MOST];
                    for (half, row) in half.iter_mut().zip(&matrix).take(self.n) {
                        for (line, factor) in kernel.iter().zip(row).take(taps) {
                            for (sum, value) in half.iter_mut().zip(line) {
                                *sum += factor * value;
                            }
                        }
                    }
                    for (y, half) in half.iter().enumerate().take(self.n) {
                        for (x, row) in matrix.iter().enumerate().take(self.n) {
                            let value: f64 = half.iter().zip(row).map(|(a, b)| a * b).sum();
                            let point = y * self.n + x;
                            panel[(point * self.depth + k) * width + j] = value as f32;
                        }
                    }
                }
            });
        });
        weights
    }

    /// The kernel that leads from row `k` to `column`, unless one of them is
    /// padding.
    fn kernel(
        &self,
        places: &Places,
        taps: usize,
        weight: &Weight<'_>,
        [group, k, column]: [usize; 3],
    ) -> Option<[[f64; scheme::TAPS]; scheme::TAPS]> {
        let (from, c) = (k / self.channels, k % self.channels);
        let (to, o) = (column / self.outputs, column % self.outputs);
        if c >= places.channels || o >= places.outputs {
            return None;
        }
        let tap = |axis: &Axis, t: usize, from: usize, to: usize| {
            axis.kernel[t * self.phases + from][to].expect("every tap reaches every phase")
        };
        let phases = places.cols.phases;
        let mut kernel = [[0.0; scheme::TAPS]; scheme::TAPS];
        for (t, line) in kernel.iter_mut().enumerate().take(taps) {
            let y = tap(&places.rows, t, from / self.phases, to / phases);
            for (u, value) in line.iter_mut().enumerate().take(taps) {
                let x = tap(&places.cols, u, from % self.phases, to % phases);
                *value = f64::from(weight(group, c, o, y, x));
            }
        }
        Some(kernel)
    }
}

/// Taps along an axis that a place sees of each phase of the source, where
/// there are as many of each and they lie side by side.
fn taps(axis: &Axis) -> Option<usize> {
    let taps = axis.offsets.len();
    (axis.is_dense() && axis.step <= 2 && taps.is_multiple_of(axis.step)).then(|| taps / axis.step)
}

/// Whether both axes are alike, and every tap reaches every phase.
fn taps_match(places: &Places, expected: usize) -> bool {
    let (rows, cols) = (&places.rows, &places.cols);
    let whole = |axis: &Axis| axis.kernel.iter().flatten().all(Option::is_some);
    taps(cols) == Some(expected)
        && rows.step == cols.step
        && rows.phases == cols.phases
        && rows.phases <= 2
        && whole(rows)
        && whole(cols)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_any_number_of_tiles_are_bounded() {
        let sizes = Sizes {
            phases: 1,
            n: 4,
            tiles: [2, 2],
            channels: 16,
            outputs: 16,
            depth: 16,
            columns: 16,
        };
        assert_eq!(sizes.longest(1), ROWS);
        assert_eq!(sizes.longest(ROWS + 1), 2 * ROWS);
        assert_eq!(sizes.longest(usize::MAX), sizes.longest(1 << 20));
    }
}
