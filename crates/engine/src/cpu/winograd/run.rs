//! One round of tiles: data, products, outputs.

#![allow(
    clippy::needless_range_loop,
    reason = "arrays of vectors stay in registers only if they are walked by index"
)]

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use super::Winograd;
use super::scheme::{Line, MOST, Scheme};
use crate::cpu::panels::{self, CHUNK, Operands, PADDING, ROWS, WIDTH};
use crate::cpu::{Epilogue, Instructions, Kernel, Simd, Start};

/// What all rounds of a pass have in common.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub of: &'a Winograd,
    pub instructions: Instructions,
    pub x: &'a [f32],
    pub y: Start,
    pub epilogue: Epilogue<'a>,
    /// Tiles that a round has room for.
    pub round: usize,
    /// Per point, a block of transformed data: a row per tile.
    pub data: Start,
    /// Per point, the products: a row per tile.
    pub products: Start,
}

/// Tiles that one task transforms.
const TILES: usize = 4;

/// Panels that one task multiplies.
const PANELS: usize = 4;

impl Run<'_> {
    pub(super) fn round<T: Scheme>(self, group: usize, tiles: Range<usize>) {
        let count = tiles.len();
        let transforms = || (0..count.div_ceil(TILES)).into_par_iter();
        let part = |i: usize| i * TILES..count.min((i + 1) * TILES);
        let (first, panels) = (tiles.start, panels::panels(self.of.sizes.columns));
        let round = Round::<T> {
            run: self,
            group,
            first,
            scheme: PhantomData,
        };
        transforms().for_each(|i| self.instructions.dispatch(Data(round, part(i))));
        let parts = panels.div_ceil(PANELS);
        (0..T::N * T::N * parts).into_par_iter().for_each(|i| {
            let (point, part) = (i / parts, i % parts);
            let panels = part * PANELS..panels.min((part + 1) * PANELS);
            self.instructions.dispatch(Product {
                round,
                count,
                point,
                panels,
            });
        });
        transforms().for_each(|i| self.instructions.dispatch(Outputs(round, part(i))));
    }
}

#[derive(Clone, Copy)]
struct Round<'a, T> {
    run: Run<'a>,
    group: usize,
    /// The tile that is row 0.
    first: usize,
    scheme: PhantomData<T>,
}

impl<T: Scheme> Round<'_, T> {
    /// Sample, and first row and column of places, of a row's tile.
    #[inline(always)]
    fn tile(&self, row: usize) -> [usize; 3] {
        let [high, wide] = self.run.of.sizes.tiles;
        let tile = self.first + row;
        let (sample, tile) = (tile / (high * wide), tile % (high * wide));
        [sample, tile / wide * T::M, tile % wide * T::M]
    }
}

/// Transforms the data of some rows' tiles.
struct Data<'a, T>(Round<'a, T>, Range<usize>);

impl<T: Scheme> Kernel for Data<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Data(round, rows) = self;
        let sizes = &round.run.of.sizes;
        for row in rows {
            for phase in 0..sizes.phases * sizes.phases {
                for c in (0..sizes.channels).step_by(S::LANES) {
                    round.transform(simd, row, phase, c);
                }
            }
        }
    }
}

impl<T: Scheme> Round<'_, T> {
    /// Transforms a vector of channels of one tile.
    #[inline(always)]
    fn transform<S: Simd>(&self, simd: S, row: usize, phase: usize, c: usize) {
        let Run { of, x, .. } = self.run;
        let (places, sizes) = (&of.places, &of.sizes);
        let [sample, top, left] = self.tile(row);
        let lanes = places.channels.saturating_sub(c).min(S::LANES);
        let channel = self.group * places.channels + c;
        let step = sizes.phases;
        let start = |axis: &crate::places::Axis, place: usize, phase: usize| {
            (place * step + phase) as isize + axis.offsets[0]
        };
        let y0 = start(&places.rows, top, phase / step);
        let x0 = start(&places.cols, left, phase % step);
        let inside = |i: isize, len: usize| i >= 0 && i < len as isize;
        let last = ((T::N - 1) * step) as isize;
        let whole = lanes == S::LANES
            && inside(y0, places.rows.source)
            && inside(y0 + last, places.rows.source)
            && inside(x0, places.cols.source)
            && inside(x0 + last, places.cols.source);
        let pixel = |i: usize, j: usize| {
            let (y, x) = (y0 + (i * step) as isize, x0 + (j * step) as isize);
            (whole || inside(y, places.rows.source) && inside(x, places.cols.source))
                .then(|| places.from(sample, y as usize, x as usize) + channel)
        };
        let zero = simd.splat(0.0);
        let mut half: [Line<S::V>; MOST] = [[zero; MOST]; MOST];
        for j in 0..T::N {
            let mut line = [zero; MOST];
            for (i, value) in line.iter_mut().enumerate().take(T::N) {
                if whole {
                    let at = pixel(i, j).expect("the whole tile is inside");
                    debug_assert!(at + S::LANES <= x.len());
                    // SAFETY: the pixel is inside and has all channels.
                    *value = unsafe { simd.load(x.as_ptr().add(at)) };
                } else if lanes > 0
                    && let Some(at) = pixel(i, j)
                {
                    debug_assert!(at + lanes <= x.len());
                    // SAFETY: the pixel is inside and has so many channels.
                    *value = unsafe { simd.load_first(x.as_ptr().add(at), lanes) };
                }
            }
            let line = T::data(simd, line);
            for i in 0..T::N {
                half[i][j] = line[i];
            }
        }
        let k = phase * sizes.channels + c;
        let plane = sizes.data_plane(self.run.round);
        let at = (k / CHUNK * self.run.round + row) * CHUNK + k % CHUNK;
        for i in 0..T::N {
            let line = T::data(simd, half[i]);
            for j in 0..T::N {
                // SAFETY: the row's place for these channels, in the block of
                // this point; no other task has this row.
                unsafe {
                    let to = self.run.data.0.add((i * T::N + j) * plane + at);
                    simd.store(to, line[j]);
                }
            }
        }
    }
}

