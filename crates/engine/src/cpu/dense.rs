//! Products with a matrix just as a file holds it: row-major, in half or
//! single precision, mapped and not aligned.
//!
//! For the few samples of a batch the time goes into reading the matrix. It is
//! read once per direction and widened in registers, so that nothing is packed
//! or copied: forward, the values of a row meet those of a sample; backward, a
//! row times one value is added to a gradient. Sums are made of shorter ones,
//! which round less than a long chain of additions.

#![allow(
    unsafe_code,
    reason = "vectors of a mapped file, and tasks that write parts of one slice"
)]

use std::ops::Range;

use netfile::{Dtype, SharedTensor};
use rayon::prelude::*;

use super::stored::{BrainHalf, Half, Single, Stored};
use super::{Call, Epilogue, Kernel, Simd, Start};

#[cfg(target_endian = "big")]
compile_error!("weights are read from the file as they are, which is little-endian");

/// Values from the sums of a sample to those of the next: lines more than they
/// are, so that the samples do not compete for the same lines of the cache.
const STRIDE: usize = INPUTS + LINE;

/// The greatest [`Simd::GROUP`].
const MOST: usize = 8;

/// Vectors of a row that are multiplied with a sample's in one chain.
const VECTORS: usize = 64;

/// Rows of the matrix that are added to a gradient in one chain.
const ROWS: usize = 256;

/// Most samples that a row of the matrix is added to at once.
const AT_ONCE: usize = 4;

/// `[outputs, inputs]`.
#[derive(Debug)]
pub(crate) struct Dense {
    weight: SharedTensor,
    outputs: usize,
    inputs: usize,
}

/// Outputs that one task computes.
const OUTPUTS: usize = 64;

/// Values that lie in a line of the cache, if they are halves.
const LINE: usize = 32;

/// Inputs whose gradients one task computes, at most.
const INPUTS: usize = 2048;

impl Dense {
    /// Of a tensor with two dimensions.
    pub(crate) fn new(weight: &SharedTensor) -> Dense {
        let &[outputs, inputs] = weight.view().shape else {
            panic!("a matrix has two dimensions");
        };
        Dense {
            weight: weight.clone(),
            outputs,
            inputs,
        }
    }

    /// Number of f32 that one worker needs for the gradients of `batch` samples:
    /// sums, sums of sums, and the values of `dy` that are at work.
    pub(crate) fn scratch(&self, batch: usize) -> usize {
        batch.saturating_mul(2 * STRIDE + MOST)
    }

    /// `y = x w^T` for the rows of `x`.
    pub(crate) fn forward(&self, call: Call<'_>) {
        let Call {
            instructions,
            n,
            x,
            y,
            epilogue,
            ..
        } = call;
        assert_eq!([x.len(), y.len()], [n * self.inputs, n * self.outputs]);
        let y = Start(y.as_mut_ptr());
        let tasks = 0..self.outputs.div_ceil(OUTPUTS);
        tasks.into_par_iter().for_each(|i| {
            let outputs = i * OUTPUTS..self.outputs.min((i + 1) * OUTPUTS);
            let of = self.weight.view();
            let task = Forward {
                of: self,
                weight: of.bytes.as_ptr(),
                dtype: of.dtype,
                n,
                x,
                y,
                epilogue,
                outputs,
            };
            instructions.dispatch(task);
        });
    }

    /// `y = x w` for the rows of `x`: `dx` from `dy`.
    pub(crate) fn backward(&self, call: Call<'_>) {
        let Call {
            instructions,
            n,
            x: dy,
            y: dx,
            epilogue,
            scratch,
        } = call;
        assert_eq!([dx.len(), dy.len()], [n * self.inputs, n * self.outputs]);
        let dx = Start(dx.as_mut_ptr());
        // An even number of parts of about the same size: two cores are common.
        let parts = self.inputs.div_ceil(INPUTS).next_multiple_of(2);
        let part = self.inputs.div_ceil(parts).next_multiple_of(LINE);
        let tasks = 0..self.inputs.div_ceil(part);
        tasks.into_par_iter().for_each(|i| {
            let inputs = i * part..self.inputs.min((i + 1) * part);
            let of = self.weight.view();
            let task = Backward {
                of: self,
                weight: of.bytes.as_ptr(),
                dtype: of.dtype,
                n,
                dy,
                dx,
                epilogue,
                inputs,
                lane: &mut scratch.lane()[..self.scratch(n)],
            };
            instructions.dispatch(task);
        });
    }
}

/// Some outputs of all samples.
struct Forward<'a> {
    of: &'a Dense,
    weight: *const u8,
    dtype: Dtype,
    n: usize,
    x: &'a [f32],
    y: Start,
    epilogue: Epilogue<'a>,
    outputs: Range<usize>,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.dtype {
            Dtype::F32 => self.tiles::<S, Single>(simd),
            Dtype::F16 => self.tiles::<S, Half>(simd),
            Dtype::Bf16 => self.tiles::<S, BrainHalf>(simd),
        }
    }
}

