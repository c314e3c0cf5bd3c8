//! Inner product: `y = W x + b` over the flattened input.
//!
//! The weight is `[outputs, inputs]`, row after row, and is used as the file
//! holds it. Its columns are in row-major order of the input.

use rayon::prelude::*;

use super::{Backward, Forward, Mismatch, Op, Preparation, TensorSpec};
use crate::Shape;
use crate::cpu::{Dense, Epilogue};

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    inputs: usize,
    /// Of an input of planes, which is stored channels-last: its channels.
    channels: usize,
    outputs: usize,
    bias: bool,
}

impl Geometry {
    pub(super) fn new(a: &netfile::InnerProduct, x: &Shape) -> Result<Geometry, Mismatch> {
        let geometry = Geometry {
            inputs: x.len(),
            channels: x.layout()[0],
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

    fn prepare(self: Box<Self>, from: &Preparation) -> Box<dyn Op> {
        Box::new(InnerProduct {
            geometry: *self,
            weight: Dense::new(&from.tensors[0]),
            bias: from.floats(1),
        })
    }
}

#[derive(Debug)]
struct InnerProduct {
    geometry: Geometry,
    weight: Dense,
    bias: Option<Vec<f32>>,
}

impl InnerProduct {
    /// Whether the input is stored in the order of the weight's columns.
    fn is_in_order(&self) -> bool {
        self.geometry.channels == 1 || self.geometry.channels == self.geometry.inputs
    }
}

impl Op for InnerProduct {
    /// The input in the order of the columns, if it is stored in another.
    fn saved(&self) -> usize {
        match self.is_in_order() {
            true => 0,
            false => self.geometry.inputs,
        }
    }

    fn scratch(&self, batch: usize) -> usize {
        self.weight.scratch(batch)
    }

    fn shared(&self, batch: usize) -> usize {
        self.saved().saturating_mul(batch)
    }

    fn fuses_relu(&self) -> bool {
        true
    }

    fn forward(&self, run: Forward<'_>) {
        let epilogue = Epilogue {
            bias: self.bias.as_deref(),
            relu: run.relu,
            mask: None,
        };
        let mut x = run.x[0];
        if !self.is_in_order() {
            let positions = self.geometry.inputs / self.geometry.channels;
            let samples = run.saved.par_chunks_mut(self.geometry.inputs);
            let samples = samples.zip(x.par_chunks(self.geometry.inputs));
            samples.for_each(|(to, from)| {
                for (i, pixel) in from.chunks_exact(self.geometry.channels).enumerate() {
                    for (to, from) in to[i..].iter_mut().step_by(positions).zip(pixel) {
                        *to = *from;
                    }
                }
            });
            x = run.saved;
        }
        self.weight
            .forward(run.instructions, run.n, x, run.y, epilogue);
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let mask = run.relu.map(|slope| (run.x[0], slope));
        let weight = &self.weight;
        if self.is_in_order() {
            let epilogue = Epilogue {
                mask,
                ..Epilogue::default()
            };
            return weight.backward(
                run.instructions,
                run.n,
                run.dy,
                run.dx[0],
                epilogue,
                run.scratch,
            );
        }
        let Geometry {
            inputs, channels, ..
        } = self.geometry;
        let positions = inputs / channels;
        let mut shared = run.scratch.shared();
        let ordered = &mut shared[..run.n * inputs];
        weight.backward(
            run.instructions,
            run.n,
            run.dy,
            ordered,
            Epilogue::default(),
            run.scratch,
        );
        let samples = run.dx[0]
            .par_chunks_mut(inputs)
            .zip(ordered.par_chunks(inputs));
        samples
            .zip(run.x[0].par_chunks(inputs))
            .for_each(|((dx, ordered), x)| {
                for (i, (dx, &x)) in dx.iter_mut().zip(x).enumerate() {
                    let value = ordered[i % channels * positions + i / channels];
                    *dx = match mask {
                        Some(_) if x > 0.0 => value,
                        Some((_, slope)) => slope * value,
                        None => value,
                    };
                }
            });
    }
}
