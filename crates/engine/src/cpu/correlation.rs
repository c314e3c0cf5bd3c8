//! A convolution, or its transpose, as one product: the direct way.
//!
//! A row of the data is what a place sees, `[tap][channel]`; a column of the
//! weights is one channel of one phase of the destination.

#![allow(
    unsafe_code,
    reason = "tasks write parts of one slice, and rows are copied by vectors"
)]

use rayon::prelude::*;

use super::panels::{self, CHUNK, Operands, ROWS, WIDTH};
use super::{Call, Epilogue, Floats, Kernel, Simd, Start};
use crate::places::{Kernel as Weight, Places, Spot};

/// The weights, packed.
#[derive(Debug)]
pub(crate) struct Correlation {
    places: Places,
    depth: usize,
    columns: usize,
    /// Places that one task takes.
    block: usize,
    /// Per group, all panels.
    weights: Floats,
}

/// Most places that one task takes.
const BLOCK: usize = 4 * ROWS;

/// Greatest number of f32 of a block, so that it stays in a core's own cache.
const BLOCK_LEN: usize = 1 << 17;

/// How many tasks there should at least be, as far as there is work for them.
const TASKS: usize = 16;

impl Correlation {
    pub(crate) fn new(places: Places, weight: &Weight<'_>) -> Correlation {
        let (rows, cols) = (&places.rows, &places.cols);
        let depth = rows.offsets.len() * cols.offsets.len() * places.channels;
        let columns = rows.phases * cols.phases * places.outputs;
        let value = |group: usize, k: usize, column: usize| {
            let (tap, c) = (k / places.channels, k % places.channels);
            let (phase, o) = (column / places.outputs, column % places.outputs);
            let y = rows.kernel[tap / cols.offsets.len()][phase / cols.phases]?;
            let x = cols.kernel[tap % cols.offsets.len()][phase % cols.phases]?;
            Some(weight(group, c, o, y, x))
        };
        let len = panels::packed_len(depth, columns);
        let mut weights = Floats::new(0.0, places.groups * len);
        weights
            .par_chunks_mut(len)
            .enumerate()
            .for_each(|(group, weights)| {
                let panels = weights.par_chunks_mut(depth * WIDTH).enumerate();
                panels.for_each(|(i, panel)| {
                    let width = panels::width(columns, i);
                    for (k, row) in panel.chunks_mut(width).enumerate() {
                        for (column, to) in (i * WIDTH..columns).zip(row) {
                            *to = value(group, k, column).unwrap_or(0.0);
                        }
                    }
                });
            });
        let block = match panels::block_len(BLOCK, depth) <= BLOCK_LEN {
            true => BLOCK,
            false => BLOCK / 2,
        };
        Correlation {
            places,
            depth,
            columns,
            block,
            weights,
        }
    }

    /// Number of f32 that one worker needs: a block, and a tile of its product.
    pub(crate) fn scratch(&self) -> usize {
        panels::block_len(self.block, self.depth) + ROWS * WIDTH
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
        let total = n * self.places.grid();
        let blocks = total.div_ceil(self.block);
        let panels = panels::panels(self.columns);
        let parts = TASKS.div_ceil(blocks * self.places.groups).min(panels);
        let y = Start(y.as_mut_ptr());
        let tasks = self.places.groups * blocks * parts;
        (0..tasks).into_par_iter().for_each(|task| {
            let (part, task) = (task % parts, task / parts);
            let (block, group) = (task % blocks, task / blocks);
            let first = block * self.block;
            instructions.dispatch(Task {
                of: self,
                group,
                first,
                rows: self.block.min(total - first),
                panels: [part * panels / parts, (part + 1) * panels / parts],
                x,
                y,
                epilogue,
                lane: &mut scratch.lane(),
            });
        });
    }
}

/// Some columns at some places.
struct Task<'a> {
    of: &'a Correlation,
    group: usize,
    first: usize,
    rows: usize,
    panels: [usize; 2],
    x: &'a [f32],
    y: Start,
    epilogue: Epilogue<'a>,
    lane: &'a mut [f32],
}

impl Kernel for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let of = self.of;
        let lane = std::mem::take(&mut self.lane);
        let mut spots = [Spot::default(); BLOCK];
        self.of.places.spots(self.first, &mut spots[..self.rows]);
        let (block, tile) = lane.split_at_mut(panels::block_len(of.block, of.depth));
        self.fill(simd, &spots[..self.rows], block);
        let len = panels::packed_len(of.depth, of.columns);
        let weights = &of.weights[self.group * len..][..len];
        for i in self.panels[0]..self.panels[1] {
            let width = panels::width(of.columns, i);
            let operands = Operands {
                block,
                rows: self.rows,
                depth: of.depth,
                panel: &weights[panels::panel_start(of.depth, i)..][..of.depth * width],
                width,
            };
            for row in (0..self.rows).step_by(ROWS) {
                let count = ROWS.min(self.rows - row);
                // SAFETY: the tile has `ROWS` rows of `WIDTH`.
                unsafe {
                    panels::product(simd, operands, row, count, tile.as_mut_ptr(), WIDTH);
                    self.write(simd, &spots[row..row + count], i, tile);
                }
            }
        }
    }
}

