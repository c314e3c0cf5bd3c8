//! Sum, product or maximum of several inputs at each position.
//!
//! Sum: `y = sum of c[k] x[k]`, `dx[k] = c[k] dy`. Product: `dx[k]` is `dy`
//! times all other inputs, never `y / x[k]`, so that zeros do no harm. Maximum:
//! the first of the greatest inputs gets all of `dy`.

use kernels::eltwise::{AddScaled, Greatest, Multiply, PullEarlier, PullGreatest, Scaled};
use netfile::{Eltwise, EltwiseOperation};
use rayon::prelude::*;

use super::{BLOCK, Backward, Forward, LaunchBackward, LaunchForward, Mismatch, Op, Preparation};
use crate::cuda::{Gpu, blocks, int};
use crate::{Buffer, Error, Shape};

#[derive(Debug)]
pub(super) struct Geometry {
    shape: Shape,
    operation: Operation,
}

#[derive(Debug)]
enum Operation {
    /// With one coefficient per input.
    Sum(Vec<f32>),
    Product,
    Max,
}

impl Geometry {
    pub(super) fn new(a: &Eltwise, inputs: &[Shape]) -> Result<Geometry, Mismatch> {
        let shape = inputs[0].clone();
        if let Some(other) = inputs.iter().find(|&x| *x != shape) {
            return Err(Mismatch::new(format!("all inputs {shape}"), other));
        }
        let operation = match a.operation {
            EltwiseOperation::Sum if a.coefficients.is_empty() => {
                Operation::Sum(vec![1.0; inputs.len()])
            }
            EltwiseOperation::Sum => Operation::Sum(a.coefficients.clone()),
            EltwiseOperation::Product => Operation::Product,
            EltwiseOperation::Max => Operation::Max,
        };
        Ok(Geometry { shape, operation })
    }
}

impl super::Geometry for Geometry {
    fn output(&self) -> Shape {
        self.shape.clone()
    }

    fn prepare(self: Box<Self>, _: &Preparation) -> Result<Box<dyn Op>, Error> {
        Ok(self)
    }
}

impl Op for Geometry {
    fn forward(&self, run: Forward<'_>) {
        let blocks = run.y.par_chunks_mut(BLOCK).enumerate();
        blocks.for_each(|(block, y)| {
            for (k, x) in run.x.iter().enumerate() {
                let x = &x[block * BLOCK..][..y.len()];
                let pairs = y.iter_mut().zip(x);
                match &self.operation {
                    Operation::Sum(c) if k == 0 => pairs.for_each(|(y, x)| *y = c[0] * x),
                    _ if k == 0 => y.copy_from_slice(x),
                    Operation::Sum(c) => pairs.for_each(|(y, x)| *y += c[k] * x),
                    Operation::Product => pairs.for_each(|(y, x)| *y *= x),
                    Operation::Max => pairs.for_each(|(y, x)| *y = y.max(*x)),
                }
            }
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let (x, y, dy) = (run.x, run.y, run.dy);
        for (k, dx) in run.dx.iter_mut().enumerate() {
            let blocks = dx.par_chunks_mut(BLOCK).enumerate();
            blocks.for_each(|(block, dx)| {
                let at = block * BLOCK..block * BLOCK + dx.len();
                dx.copy_from_slice(&dy[at.clone()]);
                match &self.operation {
                    Operation::Sum(c) => dx.iter_mut().for_each(|dx| *dx *= c[k]),
                    Operation::Product => {
                        for (_, other) in x.iter().enumerate().filter(|(j, _)| *j != k) {
                            let others = &other[at.clone()];
                            dx.iter_mut().zip(others).for_each(|(dx, x)| *dx *= x);
                        }
                    }
                    Operation::Max => {
                        for (dx, i) in dx.iter_mut().zip(at) {
                            let first = x.iter().position(|x| x[i] == y[i]);
                            if first != Some(k) {
                                *dx = 0.0;
                            }
                        }
                    }
                }
            });
        }
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        let count = run.n * self.shape.len();
        let (grid, len, y) = (blocks(count, 256), int(count), run.y);
        let (first, rest) = run.x.split_first().expect("an op has an input");
        scaled(run.gpu, first, y, self.coefficient(0), count);
        for (k, x) in rest.iter().enumerate() {
            let (x, y) = (x.input(), y.output());
            match &self.operation {
                Operation::Sum(c) => {
                    let factor = c[k + 1];
                    run.gpu.launch(grid, &AddScaled { x, y, factor, len });
                }
                Operation::Product => run.gpu.launch(grid, &Multiply { x, y, len }),
                Operation::Max => run.gpu.launch(grid, &Greatest { x, y, len }),
            }
        }
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        let count = run.n * self.shape.len();
        let (grid, len) = (blocks(count, 256), int(count));
        for (k, dx) in run.dx.iter_mut().enumerate() {
            match &self.operation {
                Operation::Sum(_) => scaled(run.gpu, run.dy, dx, self.coefficient(k), count),
                Operation::Product => {
                    scaled(run.gpu, run.dy, dx, 1.0, count);
                    for (_, other) in run.x.iter().enumerate().filter(|(j, _)| *j != k) {
                        let (x, y) = (other.input(), dx.output());
                        run.gpu.launch(grid, &Multiply { x, y, len });
                    }
                }
                Operation::Max => {
                    let pull = PullGreatest {
                        x: run.x[k].input(),
                        y: run.y.input(),
                        dy: run.dy.input(),
                        dx: dx.output(),
                        len,
                    };
                    run.gpu.launch(grid, &pull);
                    for earlier in &run.x[..k] {
                        let pull = PullEarlier {
                            x: earlier.input(),
                            y: run.y.input(),
                            dx: dx.output(),
                            len,
                        };
                        run.gpu.launch(grid, &pull);
                    }
                }
            }
        }
    }
}

impl Geometry {
    /// The coefficient of input `k`; 1 where there is none.
    fn coefficient(&self, k: usize) -> f32 {
        match &self.operation {
            Operation::Sum(c) => c[k],
            Operation::Product | Operation::Max => 1.0,
        }
    }
}

/// `y = factor x` for `count` values.
fn scaled(gpu: &Gpu, x: &Buffer, y: &mut Buffer, factor: f32, count: usize) {
    let kernel = Scaled {
        x: x.input(),
        y: y.output(),
        factor,
        len: int(count),
    };
    gpu.launch(blocks(count, 256), &kernel);
}

#[cfg(test)]
mod tests {
    use super::super::Geometry as _;
    use super::*;

    fn sum(inputs: &[&[usize]]) -> Result<Geometry, Mismatch> {
        let sum = Eltwise {
            operation: EltwiseOperation::Sum,
            coefficients: Vec::new(),
        };
        let shapes = inputs.iter().map(|dims| Shape::new(dims));
        let shapes: Vec<Shape> = shapes.collect::<Option<_>>().expect("valid shapes");
        Geometry::new(&sum, &shapes)
    }

    #[test]
    fn the_shape_is_that_of_the_inputs() {
        let three = sum(&[&[2, 3, 5], &[2, 3, 5], &[2, 3, 5]]).unwrap();
        assert_eq!(three.output().dims(), [2, 3, 5]);
    }

    #[test]
    fn inputs_must_have_one_shape() {
        let mismatch = sum(&[&[2, 3, 5], &[2, 5, 3]]).unwrap_err();
        assert_eq!(mismatch.expected, "all inputs 2x3x5");
        assert_eq!(mismatch.found, "2x5x3");
        assert!(sum(&[&[2], &[2, 1, 1]]).is_err());
    }
}
