//! Inner product: `y = W x + b` over the flattened input.
//!
//! The weight is `[outputs, inputs]`, row after row. For the few samples of a
//! batch the time goes into reading it, so the work is split over its rows
//! (forward) or its columns (gradient), each of which serves all samples.

use super::{Backward, Forward, Mismatch, Op, TensorSpec};
use crate::Shape;
use crate::gemm::{Matrix, product_by_columns};

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    inputs: usize,
    outputs: usize,
    bias: bool,
}

impl Geometry {
    pub(super) fn new(a: &netfile::InnerProduct, x: &Shape) -> Result<Geometry, Mismatch> {
        let geometry = Geometry {
            inputs: x.len(),
            outputs: a.outputs,
            bias: a.bias,
        };
        let weight = [geometry.outputs, geometry.inputs];
        if Shape::new(&weight).is_none() {
            return Err(Mismatch::new(
                "sizes that fit in memory",
                format!("{weight:?}"),
            ));
        }
        Ok(geometry)
    }
}

impl super::Geometry for Geometry {
    fn output(&self) -> Shape {
        Shape::new(&[self.outputs]).expect("checked by new")
    }

    fn tensors(&self) -> Vec<TensorSpec> {
        let weight = TensorSpec {
            suffix: "weight",
            shape: vec![self.outputs, self.inputs],
        };
        let bias = self.bias.then(|| TensorSpec {
            suffix: "bias",
            shape: vec![self.outputs],
        });
        [weight].into_iter().chain(bias).collect()
    }

    fn prepare(self: Box<Self>, weights: Vec<Vec<f32>>) -> Box<dyn Op> {
        let mut weights = weights.into_iter();
        Box::new(InnerProduct {
            inputs: self.inputs,
            outputs: self.outputs,
            weight: weights.next().expect("tensors names a weight"),
            bias: weights.next(),
        })
    }
}

#[derive(Debug)]
struct InnerProduct {
    inputs: usize,
    outputs: usize,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl InnerProduct {
    fn weight(&self) -> Matrix<'_> {
        Matrix::new(&self.weight, self.outputs, self.inputs)
    }
}

impl Op for InnerProduct {
    fn forward(&self, run: Forward<'_>) {
        if let Some(bias) = &self.bias {
            for y in run.y.chunks_mut(self.outputs) {
                y.copy_from_slice(bias);
            }
        }
        let x = Matrix::new(run.x[0], run.n, self.inputs);
        product_by_columns(run.y, x, self.weight().t(), self.bias.is_some());
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let dy = Matrix::new(run.dy, run.n, self.outputs);
        product_by_columns(run.dx[0], dy, self.weight(), false);
    }
}