/// Multiplies the data of one point by some panels.
struct Product<'a, T> {
    round: Round<'a, T>,
    count: usize,
    point: usize,
    panels: Range<usize>,
}

impl<T: Scheme> Kernel for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Run {
            of,
            round,
            data,
            products,
            ..
        } = self.round.run;
        let sizes = &of.sizes;
        // SAFETY: the block of this point, which nobody writes in this step.
        let block = unsafe {
            std::slice::from_raw_parts(
                data.0.add(self.point * sizes.data_plane(round)),
                panels::block_len(round, sizes.depth),
            )
        };
        for i in self.panels {
            let operands = Operands {
                block,
                rows: round,
                depth: sizes.depth,
                panel: of.panel(self.round.group, i, self.point),
                width: panels::width(sizes.columns, i),
            };
            for row in (0..self.count).step_by(ROWS) {
                let count = ROWS.min(self.count - row);
                let at = self.point * sizes.product_plane(round) + row * sizes.product_row();
                // SAFETY: these rows and columns of this point's products,
                // which only this task writes.
                unsafe {
                    let to = products.0.add(at + i * WIDTH);
                    panels::product(simd, operands, row, count, to, sizes.product_row());
                }
            }
        }
    }
}

/// Transforms the products of some rows' tiles back and writes them.
struct Outputs<'a, T>(Round<'a, T>, Range<usize>);

impl<T: Scheme> Kernel for Outputs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Outputs(round, rows) = self;
        let (places, sizes) = (&round.run.of.places, &round.run.of.sizes);
        for row in rows {
            for phase in 0..places.rows.phases * places.cols.phases {
                for o in (0..places.outputs).step_by(S::LANES) {
                    let column = phase * sizes.outputs + o;
                    let tile = round.outputs(simd, row, column);
                    // SAFETY: no other task writes the pixels of this tile.
                    unsafe { round.write(simd, row, phase, o, tile) }
                }
            }
        }
    }
}

impl<T: Scheme> Round<'_, T> {
    /// A vector of channels of one tile: `M` rows of `M`.
    #[inline(always)]
    fn outputs<S: Simd>(&self, simd: S, row: usize, column: usize) -> [Line<S::V>; MOST] {
        let sizes = &self.run.of.sizes;
        let plane = sizes.product_plane(self.run.round);
        let at = row * sizes.product_row() + column;
        let zero = simd.splat(0.0);
        let mut half: [Line<S::V>; MOST] = [[zero; MOST]; MOST];
        for j in 0..T::N {
            let mut line = [zero; MOST];
            for (i, value) in line.iter_mut().enumerate().take(T::N) {
                // SAFETY: columns are padded to whole vectors.
                *value = unsafe { simd.load(self.run.products.0.add((i * T::N + j) * plane + at)) };
            }
            let line = T::outputs(simd, line);
            for i in 0..T::M {
                half[i][j] = line[i];
            }
        }
        for line in half.iter_mut().take(T::M) {
            *line = T::outputs(simd, *line);
        }
        half
    }

    /// # Safety
    /// Nobody else touches the pixels of this tile.
    #[inline(always)]
    unsafe fn write<S: Simd>(
        &self,
        simd: S,
        row: usize,
        phase: usize,
        o: usize,
        tile: [Line<S::V>; MOST],
    ) {
        let Run {
            of, y, epilogue, ..
        } = self.run;
        let places = &of.places;
        let [sample, top, left] = self.tile(row);
        let phases = places.cols.phases;
        let lanes = S::LANES.min(places.outputs - o);
        let channel = self.group * places.outputs + o;
        for i in 0..T::M {
            let Some(to_y) = places.rows.written(top + i, phase / phases) else {
                continue;
            };
            for j in 0..T::M {
                let Some(to_x) = places.cols.written(left + j, phase % phases) else {
                    continue;
                };
                let at = places.to(sample, to_y, to_x) + channel;
                // SAFETY: the pixel has these channels; the caller promises
                // the rest.
                unsafe { epilogue.write(simd, tile[i][j], lanes, channel, y.0, at) }
            }
        }
    }
}

const _: () = assert!(CHUNK.is_multiple_of(PADDING) && WIDTH.is_multiple_of(PADDING));