impl Forward<'_> {
    /// Tiles of so many samples by so many outputs that the sums fit into the
    /// registers, and that there are enough of them to hide an addition's
    /// latency.
    #[inline(always)]
    fn tiles<S: Simd, W: Stored>(&self, simd: S) {
        let most = S::DENSE[0];
        let rows = self.n.div_ceil(self.n.div_ceil(most));
        let mut o = self.outputs.start;
        while o < self.outputs.end {
            let left = self.outputs.end - o;
            let wide = match rows {
                1 => 8,
                2 => 4,
                _ => S::DENSE[1],
            };
            let wide = if left < wide { 1 } else { wide };
            for first in (0..self.n).step_by(rows) {
                let rows = rows.min(self.n - first);
                macro_rules! choose {
                    ($($r:literal $w:literal),*) => {
                        match (rows, wide) {
                            $(($r, $w) if $r <= most && ($r < 3 || $w <= S::DENSE[1]) => {
                                self.tile::<S, W, $r, $w>(simd, first, o)
                            })*
                            _ => unreachable!("no such tile"),
                        }
                    };
                }
                choose!(
                    1 8, 1 4, 1 2, 1 1, 2 8, 2 4, 2 2, 2 1, 3 4, 3 2, 3 1, 4 4, 4 2, 4 1,
                    5 4, 5 2, 5 1, 6 4, 6 2, 6 1
                );
            }
            o += wide;
        }
    }

    #[inline(always)]
    #[allow(
        clippy::needless_range_loop,
        reason = "sums stay in registers by index"
    )]
    fn tile<S: Simd, W: Stored, const R: usize, const O: usize>(
        &self,
        simd: S,
        first: usize,
        output: usize,
    ) {
        let inputs = self.of.inputs;
        let mut totals = [[simd.splat(0.0); O]; R];
        let whole = inputs - inputs % S::LANES;
        // SAFETY: rows and outputs are those of the slices and of the matrix,
        // and only this task has these outputs.
        unsafe {
            let x = self.x.as_ptr().add(first * inputs);
            let weight = self.weight.add(output * inputs * W::SIZE);
            let row = |o: usize, i: usize| weight.add((o * inputs + i) * W::SIZE);
            for start in (0..whole).step_by(VECTORS * S::LANES) {
                let mut sums = [[simd.splat(0.0); O]; R];
                let end = whole.min(start + VECTORS * S::LANES);
                for i in (start..end).step_by(S::LANES) {
                    let w: [S::V; O] = std::array::from_fn(|o| W::load(simd, row(o, i)));
                    for r in 0..R {
                        let x = simd.load(x.add(r * inputs + i));
                        for o in 0..O {
                            sums[r][o] = simd.mul_add(x, w[o], sums[r][o]);
                        }
                    }
                }
                for r in 0..R {
                    for o in 0..O {
                        totals[r][o] = simd.add(totals[r][o], sums[r][o]);
                    }
                }
            }
            if whole < inputs {
                let len = inputs - whole;
                let w: [S::V; O] = std::array::from_fn(|o| W::load_first(simd, row(o, whole), len));
                for r in 0..R {
                    let x = simd.load_first(x.add(r * inputs + whole), len);
                    for o in 0..O {
                        totals[r][o] = simd.mul_add(x, w[o], totals[r][o]);
                    }
                }
            }
            for r in 0..R {
                for o in 0..O {
                    let at = (first + r) * self.of.outputs + output + o;
                    let sum = simd.splat(simd.sum(totals[r][o]));
                    self.epilogue.write(simd, sum, 1, output + o, self.y.0, at);
                }
            }
        }
    }
}

/// The gradients of some inputs of all samples.
struct Backward<'a> {
    of: &'a Dense,
    weight: *const u8,
    dtype: Dtype,
    n: usize,
    dy: &'a [f32],
    dx: Start,
    epilogue: Epilogue<'a>,
    inputs: Range<usize>,
    lane: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.dtype {
            Dtype::F32 => self.sums::<S, Single>(simd),
            Dtype::F16 => self.sums::<S, Half>(simd),
            Dtype::Bf16 => self.sums::<S, BrainHalf>(simd),
        }
    }
}

