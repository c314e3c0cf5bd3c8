//! A convolution, or its transpose, to a few channels: one sum after another.
//!
//! Columns of panels would mostly be padding. Here a vector holds channels of
//! the source instead; each value of the destination is the sum of its lanes,
//! and as many places side by side are added up at once as a vector has lanes.

#![allow(
    unsafe_code,
    reason = "tasks write parts of one slice, and sums stay in registers"
)]

use rayon::prelude::*;

use super::panels::PADDING;
use super::{Call, Epilogue, Floats, Kernel, Simd, Start};
use crate::places::{Kernel as Weight, Places};

/// The weights, as the places of each phase meet them.
#[derive(Debug)]
pub(crate) struct Narrow {
    places: Places,
    /// Channels of the source, padded.
    channels: usize,
    /// Per phase.
    phases: Vec<Phase>,
}

#[derive(Debug)]
struct Phase {
    /// Rows and columns from a place's first pixel to those that it sees.
    taps: Vec<[usize; 2]>,
    /// `[output][tap][channel]`.
    weights: Floats,
}

/// Rows of the grid that one task takes.
const ROWS: usize = 4;

/// Most lanes of a vector.
const LANES: usize = 16;

/// What adding up a vector's lanes costs, in multiplications of vectors.
const SUM: usize = 4;

/// Where this way needs so many times fewer multiplications of vectors than
/// panels do, it is taken.
const WORTH: f64 = 1.25;

impl Narrow {
    /// `None` where panels are better: for many channels of the destination, few
    /// of the source, and sources that are stepped over.
    pub(crate) fn new(places: &Places, weight: &Weight<'_>) -> Option<Narrow> {
        let (rows, cols) = (&places.rows, &places.cols);
        if places.groups != 1 || rows.step != 1 || cols.step != 1 {
            return None;
        }
        let channels = places.channels.next_multiple_of(PADDING);
        let phases: Vec<Phase> = (0..rows.phases * cols.phases)
            .map(|phase| Phase::new(places, channels, phase, weight))
            .collect();
        let columns = phases.len() * places.outputs;
        let taps: usize = phases.iter().map(|phase| phase.taps.len()).sum();
        let products = taps * places.outputs * (channels / PADDING) + SUM * columns;
        let depth = rows.offsets.len() * cols.offsets.len() * places.channels;
        let by_panels = depth * columns.div_ceil(PADDING);
        (by_panels as f64 > WORTH * products as f64).then(|| Narrow {
            places: places.clone(),
            channels,
            phases,
        })
    }

    /// Number of f32 that one worker needs: the rows that some places see, and
    /// a row of what they write.
    pub(crate) fn scratch(&self) -> usize {
        self.seen_rows() * self.seen_row() + self.line_len()
    }

    fn seen_rows(&self) -> usize {
        ROWS + span(&self.places.rows.offsets)
    }

    /// Places of a row, whole vectors of them.
    fn row(&self) -> usize {
        self.places.cols.grid.next_multiple_of(LANES)
    }

    fn seen_row(&self) -> usize {
        (self.row() + span(&self.places.cols.offsets)) * self.channels
    }

    fn line_len(&self) -> usize {
        self.row() * self.places.cols.phases * self.places.outputs + LANES
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
        let y = Start(y.as_mut_ptr());
        let bands = self.places.rows.grid.div_ceil(ROWS);
        (0..n * bands).into_par_iter().for_each(|task| {
            instructions.dispatch(Band {
                of: self,
                sample: task / bands,
                first: task % bands * ROWS,
                x,
                y,
                epilogue,
                lane: &mut scratch.lane(),
            });
        });
    }
}

/// From the first offset to the last.
fn span(offsets: &[isize]) -> usize {
    offsets[offsets.len() - 1].abs_diff(offsets[0])
}

impl Phase {
    fn new(places: &Places, channels: usize, phase: usize, weight: &Weight<'_>) -> Phase {
        let (rows, cols) = (&places.rows, &places.cols);
        let at = [phase / cols.phases, phase % cols.phases];
        let mut taps = Vec::new();
        let mut kernels = Vec::new();
        for (ty, offset) in rows.offsets.iter().enumerate() {
            for (tx, across) in cols.offsets.iter().enumerate() {
                if let (Some(y), Some(x)) = (rows.kernel[ty][at[0]], cols.kernel[tx][at[1]]) {
                    let [down, across] =
                        [offset - rows.offsets[0], across - cols.offsets[0]].map(|o| o as usize);
                    taps.push([down, across]);
                    kernels.push([y, x]);
                }
            }
        }
        let mut weights = Floats::new(0.0, places.outputs * taps.len() * channels);
        for (i, vector) in weights.chunks_exact_mut(channels).enumerate() {
            let (o, [y, x]) = (i / taps.len(), kernels[i % taps.len()]);
            for (c, value) in vector.iter_mut().enumerate().take(places.channels) {
                *value = weight(0, c, o, y, x);
            }
        }
        Phase { taps, weights }
    }
}

/// Some rows of places of a sample.
struct Band<'a> {
    of: &'a Narrow,
    sample: usize,
    first: usize,
    x: &'a [f32],
    y: Start,
    epilogue: Epilogue<'a>,
    lane: &'a mut [f32],
}

