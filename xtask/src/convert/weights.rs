//! The state dict of a network on its way into a network file.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use netfile::{Convolution, Dtype, Op, Reshape, TensorData};

use super::graph::inner_product;
use super::raw::Raw;

/// The state dict of one network, on its way into a network file.
pub(super) struct Weights {
    raw: Raw,
    dtype: Dtype,
    kept: Vec<TensorData>,
}

impl Weights {
    /// Reads a state dict; what is kept of it is to be stored as `dtype`.
    pub(super) fn open(path: &Path, dtype: Dtype) -> Result<Weights> {
        Ok(Weights {
            raw: Raw::open(path)?,
            dtype,
            kept: Vec::new(),
        })
    }

    /// SHA-256 of the state dict's file.
    pub(super) fn sha256(&self) -> Option<String> {
        Some(self.raw.sha256())
    }

    /// Keeps a tensor under another name.
    pub(super) fn keep_as(&mut self, name: &str, new: &str) -> Result<()> {
        let tensor = self.raw.take_as(name, new, self.dtype)?;
        self.kept.push(tensor);
        Ok(())
    }

    /// Keeps `<layer>.weight`, and `<layer>.bias` where there is one; returns
    /// the weight's shape and whether there is a bias.
    fn keep<const N: usize>(&mut self, layer: &str) -> Result<([usize; N], bool)> {
        let weight = format!("{layer}.weight");
        self.keep_as(&weight, &weight)?;
        let shape = self.shape(layer)?;
        let bias = format!("{layer}.bias");
        let has_bias = self.raw.has(&bias);
        if has_bias {
            self.keep_as(&bias, &bias)?;
        }
        Ok((shape, has_bias))
    }

    /// The shape of a layer's weight that has been kept.
    fn shape<const N: usize>(&self, layer: &str) -> Result<[usize; N]> {
        let name = format!("{layer}.weight");
        let kept = self.kept.iter().find(|tensor| tensor.name == name);
        let shape = &kept.expect("shapes are asked for after keeping").shape;
        <[usize; N]>::try_from(shape.as_slice())
            .ok()
            .with_context(|| {
                format!("tensor {name}: expected {N} dimensions, found shape {shape:?}")
            })
    }

    /// A convolution by its tensors; padding and the like are the caller's.
    pub(super) fn convolution(&mut self, layer: &str) -> Result<Convolution> {
        let ([outputs, _, h, w], bias) = self.keep(layer)?;
        Ok(Convolution {
            bias,
            ..Convolution::new(outputs, [h, w])
        })
    }

    /// PPGN's transposed convolutions: 4x4 doubles the plane, 3x3 keeps it.
    pub(super) fn transposed_convolution(&mut self, layer: &str) -> Result<Op> {
        let ([_, outputs, h, w], bias) = self.keep(layer)?;
        let stride = if [h, w] == [4, 4] { 2 } else { 1 };
        Ok(Op::TransposedConvolution(Convolution {
            stride: [stride, stride],
            pad: [1, 1],
            bias,
            ..Convolution::new(outputs, [h, w])
        }))
    }

    /// An inner product with a bias.
    pub(super) fn inner_product(&mut self, layer: &str) -> Result<Op> {
        let ([outputs, _], bias) = self.keep(layer)?;
        ensure!(bias, "layer {layer}: expected a bias, found none");
        Ok(inner_product(outputs))
    }

    /// From the units of one layer to the square planes that the next takes.
    pub(super) fn reshape(&mut self, from: &str, to: &str) -> Result<Op> {
        let [units, _] = self.shape(from)?;
        let channels = self.raw.outermost(&format!("{to}.weight"))?;
        let side = (units / channels.max(1)).isqrt();
        ensure!(
            channels * side * side == units,
            "layer {from}: expected {channels} square planes for {to}, found {units} units"
        );
        let shape = vec![channels, side, side];
        Ok(Op::Reshape(Reshape { shape }))
    }

    /// What was kept. Fails if tensors are left that nobody asked for.
    pub(super) fn finish(self) -> Result<Vec<TensorData>> {
        self.raw.finish()?;
        Ok(self.kept)
    }
}
