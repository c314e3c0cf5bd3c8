//! What can be told of one layer before there are weights.

use crate::ops;
use crate::{Error, Shape};

/// The sizes of one layer for inputs of known shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerShape {
    /// Shape of one sample of its output.
    pub output: Shape,
    /// The tensors that it needs: the name after the layer's name and a dot,
    /// such as `weight`, and the shape, in the order of `docs/models.md`.
    pub tensors: Vec<(&'static str, Vec<usize>)>,
}

impl LayerShape {
    /// Applies the layer's shape rule.
    ///
    /// # Errors
    /// [`Error::Shape`] names the layer, what its op expects and what was
    /// found.
    pub fn new(layer: &netfile::Layer, inputs: &[Shape]) -> Result<LayerShape, Error> {
        let geometry = ops::resolve(&layer.op, inputs)
            .map_err(|mismatch| mismatch.at(&layer.name, layer.op.name()))?;
        let tensors = geometry.tensors().into_iter();
        Ok(LayerShape {
            output: geometry.output(),
            tensors: tensors.map(|spec| (spec.suffix, spec.shape)).collect(),
        })
    }
}
