//! Maximum and average over windows of a plane.
//!
//! Windows step over the image and its padding. Caffe's sizes
//! (pooling_layer.cpp): `ceil((x + 2 pad - kernel) / stride) + 1`, or with
//! `floor`; and where any axis is padded, a last window that would start beyond
//! the image and the padding before it is left out. A maximum is over the real
//! pixels, the first in raster order of equal ones, and its position is saved
//! for the gradient. An average divides by the number of places inside the
//! image and its padding.

mod rows;

use std::ops::Range;

use kernels::pool::{
    self, AveragePoolBackward, AveragePoolForward, MaxPoolBackward, MaxPoolForward,
};
use netfile::{Pool, PoolMethod, Rounding};
use rayon::prelude::*;

use super::{Backward, Forward, LaunchBackward, LaunchForward, Mismatch, Op, Preparation};
use crate::cuda::int;
use crate::{Error, Shape};
use rows::{Greatest, Mean, PullGreatest, Shares};

#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    method: PoolMethod,
    channels: usize,
    rows: Axis,
    cols: Axis,
}

/// The windows along one axis.
#[derive(Clone, Copy, Debug)]
struct Axis {
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    pad: usize,
}

impl Axis {
    /// Windows of at least one pixel each. The network file sees to it that
    /// the padding is less than the kernel.
    fn new(a: &Pool, axis: usize, input: usize) -> Result<Axis, Mismatch> {
        let (kernel, stride, pad) = (a.kernel[axis], a.stride[axis], a.pad[axis]);
        // The formula with its 1 under the fraction, so that nothing falls
        // below zero for a kernel larger than the image.
        let steps = || {
            let padded = input.checked_add(pad.checked_mul(2)?)?;
            padded.checked_add(stride)?.checked_sub(kernel)
        };
        let count = steps().map(|steps| match a.rounding {
            Rounding::Ceil => steps.div_ceil(stride),
            Rounding::Floor => steps / stride,
        });
        let beyond = |count: usize| (count - 1) * stride >= input + pad;
        let output = match count {
            Some(count) if count > 1 && a.pad != [0, 0] && beyond(count) => count - 1,
            Some(count) if count > 0 && !beyond(count) => count,
            _ => {
                let found = format!("kernel {kernel}, stride {stride}, pad {pad}, size {input}");
                return Err(Mismatch::new("every window to hold a pixel", found));
            }
        };
        Ok(Axis {
            input,
            output,
            kernel,
            stride,
            pad,
        })
    }

    /// The real pixels of window `o`.
    fn pixels(&self, o: usize) -> Range<usize> {
        let start = o * self.stride;
        let end = (start + self.kernel).saturating_sub(self.pad);
        start.saturating_sub(self.pad)..end.min(self.input)
    }

    /// The number of places of window `o`, padding included.
    fn places(&self, o: usize) -> usize {
        let start = o * self.stride;
        self.kernel.min(self.input + 2 * self.pad - start)
    }
}

impl Geometry {
    pub(super) fn new(a: &Pool, x: &Shape) -> Result<Geometry, Mismatch> {
        let [channels, h, w] = super::planes(x)?;
        let geometry = Geometry {
            method: a.method,
            channels,
            rows: Axis::new(a, 0, h)?,
            cols: Axis::new(a, 1, w)?,
        };
        let fits = Shape::new(&geometry.dims()).is_some();
        if !fits || u32::try_from(h * w).is_err() {
            return Err(Mismatch::new("planes of less than 2^32 pixels", x));
        }
        Ok(geometry)
    }

    fn dims(&self) -> [usize; 3] {
        [self.channels, self.rows.output, self.cols.output]
    }

    /// Number of values of a row of an input.
    fn x_row(&self) -> usize {
        self.cols.input * self.channels
    }

    /// Number of values of a row of an output.
    fn y_row(&self) -> usize {
        self.cols.output * self.channels
    }

    /// Number of values of one sample of an input.
    fn x_len(&self) -> usize {
        self.rows.input * self.x_row()
    }

    /// Calls `visit` for every pixel of every window of row `i` of an output:
    /// the window, the pixel's position in its plane, and whether it is the
    /// window's first.
    #[inline(always)]
    fn windows(&self, i: usize, mut visit: impl FnMut(usize, usize, bool)) {
        for j in 0..self.cols.output {
            let mut first = true;
            for row in self.rows.pixels(i) {
                for col in self.cols.pixels(j) {
                    visit(j, row * self.cols.input + col, first);
                    first = false;
                }
            }
        }
    }