impl Kernel for Band<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let of = self.of;
        let lane = std::mem::take(&mut self.lane);
        let (seen, line) = lane.split_at_mut(of.seen_rows() * of.seen_row());
        let rows = ROWS.min(of.places.rows.grid - self.first);
        self.see(rows, seen);
        for row in 0..rows {
            for phase in 0..of.places.rows.phases {
                let Some(y) = of.places.rows.written(self.first + row, phase) else {
                    continue;
                };
                self.sums(simd, &seen[row * of.seen_row()..], phase, line);
                self.write(simd, y, line);
            }
        }
    }
}

impl Band<'_> {
    /// Copies the pixels that the places of some rows see, with zeros where
    /// there are none.
    #[inline(always)]
    fn see(&self, rows: usize, seen: &mut [f32]) {
        let (of, places) = (self.of, &self.of.places);
        let lines = seen.chunks_exact_mut(of.seen_row());
        for (i, line) in lines.enumerate().take(rows + span(&places.rows.offsets)) {
            line.fill(0.0);
            let y = (self.first + i) as isize + places.rows.offsets[0];
            if y < 0 || y >= places.rows.source as isize {
                continue;
            }
            let row = places.from(self.sample, y as usize, 0);
            let row = &self.x[row..][..places.cols.source * places.channels];
            let pixels = row.chunks_exact(places.channels);
            // The pixel of a place's first column, and how many lie before it.
            let first = places.cols.offsets[0];
            let (before, skip) = (first.min(0).unsigned_abs(), first.max(0) as usize);
            let to = line.chunks_exact_mut(of.channels).skip(before);
            for (to, from) in to.zip(pixels.skip(skip)) {
                to[..places.channels].copy_from_slice(from);
            }
        }
    }

    /// What the places of a row write to a row of the destination:
    /// `[place][phase][output]`.
    #[inline(always)]
    fn sums<S: Simd>(&self, simd: S, seen: &[f32], phase_y: usize, line: &mut [f32]) {
        let (of, outputs) = (self.of, self.of.places.outputs);
        let phases = of.places.cols.phases;
        let each = phases * outputs;
        // All that some places write, one after another: what they see stays in
        // the nearest cache.
        for place in (0..of.row()).step_by(S::LANES) {
            let line = &mut line[place * each..][..S::LANES * each];
            for column in 0..each {
                let (phase, o) = (column / outputs, column % outputs);
                let phase = &of.phases[phase_y * phases + phase];
                let len = phase.taps.len() * of.channels;
                let weights = &phase.weights[o * len..][..len];
                let bias = self.epilogue.bias.map_or(0.0, |bias| bias[o]);
                let sums = self.block(simd, seen, &phase.taps, weights, place);
                let mut values = [0.0; LANES];
                // SAFETY: a vector has at most so many lanes.
                unsafe { simd.store(values.as_mut_ptr(), simd.add(sums, simd.splat(bias))) }
                let to = line[column..].iter_mut().step_by(each);
                for (to, value) in to.zip(&values[..S::LANES]) {
                    *to = *value;
                }
            }
        }
    }

    /// The sums of as many places as a vector has lanes.
    #[inline(always)]
    fn block<S: Simd>(
        &self,
        simd: S,
        seen: &[f32],
        taps: &[[usize; 2]],
        weights: &[f32],
        place: usize,
    ) -> S::V {
        let (channels, row) = (self.of.channels, self.of.seen_row());
        let mut sums = [simd.splat(0.0); LANES];
        for (&[down, across], weights) in taps.iter().zip(weights.chunks_exact(channels)) {
            let from = down * row + (place + across) * channels;
            assert!(from + S::LANES * channels <= seen.len());
            for c in (0..channels).step_by(S::LANES) {
                // SAFETY: so many pixels lie in what is seen, by the assertion,
                // and the channels are padded to whole vectors.
                unsafe {
                    let weight = simd.load(weights.as_ptr().add(c));
                    let x = seen.as_ptr().add(from + c);
                    for (i, sum) in sums.iter_mut().enumerate().take(S::LANES) {
                        *sum = simd.mul_add(simd.load(x.add(i * channels)), weight, *sum);
                    }
                }
            }
        }
        simd.sums(&sums)
    }

    /// Writes a row of the destination.
    #[inline(always)]
    fn write<S: Simd>(&self, simd: S, y: usize, line: &[f32]) {
        let places = &self.of.places;
        let at = places.to(self.sample, y, 0);
        let epilogue = Epilogue {
            bias: None,
            ..self.epilogue
        };
        let line = &line[places.cols.shift * places.outputs..];
        let len = places.cols.destination * places.outputs;
        assert!(line.len() >= len.next_multiple_of(S::LANES));
        for i in (0..len).step_by(S::LANES) {
            // SAFETY: the line goes on for a vector, and no other task writes
            // this row.
            unsafe {
                let value = simd.load(line.as_ptr().add(i));
                let lanes = S::LANES.min(len - i);
                epilogue.write(simd, value, lanes, 0, self.y.0, at + i);
            }
        }
    }
}
