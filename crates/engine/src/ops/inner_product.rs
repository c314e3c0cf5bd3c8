//! Inner product: `y = W x + b` over the flattened input.
//!
//! The weight is `[outputs, inputs]`, row after row, and is used as the file
//! holds it. Its columns are in row-major order of the input.

use rayon::prelude::*;

use super::{
    Backward, Forward, LaunchBackward, LaunchForward, Mismatch, Op, Preparation, TensorSpec,
};
use crate::cpu::{Call, Dense, Epilogue};
use crate::{Error, Shape, cuda};

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

    fn multiply_adds(&self) -> u64 {
        self.outputs as u64 * self.inputs as u64
    }

    fn prepare(self: Box<Self>, from: &Preparation) -> Result<Box<dyn Op>, Error> {
        let (tensor, bias) = (&from.tensors[0], from.floats(1));
        let weight = match &from.gpu {
            None => Weight::Cpu(Dense::new(tensor)),
            Some(gpu) => {
                let (view, channels) = (tensor.view(), self.channels);
                Weight::Cuda(cuda::Dense::new(gpu, view, bias.as_deref(), channels)?)
            }
        };
        Ok(Box::new(InnerProduct {
            geometry: *self,
            weight,
            bias,
        }))
    }
}

#[derive(Debug)]
struct InnerProduct {
    geometry: Geometry,
    weight: Weight,
    bias: Option<Vec<f32>>,
}

#[derive(Debug)]
enum Weight {
    Cpu(Dense),
    /// With its columns in the order in which the input is stored.
    Cuda(cuda::Dense),
}

impl Weight {
    fn on_cpu(&self) -> &Dense {
        match self {
            Weight::Cpu(dense) => dense,
            Weight::Cuda(_) => unreachable!("plans run on the device of their network"),
        }
    }

    fn on_cuda(&self) -> &cuda::Dense {
        match self {
            Weight::Cuda(dense) => dense,
            Weight::Cpu(_) => unreachable!("plans run on the device of their network"),
        }
    }
}

impl InnerProduct {
    /// Whether the input is stored in the order of the weight's columns.
    fn is_in_order(&self) -> bool {
        let Geometry {
            inputs, channels, ..
        } = self.geometry;
        matches!(self.weight, Weight::Cuda(_)) || channels == 1 || channels == inputs
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
        match &self.weight {
            Weight::Cpu(dense) => dense.scratch(batch),
            Weight::Cuda(_) => 0,
        }
    }

    fn shared(&self, batch: usize) -> usize {
        match &self.weight {
            Weight::Cpu(_) => self.saved().saturating_mul(batch),
            Weight::Cuda(dense) => dense.shared(batch),
        }
    }

    fn fuses_relu(&self) -> bool {
        true
    }

    fn forward(&self, mut run: Forward<'_>) {
        let saved = std::mem::take(&mut run.saved);
        let mut call = run.call(self.bias.as_deref());
        if !self.is_in_order() {
            let Geometry {
                inputs, channels, ..
            } = self.geometry;
            let samples = saved.par_chunks_mut(inputs).zip(call.x.par_chunks(inputs));
            samples.for_each(|(to, from)| {
                for (i, pixel) in from.chunks_exact(channels).enumerate() {
                    let planes = to[i..].iter_mut().step_by(inputs / channels);
                    planes.zip(pixel).for_each(|(to, from)| *to = *from);
                }
            });
            call.x = saved;
        }
        self.weight.on_cpu().forward(call);
    }

    fn backward(&self, run: Backward<'_, '_>) {
        if self.is_in_order() {
            return self.weight.on_cpu().backward(run.call());
        }
        let Geometry {
            inputs, channels, ..
        } = self.geometry;
        let mut shared = run.scratch.shared();
        let ordered = &mut shared[..run.n * inputs];
        self.weight.on_cpu().backward(Call {
            instructions: run.instructions,
            n: run.n,
            x: run.dy,
            y: ordered,
            epilogue: Epilogue::default(),
            scratch: run.scratch,
        });
        let dx = &mut *run.dx[0];
        let samples = dx.par_chunks_mut(inputs).zip(ordered.par_chunks(inputs));
        let samples = samples.zip(run.x[0].par_chunks(inputs));
        samples.for_each(|((dx, ordered), x)| {
            for (i, (dx, &x)) in dx.iter_mut().zip(x).enumerate() {
                let value = ordered[i % channels * (inputs / channels) + i / channels];
                *dx = match run.relu {
                    Some(_) if x > 0.0 => value,
                    Some(slope) => slope * value,
                    None => value,
                };
            }
        });
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        self.weight.on_cuda().launch_forward(run.call());
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        self.weight.on_cuda().launch_backward(run.call());
    }
}