    /// Calls `visit` for every pixel of a row of an input and every window that
    /// it lies in, in the order of the windows: row and column of the window,
    /// column of the pixel.
    #[inline(always)]
    fn windows_over(&self, row: usize, mut visit: impl FnMut(usize, usize, usize)) {
        let over = |&i: &usize| self.rows.pixels(i).contains(&row);
        for i in (0..self.rows.output).filter(over) {
            for j in 0..self.cols.output {
                for col in self.cols.pixels(j) {
                    visit(i, j, col);
                }
            }
        }
    }

    /// What kernels are told of it.
    fn launched(&self) -> pool::Pool {
        let axis = |axis: &Axis| pool::PoolAxis {
            input: int(axis.input),
            output: int(axis.output),
            kernel: int(axis.kernel),
            stride: int(axis.stride),
            pad: int(axis.pad),
        };
        pool::Pool {
            channels: int(self.channels),
            rows: axis(&self.rows),
            cols: axis(&self.cols),
        }
    }

    /// The channels of pixel `i` of a plane.
    #[inline(always)]
    fn pixel(&self, i: usize) -> Range<usize> {
        i * self.channels..(i + 1) * self.channels
    }
}

impl super::Geometry for Geometry {
    fn output(&self) -> Shape {
        Shape::new(&self.dims()).expect("checked when the geometry was made")
    }

    fn prepare(self: Box<Self>, _: &Preparation) -> Result<Box<dyn Op>, Error> {
        Ok(match self.method {
            PoolMethod::Max => Box::new(Max(*self)),
            PoolMethod::Average => Box::new(Average(*self)),
        })
    }
}

/// Saves the position of each greatest pixel in its plane, as the bits of a
/// `u32`.
#[derive(Debug)]
struct Max(Geometry);

impl Op for Max {
    fn saved(&self) -> usize {
        self.0.rows.output * self.0.y_row()
    }

