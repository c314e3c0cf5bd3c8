//! Inputs one after the other along the channels.
//!
//! A sample of the output is the samples of the inputs in their order, because
//! channels vary slowest.

use kernels::moves::{CopyPart, Part};
use rayon::prelude::*;

use super::{Backward, Forward, LaunchBackward, LaunchForward, Mismatch, Op, Preparation};
use crate::cuda::{blocks, int};
use crate::{Error, Shape};

#[derive(Debug)]
pub(super) struct Geometry {
    output: Shape,
    /// Values of each input that lie side by side: its channels, or all of a
    /// sample if it is no planes.
    parts: Vec<usize>,
}

impl Geometry {
    pub(super) fn new(inputs: &[Shape]) -> Result<Geometry, Mismatch> {
        let mut dims = inputs[0].dims().to_vec();
        if let Some(other) = inputs.iter().find(|x| x.dims()[1..] != dims[1..]) {
            let expected = format!(
                "inputs that differ from {} in their channels only",
                inputs[0]
            );
            return Err(Mismatch::new(expected, other));
        }
        let channels = inputs
            .iter()
            .try_fold(0usize, |sum, x| sum.checked_add(x.dims()[0]));
        dims[0] = channels.unwrap_or(0);
        let output = Shape::new(&dims).ok_or_else(|| {
            Mismatch::new(
                "inputs that fit in memory side by side",
                format!("{inputs:?}"),
            )
        })?;
        Ok(Geometry {
            output,
            parts: inputs.iter().map(side_by_side).collect(),
        })
    }
}

fn side_by_side(x: &Shape) -> usize {
    match x.layout() {
        [1, _] if x.dims().len() != 3 => x.len(),
        [channels, _] => channels,
    }
}

impl super::Geometry for Geometry {
    fn output(&self) -> Shape {
        self.output.clone()
    }

    fn prepare(self: Box<Self>, _: &Preparation) -> Result<Box<dyn Op>, Error> {
        Ok(self)
    }
}

impl Op for Geometry {
    fn forward(&self, run: Forward<'_>) {
        let channels: usize = self.parts.iter().sum();
        let pixels = run.y.par_chunks_mut(channels).enumerate();
        pixels.with_min_len(PIXELS).for_each(|(pixel, mut y)| {
            for (x, &len) in run.x.iter().zip(&self.parts) {
                let part = y.split_off_mut(..len).expect("the parts fill the output");
                part.copy_from_slice(&x[pixel * len..][..len]);
            }
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let channels: usize = self.parts.iter().sum();
        let mut offset = 0;
        for (dx, &len) in run.dx.iter_mut().zip(&self.parts) {
            let pixels = run.dy.par_chunks(channels);
            let pixels = dx.par_chunks_mut(len).zip(pixels);
            let pixels = pixels.with_min_len(PIXELS);
            pixels.for_each(|(dx, dy)| dx.copy_from_slice(&dy[offset..][..len]));
            offset += len;
        }
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        for (x, part) in run.x.iter().zip(self.launched(run.n)) {
            let kernel = CopyPart {
                from: x.input(),
                to: run.y.output(),
                part,
            };
            let len = run.n * x.sample_len();
            run.gpu.launch(blocks(len, 256), &kernel);
        }
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        for (dx, part) in run.dx.iter_mut().zip(self.launched(run.n)) {
            let len = run.n * dx.sample_len();
            let kernel = CopyPart {
                from: run.dy.input(),
                to: dx.output(),
                part: Part {
                    from_pitch: part.to_pitch,
                    from_offset: part.to_offset,
                    to_pitch: part.from_pitch,
                    to_offset: part.from_offset,
                    ..part
                },
            };
            run.gpu.launch(blocks(len, 256), &kernel);
        }
    }
}

impl Geometry {
    /// What kernels are told of each input of `n` samples: how its pixels lie in
    /// those of the output.
    fn launched(&self, n: usize) -> impl Iterator<Item = Part> {
        let channels: usize = self.parts.iter().sum();
        let pixels = n * self.output.len() / channels;
        let mut offset = 0;
        self.parts.iter().map(move |&len| {
            let part = Part {
                rows: int(pixels),
                width: int(len),
                from_pitch: int(len),
                from_offset: 0,
                to_pitch: int(channels),
                to_offset: int(offset),
            };
            offset += len;
            part
        })
    }
}

/// Pixels that one task copies at least.
const PIXELS: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::Geometry as _;
    use super::*;

    fn shapes(dims: &[&[usize]]) -> Vec<Shape> {
        let shapes = dims.iter().map(|dims| Shape::new(dims));
        shapes.collect::<Option<_>>().expect("valid shapes")
    }

    #[test]
    fn channels_add_up() {
        let planes = Geometry::new(&shapes(&[&[3, 5, 7], &[4, 5, 7]])).unwrap();
        assert_eq!(planes.output().dims(), [7, 5, 7]);
        let vectors = Geometry::new(&shapes(&[&[3], &[1], &[2]])).unwrap();
        assert_eq!(vectors.output().dims(), [6]);
    }

    #[test]
    fn other_sizes_must_agree() {
        let mismatch = Geometry::new(&shapes(&[&[3, 5, 7], &[3, 7, 5]])).unwrap_err();
        assert_eq!(mismatch.found, "3x7x5");
        assert!(Geometry::new(&shapes(&[&[3], &[3, 1, 1]])).is_err());
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        let half = usize::MAX / 2 + 1;
        assert!(Geometry::new(&shapes(&[&[half], &[half]])).is_err());
    }
}
