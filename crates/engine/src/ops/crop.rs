//! A window of every plane.
//!
//! `y[c, i, j] = x[c, i + offset, j + offset]`; the gradient outside of the
//! window is zero.

use kernels::moves::{self, CropBackward, CropForward};
use netfile::Crop;
use rayon::prelude::*;

use super::{Backward, Forward, LaunchBackward, LaunchForward, Mismatch, Op, Preparation};
use crate::cuda::int;
use crate::{Error, Shape};

#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    channels: usize,
    /// Height and width of an input's plane.
    input: [usize; 2],
    offset: [usize; 2],
    /// Height and width of what stays.
    output: [usize; 2],
}

impl Geometry {
    pub(super) fn new(a: &Crop, x: &Shape) -> Result<Geometry, Mismatch> {
        let [channels, h, w] = super::planes(x)?;
        for (axis, size) in [h, w].into_iter().enumerate() {
            let end = a.offset[axis].checked_add(a.size[axis]);
            if end.is_none_or(|end| end > size) {
                let expected = format!("a window inside {h}x{w}");
                let found = format!("size {:?} at offset {:?}", a.size, a.offset);
                return Err(Mismatch::new(expected, found));
            }
        }
        Ok(Geometry {
            channels,
            input: [h, w],
            offset: a.offset,
            output: a.size,
        })
    }

    /// Where row `i` of a sample of `y` lies in that of `x`.
    fn row(&self, i: usize) -> std::ops::Range<usize> {
        let pixel = (i + self.offset[0]) * self.input[1] + self.offset[1];
        pixel * self.channels..(pixel + self.output[1]) * self.channels
    }
}

impl super::Geometry for Geometry {
    fn output(&self) -> Shape {
        let [h, w] = self.output;
        Shape::new(&[self.channels, h, w]).expect("a crop is no larger than its input")
    }

    fn prepare(self: Box<Self>, _: &Preparation) -> Result<Box<dyn Op>, Error> {
        Ok(self)
    }
}

impl Op for Geometry {
    fn forward(&self, run: Forward<'_>) {
        let [x_len, y_len] = [self.input, self.output].map(|[h, w]| self.channels * h * w);
        let row = self.channels * self.output[1];
        let samples = run.y.par_chunks_mut(y_len);
        samples.zip(run.x[0].par_chunks(x_len)).for_each(|(y, x)| {
            for (i, y) in y.chunks_mut(row).enumerate() {
                y.copy_from_slice(&x[self.row(i)]);
            }
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let [x_len, y_len] = [self.input, self.output].map(|[h, w]| self.channels * h * w);
        let row = self.channels * self.output[1];
        let samples = run.dx[0].par_chunks_mut(x_len);
        samples.zip(run.dy.par_chunks(y_len)).for_each(|(dx, dy)| {
            dx.fill(0.0);
            for (i, dy) in dy.chunks(row).enumerate() {
                dx[self.row(i)].copy_from_slice(dy);
            }
        });
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        let kernel = CropForward {
            x: run.x[0].input(),
            y: run.y.output(),
            crop: self.launched(),
            n: int(run.n),
        };
        run.gpu.launch(kernel.grid(), &kernel);
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        let kernel = CropBackward {
            dy: run.dy.input(),
            dx: run.dx[0].output(),
            crop: self.launched(),
            n: int(run.n),
        };
        run.gpu.launch(kernel.grid(), &kernel);
    }
}

impl Geometry {
    /// What kernels are told of it.
    fn launched(&self) -> moves::Crop {
        moves::Crop {
            channels: int(self.channels),
            from_h: int(self.input[0]),
            from_w: int(self.input[1]),
            y: int(self.offset[0]),
            x: int(self.offset[1]),
            to_h: int(self.output[0]),
            to_w: int(self.output[1]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Geometry as _;
    use super::*;

    fn crop(offset: [usize; 2], size: [usize; 2]) -> Result<Geometry, Mismatch> {
        let x = Shape::new(&[3, 5, 7]).expect("a valid shape");
        Geometry::new(&Crop { offset, size }, &x)
    }

    #[test]
    fn the_window_stays() {
        assert_eq!(crop([1, 2], [4, 5]).unwrap().output().dims(), [3, 4, 5]);
        assert_eq!(crop([0, 0], [5, 7]).unwrap().output().dims(), [3, 5, 7]);
    }

    #[test]
    fn the_window_must_lie_inside() {
        assert!(crop([2, 0], [4, 7]).is_err());
        assert!(crop([0, 1], [5, 7]).is_err());
        let mismatch = crop([usize::MAX, 0], [1, 1]).unwrap_err();
        assert_eq!(mismatch.expected, "a window inside 5x7");
    }
}
