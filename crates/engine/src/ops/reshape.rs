//! The same numbers under another shape: flatten, reshape, and the identity
//! that dropout is at test time.

use netfile::Reshape;

use super::{Backward, Forward, Mismatch, Op};
use crate::Shape;

#[derive(Debug)]
pub(super) struct Geometry {
    output: Shape,
}

impl Geometry {
    pub(super) fn flatten(x: &Shape) -> Geometry {
        Geometry {
            output: Shape::new(&[x.len()]).expect("as many values as in a valid shape"),
        }
    }

    pub(super) fn reshape(a: &Reshape, x: &Shape) -> Result<Geometry, Mismatch> {
        let output = Shape::new(&a.shape).filter(|y| y.len() == x.len());
        let output = output.ok_or_else(|| {
            let expected = format!("a shape of {} values", x.len());
            Mismatch::new(expected, format!("{:?}", a.shape))
        })?;
        Ok(Geometry { output })
    }

    pub(super) fn identity(x: &Shape) -> Geometry {
        Geometry { output: x.clone() }
    }
}

impl super::Geometry for Geometry {
    fn output(&self) -> Shape {
        self.output.clone()
    }

    fn prepare(self: Box<Self>, _weights: Vec<Vec<f32>>) -> Box<dyn Op> {
        self
    }
}

impl Op for Geometry {
    fn forward(&self, run: Forward<'_>) {
        run.y.copy_from_slice(run.x[0]);
    }

    fn backward(&self, run: Backward<'_, '_>) {
        run.dx[0].copy_from_slice(run.dy);
    }
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
