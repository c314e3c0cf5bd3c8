//! The tiny pair for tests: seeded random weights, odd sizes, and between the
//! two networks every op.

mod classifier;
mod generator;
mod random;
mod statistics;

use anyhow::Result;

use super::{Product, network};

const CLASSIFIER: &str = "tiny/classifier.safetensors";
const GENERATOR: &str = "tiny/generator.safetensors";
const MADE: &str = "`cargo xtask convert-weights tiny`";
const SOURCE: &str = "seeded random numbers";

/// Makes both files.
pub(super) fn make() -> Result<Vec<Product>> {
    let mut classifier = classifier::make();
    let mut generator = generator::make();
    statistics::measure(&mut classifier, &mut generator)?;
    Ok(vec![
        network(
            CLASSIFIER,
            MADE,
            &classifier.description,
            &classifier.tensors,
        )?,
        network(GENERATOR, MADE, &generator.description, &generator.tensors)?,
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::LazyLock;

    use engine::{Device, LayerShape, Network, Shape};
    use netfile::{Dtype, NetworkFile, Op};

    use super::*;

    static PAIR: LazyLock<Vec<Product>> = LazyLock::new(|| make().unwrap());

    fn files() -> [NetworkFile; 2] {
        let bytes = PAIR.iter().map(|product| product.bytes.clone());
        let files: Vec<_> = bytes.map(|b| NetworkFile::from_bytes(b).unwrap()).collect();
        files.try_into().unwrap()
    }

    #[test]
    fn the_pair_has_every_op_and_type() {
        let all = "convolution transposed_convolution inner_product relu pool lrn softmax sigmoid \
                   tanh batch_norm scale eltwise concat flatten reshape crop dropout";
        let files = files();
        let layers = || files.iter().flat_map(|file| &file.description().layers);
        let found: BTreeSet<_> = layers().map(|layer| layer.op.name()).collect();
        assert_eq!(found, all.split_whitespace().collect());

        let grouped = |op: &Op| match op {
            Op::Convolution(op) => op.groups > 1,
            _ => false,
        };
        let grouped_transposed = |op: &Op| match op {
            Op::TransposedConvolution(op) => op.groups > 1,
            _ => false,
        };
        assert!(layers().any(|layer| grouped(&layer.op)));
        assert!(layers().any(|layer| grouped_transposed(&layer.op)));

        let tensors = files
            .iter()
            .flat_map(|file| file.tensor_names().map(move |n| (file, n)));
        let dtypes: Vec<_> = tensors
            .map(|(file, name)| file.tensor(name).unwrap().dtype)
            .collect();
        for dtype in [Dtype::F32, Dtype::F16, Dtype::Bf16] {
            assert!(dtypes.contains(&dtype), "{dtype:?}");
        }
    }

    #[test]
    fn the_pair_is_small() {
        let mut multiply_adds = 0;
        for file in files() {
            let network = Network::load(&file, &Device::cpu(Some(1)).unwrap()).unwrap();
            let shape = |name: &String| network.shape(network.node(name).unwrap()).clone();
            for layer in &file.description().layers {
                let inputs: Vec<Shape> = layer.inputs.iter().map(shape).collect();
                multiply_adds += LayerShape::new(layer, &inputs).unwrap().multiply_adds;
            }
        }
        assert!(multiply_adds <= 500_000, "{multiply_adds}");
    }

    /// A test that samples without naming a range gets c25..c75, which must
    /// not be narrower than rounding an image to 8 bits allows.
    #[test]
    fn default_ranges_are_wide() {
        let [classifier, _] = files();
        let levels = &classifier.description().quantiles["fc8"].levels;
        let column = |level| levels.iter().position(|&l| l == level).unwrap();
        let table = classifier.floats("quantiles.fc8.c").unwrap();
        for (unit, row) in table.chunks(levels.len()).enumerate() {
            let width = row[column(75.0)] - row[column(25.0)];
            assert!(width > 0.1, "{width} of unit {unit}");
        }
    }

    #[test]
    fn the_pair_is_made_the_same_each_time() {
        for (first, second) in PAIR.iter().zip(&make().unwrap()) {
            assert!(first.bytes == second.bytes, "{}", first.path);
            assert!(first.bytes.len() < 300_000, "{}", first.path);
        }
    }
}