impl Task<'_> {
    /// Copies what each place sees into the block.
    #[inline(always)]
    fn fill<S: Simd>(&self, simd: S, spots: &[Spot], block: &mut [f32]) {
        let places = &self.of.places;
        let (rows, cols) = (&places.rows, &places.cols);
        let (taps, channels) = (cols.offsets.len(), places.channels);
        // Pixels side by side are one run, if a group is all channels.
        let dense = places.groups == 1 && cols.is_dense();
        for (row, spot) in spots.iter().enumerate() {
            let mut line = Line {
                block: &mut *block,
                rows: self.rows,
                row,
                at: 0,
            };
            for ty in 0..rows.offsets.len() {
                let Some(y) = rows.pixel(spot.y, ty) else {
                    line.zeros(simd, taps * channels);
                    continue;
                };
                if dense {
                    let start = (spot.x * cols.step) as isize + cols.offsets[0];
                    let before = (-start).clamp(0, taps as isize) as usize;
                    let end = (cols.source as isize - start).clamp(before as isize, taps as isize);
                    let inside = end as usize - before;
                    line.zeros(simd, before * channels);
                    if inside > 0 {
                        let from = places.from(spot.sample, y, (start + before as isize) as usize);
                        line.copy(simd, &self.x[from..][..inside * channels]);
                    }
                    line.zeros(simd, (taps - before - inside) * channels);
                } else {
                    for tx in 0..taps {
                        match cols.pixel(spot.x, tx) {
                            Some(x) => {
                                let from = places.from(spot.sample, y, x) + self.group * channels;
                                line.copy(simd, &self.x[from..][..channels]);
                            }
                            None => line.zeros(simd, channels),
                        }
                    }
                }
            }
        }
    }

    /// Writes a tile of the product, of panel `i` and the rows of some places,
    /// where it belongs.
    ///
    /// # Safety
    /// No other task writes these columns at these places.
    #[inline(always)]
    unsafe fn write<S: Simd>(&self, simd: S, spots: &[Spot], i: usize, tile: &[f32]) {
        let (places, outputs) = (&self.of.places, self.of.places.outputs);
        let phases = places.cols.phases;
        let (start, end) = (i * WIDTH, self.of.columns.min((i + 1) * WIDTH));
        assert!(tile.len() >= spots.len() * WIDTH);
        let mut column = start;
        while column < end {
            let (phase, o) = (column / outputs, column % outputs);
            let (phase_y, phase_x) = (phase / phases, phase % phases);
            let len = (outputs - o).min(end - column);
            let channel = self.group * outputs + o;
            for (r, spot) in spots.iter().enumerate() {
                let y = places.rows.written(spot.y, phase_y);
                let x = places.cols.written(spot.x, phase_x);
                let (Some(y), Some(x)) = (y, x) else { continue };
                let at = places.to(spot.sample, y, x) + channel;
                for v in (0..len).step_by(S::LANES) {
                    let lanes = S::LANES.min(len - v);
                    // SAFETY: the tile has the column; the pixel has the
                    // channels, and the caller promises the rest.
                    unsafe {
                        let from = tile.as_ptr().add(r * WIDTH + column - start + v);
                        let value = simd.load_first(from, lanes);
                        let y = self.y.0;
                        self.epilogue
                            .write(simd, value, lanes, channel + v, y, at + v);
                    }
                }
            }
            column += len;
        }
    }
}

/// A row of a block, written from the front.
struct Line<'a> {
    block: &'a mut [f32],
    rows: usize,
    row: usize,
    at: usize,
}

impl Line<'_> {
    #[inline(always)]
    fn copy<S: Simd>(&mut self, simd: S, values: &[f32]) {
        // SAFETY: as many values as asked for.
        self.put(simd, values.len(), |i, len| unsafe {
            simd.load_first(values.as_ptr().add(i), len)
        });
    }

    #[inline(always)]
    fn zeros<S: Simd>(&mut self, simd: S, len: usize) {
        self.put(simd, len, |_, _| simd.splat(0.0));
    }

    /// Appends `len` values; `vector(i, lanes)` holds those from `i` on.
    #[inline(always)]
    fn put<S: Simd>(&mut self, simd: S, len: usize, vector: impl Fn(usize, usize) -> S::V) {
        let mut i = 0;
        while i < len {
            let (chunk, within) = (self.at / CHUNK, self.at % CHUNK);
            let run = (CHUNK - within).min(len - i);
            let start = (chunk * self.rows + self.row) * CHUNK + within;
            let to = self.block[start..start + run].as_mut_ptr();
            let whole = run - run % S::LANES;
            for v in (0..whole).step_by(S::LANES) {
                // SAFETY: the run lies inside the block.
                unsafe { simd.store(to.add(v), vector(i + v, S::LANES)) }
            }
            if whole < run {
                let lanes = run - whole;
                // SAFETY: as above.
                unsafe { simd.store_first(to.add(whole), vector(i + whole, lanes), lanes) }
            }
            i += run;
            self.at += run;
        }
    }
}
