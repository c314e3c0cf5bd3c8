//! The same numbers under another shape: flatten, reshape, and the identity
//! that dropout is at test time.

use netfile::Reshape;
use rayon::prelude::*;

use super::{Backward, Forward, LaunchBackward, LaunchForward, Mismatch, Op, Preparation};
use crate::{Error, Shape};

#[derive(Debug)]
pub(super) struct Geometry {
    input: Shape,
    output: Shape,
}

impl Geometry {
    pub(super) fn flatten(x: &Shape) -> Geometry {
        Geometry {
            input: x.clone(),
            output: Shape::new(&[x.len()]).expect("as many values as in a valid shape"),
        }
    }

    pub(super) fn reshape(a: &Reshape, x: &Shape) -> Result<Geometry, Mismatch> {
        let output = Shape::new(&a.shape).filter(|y| y.len() == x.len());
        let output = output.ok_or_else(|| {
            let expected = format!("a shape of {} values", x.len());
            Mismatch::new(expected, format!("{:?}", a.shape))
        })?;
        Ok(Geometry {
            input: x.clone(),
            output,
        })
    }

    pub(super) fn identity(x: &Shape) -> Geometry {
        Geometry {
            input: x.clone(),
            output: x.clone(),
        }
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
        self.copy(run.x[0], &self.input, run.y, &self.output);
    }

    fn backward(&self, run: Backward<'_, '_>) {
        self.copy(run.dy, &self.output, run.dx[0], &self.input);
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        run.y.copy(run.n, run.x[0]);
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        run.dx[0].copy(run.n, run.dy);
    }
}

impl Geometry {
    /// Copies values that keep their place in row-major order.
    fn copy(&self, from: &[f32], from_shape: &Shape, to: &mut [f32], to_shape: &Shape) {
        let (from_layout, to_layout) = (from_shape.layout(), to_shape.layout());
        let row_major = |[channels, positions]: [usize; 2]| channels == 1 || positions == 1;
        if from_layout == to_layout || row_major(from_layout) && row_major(to_layout) {
            return to.copy_from_slice(from);
        }
        let len = self.output.len();
        let samples = to.par_chunks_mut(len).zip(from.par_chunks(len));
        samples.for_each(|(to, from)| {
            for i in 0..len {
                to[stored(i, to_layout)] = from[stored(i, from_layout)];
            }
        });
    }
}

/// Where value `i` in row-major order is stored.
fn stored(i: usize, [channels, positions]: [usize; 2]) -> usize {
    i % positions * channels + i / positions
}

#[cfg(test)]
mod tests {
    use super::super::Geometry as _;
    use super::*;

    #[test]
    fn values_keep_their_number() {
        let x = Shape::new(&[2, 3, 5]).expect("a valid shape");
        assert_eq!(Geometry::flatten(&x).output().dims(), [30]);
        assert_eq!(Geometry::identity(&x).output().dims(), [2, 3, 5]);
        let reshape = |shape: &[usize]| {
            let shape = shape.to_vec();
            Geometry::reshape(&Reshape { shape }, &x)
        };
        assert_eq!(reshape(&[6, 5, 1]).unwrap().output().dims(), [6, 5, 1]);
        assert!(reshape(&[usize::MAX, 2]).is_err());
        let mismatch = reshape(&[6, 4]).unwrap_err();
        assert_eq!(mismatch.expected, "a shape of 30 values");
        assert_eq!(mismatch.found, "[6, 4]");
    }
}
