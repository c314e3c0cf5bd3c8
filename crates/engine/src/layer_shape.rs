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
    /// Products of a weight and a value that are added up for one sample, as
    /// the sum is defined: those with padding count, and nothing is taken off
    /// for how it is computed. 0 but for convolutions, transposed convolutions
    /// and inner products.
    pub multiply_adds: u64,
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
            multiply_adds: geometry.multiply_adds(),
        })
    }

    /// Numbers in all tensors.
    pub fn parameters(&self) -> u64 {
        let len = |shape: &Vec<usize>| {
            let dims = shape.iter().map(|&d| d as u64);
            dims.fold(1, u64::saturating_mul)
        };
        let lens = self.tensors.iter().map(|(_, shape)| len(shape));
        lens.fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use netfile::{Convolution, InnerProduct, Layer, Op};

    use super::*;

    fn counts(op: Op, input: &[usize]) -> [u64; 2] {
        let layer = Layer {
            name: "layer".into(),
            op,
            inputs: vec!["input".into()],
        };
        let input = Shape::new(input).expect("no dimension is 0");
        let shape = LayerShape::new(&layer, &[input]).expect("the layer fits");
        [shape.parameters(), shape.multiply_adds]
    }

    /// CaffeNet's first layers of each kind, PPGN's `deconv0`, and what sums
    /// over no weights.
    #[test]
    fn counts_parameters_and_multiply_adds() {
        let conv1 = Convolution {
            stride: [4, 4],
            ..Convolution::new(96, [11, 11])
        };
        let conv2 = Convolution {
            pad: [2, 2],
            groups: 2,
            ..Convolution::new(256, [5, 5])
        };
        let deconv0 = Convolution {
            stride: [2, 2],
            pad: [1, 1],
            bias: false,
            ..Convolution::new(3, [4, 4])
        };
        let fc6 = InnerProduct {
            outputs: 4096,
            bias: true,
        };
        for (op, input, parameters, multiply_adds) in [
            (
                Op::Convolution(conv1),
                &[3, 227, 227][..],
                34_944,
                55 * 55 * 96 * 11 * 11 * 3,
            ),
            (
                Op::Convolution(conv2),
                &[96, 27, 27],
                256 * 48 * 5 * 5 + 256,
                27 * 27 * 256 * 48 * 5 * 5,
            ),
            // Every pixel that is read meets all taps.
            (
                Op::TransposedConvolution(deconv0),
                &[32, 128, 128],
                32 * 3 * 4 * 4,
                128 * 128 * 32 * 3 * 4 * 4,
            ),
            (
                Op::InnerProduct(fc6),
                &[256, 6, 6],
                37_752_832,
                4096 * 256 * 6 * 6,
            ),
            (Op::Sigmoid, &[96, 27, 27], 0, 0),
            (Op::Scale, &[96, 27, 27], 2 * 96, 0),
        ] {
            let what = op.name();
            assert_eq!(counts(op, input), [parameters, multiply_adds], "{what}");
        }
    }
}