    fn forward(&self, run: Forward<'_>) {
        let geometry = &self.0;
        let positions: &mut [u32] = bytemuck::cast_slice_mut(run.saved);
        let y = run.y.par_chunks_mut(geometry.y_row());
        let rows = y.zip(positions.par_chunks_mut(geometry.y_row()));
        rows.enumerate().for_each(|(row, (y, positions))| {
            let (sample, i) = (row / geometry.rows.output, row % geometry.rows.output);
            let x = &run.x[0][sample * geometry.x_len()..][..geometry.x_len()];
            run.instructions.dispatch(Greatest {
                of: geometry,
                i,
                x,
                y,
                positions,
            });
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let geometry = &self.0;
        let positions: &[u32] = bytemuck::cast_slice(run.saved);
        let dx = run.dx[0].par_chunks_mut(geometry.x_row()).enumerate();
        dx.for_each(|(row, dx)| {
            let (sample, row) = (row / geometry.rows.input, row % geometry.rows.input);
            let start = sample * self.saved();
            let dy = &run.dy[start..][..self.saved()];
            let positions = &positions[start..][..self.saved()];
            run.instructions.dispatch(PullGreatest {
                of: geometry,
                row,
                dy,
                positions,
                dx,
            });
        });
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        let kernel = MaxPoolForward {
            x: run.x[0].input(),
            y: run.y.output(),
            positions: run.saved.output_as(),
            pool: self.0.launched(),
            n: int(run.n),
        };
        run.gpu.launch(kernel.grid(), &kernel);
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        let kernel = MaxPoolBackward {
            dy: run.dy.input(),
            positions: run.saved.input_as(),
            dx: run.dx[0].output(),
            pool: self.0.launched(),
            n: int(run.n),
        };
        run.gpu.launch(kernel.grid(), &kernel);
    }
}

#[derive(Debug)]
struct Average(Geometry);

impl Op for Average {
    fn forward(&self, run: Forward<'_>) {
        let geometry = &self.0;
        let rows = run.y.par_chunks_mut(geometry.y_row()).enumerate();
        rows.for_each(|(row, y)| {
            let (sample, i) = (row / geometry.rows.output, row % geometry.rows.output);
            let x = &run.x[0][sample * geometry.x_len()..][..geometry.x_len()];
            run.instructions.dispatch(Mean {
                of: geometry,
                i,
                x,
                y,
            });
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let geometry = &self.0;
        let len = geometry.rows.output * geometry.y_row();
        let rows = run.dx[0].par_chunks_mut(geometry.x_row()).enumerate();
        rows.for_each(|(row, dx)| {
            let (sample, row) = (row / geometry.rows.input, row % geometry.rows.input);
            let dy = &run.dy[sample * len..][..len];
            run.instructions.dispatch(Shares {
                of: geometry,
                row,
                dy,
                dx,
            });
        });
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        let kernel = AveragePoolForward {
            x: run.x[0].input(),
            y: run.y.output(),
            pool: self.0.launched(),
            n: int(run.n),
        };
        run.gpu.launch(kernel.grid(), &kernel);
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        let kernel = AveragePoolBackward {
            dy: run.dy.input(),
            dx: run.dx[0].output(),
            pool: self.0.launched(),
            n: int(run.n),
        };
        run.gpu.launch(kernel.grid(), &kernel);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Geometry as _;
    use super::*;

    /// Pools a plane of the given size with a kernel and so on as high as wide.
    fn pool(
        size: [usize; 2],
        [kernel, stride, pad]: [usize; 3],
        rounding: Rounding,
    ) -> Result<Geometry, Mismatch> {
        let pool = Pool {
            method: PoolMethod::Max,
            kernel: [kernel; 2],
            stride: [stride; 2],
            pad: [pad; 2],
            rounding,
        };
        let [h, w] = size;
        Geometry::new(&pool, &Shape::new(&[2, h, w]).expect("a valid shape"))
    }

    fn output(size: [usize; 2], window: [usize; 3], rounding: Rounding) -> Vec<usize> {
        let geometry = pool(size, window, rounding).expect("a pool that fits");
        geometry.output().dims().to_vec()
    }

    #[test]
    fn sizes_round_up_or_down() {
        use Rounding::{Ceil, Floor};
        assert_eq!(output([55, 27], [3, 2, 0], Ceil), [2, 27, 13]);
        assert_eq!(output([6, 8], [3, 2, 0], Ceil), [2, 3, 4]);
        assert_eq!(output([6, 8], [3, 2, 0], Floor), [2, 2, 3]);
        // A window may be larger than the image when sizes round up.
        assert_eq!(output([2, 3], [3, 2, 0], Ceil), [2, 1, 1]);
    }

    #[test]
    fn a_window_behind_the_image_is_left_out_where_there_is_padding() {
        // ceil((3 + 2 - 2) / 2) + 1 = 3, and the third would start at 3.
        assert_eq!(output([3, 3], [2, 2, 1], Rounding::Ceil), [2, 2, 2]);
        // ceil((4 + 2 - 3) / 2) + 1 = 3, and the third starts at 3, inside.
        assert_eq!(output([4, 4], [3, 2, 1], Rounding::Ceil), [2, 3, 3]);
        // Padding of the other axis is enough.
        let pool = Pool {
            method: PoolMethod::Average,
            kernel: [1, 2],
            stride: [2, 1],
            pad: [0, 1],
            rounding: Rounding::Ceil,
        };
        let x = Shape::new(&[1, 4, 4]).expect("a valid shape");
        let geometry = Geometry::new(&pool, &x).expect("a pool that fits");
        assert_eq!(geometry.output().dims(), [1, 2, 5]);
    }

    #[test]
    fn every_window_holds_a_pixel() {
        use Rounding::{Ceil, Floor};
        // The second window would start at 4, behind the last pixel.
        assert!(pool([4, 4], [1, 2, 0], Ceil).is_err());
        assert!(pool([2, 3], [3, 2, 0], Floor).is_err());
        assert!(pool([2, 2], [5, 1, 0], Ceil).is_err());
        let mismatch = pool([2, 2], [5, 1, 0], Floor).unwrap_err();
        assert_eq!(mismatch.found, "kernel 5, stride 1, pad 0, size 2");
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        let half = usize::MAX / 2 + 1;
        assert!(pool([4, 4], [usize::MAX, 1, half], Rounding::Ceil).is_err());
        assert!(pool([4, 4], [2, usize::MAX, 1], Rounding::Ceil).is_err());
    }

    #[test]
    fn windows_are_cut_at_the_image_and_averages_at_the_padding() {
        let geometry = pool([5, 5], [3, 2, 1], Rounding::Ceil).expect("a pool that fits");
        let rows = geometry.rows;
        let pixels: Vec<_> = (0..rows.output).map(|o| rows.pixels(o)).collect();
        assert_eq!(pixels, [0..2, 1..4, 3..5]);
        let places: Vec<_> = (0..rows.output).map(|o| rows.places(o)).collect();
        assert_eq!(places, [3, 3, 3]);
        let geometry = pool([6, 6], [3, 2, 1], Rounding::Ceil).expect("a pool that fits");
        let last = geometry.rows.output - 1;
        assert_eq!(geometry.rows.pixels(last), 5..6);
        assert_eq!(geometry.rows.places(last), 2);
    }
}