impl Backward<'_> {
    #[inline(always)]
    fn sums<S: Simd, W: Stored>(mut self, simd: S) {
        let (inputs, outputs) = (self.of.inputs, self.of.outputs);
        let lane = std::mem::take(&mut self.lane);
        let (sums, dy) = lane.split_at_mut(2 * self.n * STRIDE);
        let (sums, totals) = sums.split_at_mut(self.n * STRIDE);
        totals.fill(0.0);
        for start in (0..outputs).step_by(ROWS) {
            let end = outputs.min(start + ROWS);
            let whole = end - (end - start) % S::GROUP;
            sums.fill(0.0);
            for o in (start..whole).step_by(S::GROUP) {
                match S::GROUP {
                    8 => self.add::<S, W, 8>(simd, o, dy, sums),
                    _ => self.add::<S, W, 4>(simd, o, dy, sums),
                }
            }
            for o in whole..end {
                self.add::<S, W, 1>(simd, o, dy, sums);
            }
            totals
                .iter_mut()
                .zip(&*sums)
                .for_each(|(total, sum)| *total += sum);
        }
        for (r, totals) in totals.chunks_exact(STRIDE).enumerate() {
            for i in (0..self.inputs.len()).step_by(S::LANES) {
                let lanes = S::LANES.min(self.inputs.len() - i);
                let input = self.inputs.start + i;
                // SAFETY: only this task has these inputs.
                unsafe {
                    let sum = simd.load(totals[i..].as_ptr());
                    let (dx, at) = (self.dx.0, r * inputs + input);
                    self.epilogue.write(simd, sum, lanes, input, dx, at);
                }
            }
        }
    }

    /// Adds `O` rows of the matrix, each times its value of `dy`, unless all
    /// of these are 0: a neuron is one output of many.
    #[inline(always)]
    #[allow(
        clippy::needless_range_loop,
        reason = "rows stay in registers by index"
    )]
    fn add<S: Simd, W: Stored, const O: usize>(
        &self,
        simd: S,
        output: usize,
        dy: &mut [f32],
        sums: &mut [f32],
    ) {
        let (inputs, outputs) = (self.of.inputs, self.of.outputs);
        let dy = &mut dy[..self.n * O];
        for (r, dy) in dy.chunks_exact_mut(O).enumerate() {
            dy.copy_from_slice(&self.dy[r * outputs + output..][..O]);
        }
        if dy.iter().all(|&dy| dy == 0.0) {
            return;
        }
        let rows = self.n.div_ceil(self.n.div_ceil(AT_ONCE));
        for i in (0..self.inputs.len()).step_by(2 * S::LANES) {
            // A pair of vectors of each row: rows may lie in the same lines of
            // the cache, where a line must be used up at once.
            let mut w = [[simd.splat(0.0); 2]; O];
            let left = self.inputs.len() - i;
            let row = (output * inputs + self.inputs.start + i) * W::SIZE;
            // SAFETY: these inputs of these outputs' rows of the matrix, and
            // of the last pair as many as are left.
            unsafe {
                let row = self.weight.add(row);
                if left >= 2 * S::LANES {
                    for o in 0..O {
                        let from = row.add(o * inputs * W::SIZE);
                        w[o][0] = W::load(simd, from);
                        w[o][1] = W::load(simd, from.add(S::LANES * W::SIZE));
                    }
                } else {
                    for o in 0..O {
                        let from = row.add(o * inputs * W::SIZE);
                        w[o][0] = W::load_first(simd, from, left.min(S::LANES));
                        if let Some(left) = left.checked_sub(S::LANES) {
                            w[o][1] = W::load_first(simd, from.add(S::LANES * W::SIZE), left);
                        }
                    }
                }
            }
            for r in (0..self.n).step_by(rows) {
                let count = rows.min(self.n - r);
                let dy = &dy[r * O..][..count * O];
                let sums = &mut sums[r * STRIDE + i..];
                macro_rules! choose {
                    ($($r:literal)*) => {
                        match count {
                            $($r => add_to::<S, O, $r>(simd, &w, dy, sums),)*
                            _ => unreachable!("more samples than are taken at once"),
                        }
                    };
                }
                choose!(1 2 3 4);
            }
        }
    }
}

/// Adds to the sums of `R` samples at once, to hide an addition's latency.
#[inline(always)]
#[allow(
    clippy::needless_range_loop,
    reason = "sums stay in registers by index"
)]
fn add_to<S: Simd, const O: usize, const R: usize>(
    simd: S,
    w: &[[S::V; 2]; O],
    dy: &[f32],
    sums: &mut [f32],
) {
    assert!(dy.len() == R * O && sums.len() >= (R - 1) * STRIDE + 2 * S::LANES);
    // SAFETY: a pair of vectors of sums per sample, by the assertion.
    unsafe {
        let (dy, at) = (dy.as_ptr(), sums.as_mut_ptr());
        let place = |r: usize, v: usize| r * STRIDE + v * S::LANES;
        let mut sums = [[simd.splat(0.0); 2]; R];
        for r in 0..R {
            for v in 0..2 {
                sums[r][v] = simd.load(at.add(place(r, v)));
            }
        }
        for o in 0..O {
            for r in 0..R {
                let dy = simd.splat(*dy.add(r * O + o));
                for v in 0..2 {
                    sums[r][v] = simd.mul_add(dy, w[o][v], sums[r][v]);
                }
            }
        }
        for r in 0..R {
            for v in 0..2 {
                simd.store(at.add(place(r, v)), sums[r][v]);
            }
        }
    }
}
