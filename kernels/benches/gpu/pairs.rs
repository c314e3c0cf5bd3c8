//! The layers of a generator and a classifier.

use std::path::{Path, PathBuf};

use engine::{Cpu, Device, Network};
use netfile::{Dtype, Layer, NetworkFile, Op, TensorData};

use crate::full_size;

/// Two networks in the files of a folder.
pub(crate) struct Pair {
    pub(crate) name: &'static str,
    pub(crate) files: [NetworkFile; 2],
}

impl Pair {
    /// CaffeNet and the generator from its fc6, with random weights: those of
    /// inner products in f16, all others in f32.
    pub(crate) fn full_size() -> Pair {
        let folder = full_size::pair(Path::new(env!("CARGO_TARGET_TMPDIR")), Dtype::F16);
        Pair::open("full size", folder.expect("room for two networks"))
    }

    /// The pair that lies in this repository.
    pub(crate) fn demo() -> Pair {
        let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../weights/fashion");
        Pair::open("demo", weights)
    }

    fn open(name: &'static str, folder: PathBuf) -> Pair {
        let files = ["generator", "classifier"].map(|part| {
            let file = folder.join(part).with_extension("safetensors");
            NetworkFile::open(&file).unwrap_or_else(|error| panic!("opening the pair: {error}"))
        });
        Pair { name, files }
    }

    /// What both networks compute, the generator first. Rectifiers are computed
    /// by the layers before them.
    pub(crate) fn layers(&self) -> [Vec<Computed>; 2] {
        let device = Device::new(Cpu {
            threads: Some(1),
            winograd: false,
            ..Cpu::default()
        });
        let device = device.expect("a thread");
        self.files.each_ref().map(|file| {
            let network = Network::load(file, &device).expect("a network that fits in memory");
            let count = file.description().layers.len();
            let layers = (0..count).filter_map(|i| Computed::new(file, &network, i));
            layers.collect()
        })
    }

    /// Shapes of the generator's output and of the classifier's input.
    pub(crate) fn images(layers: &[Vec<Computed>; 2]) -> [&[usize]; 2] {
        let [generator, classifier] = layers;
        let last = generator.last().expect("a generator has layers");
        [&last.output, &classifier[0].input]
    }
}

/// A layer of a network that is a chain.
pub(crate) struct Computed {
    /// Its number in the description.
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) op: Op,
    /// Shapes of a sample.
    pub(crate) input: Vec<usize>,
    pub(crate) output: Vec<usize>,
    /// Of the weights, if it has any.
    pub(crate) dtype: Dtype,
    /// Whether its input was rectified by the layer before, so that it carries
    /// the gradient on through the rectifier.
    pub(crate) masked: bool,
    /// Whether it rectifies its output and nobody behind it does this.
    pub(crate) rectifies_back: bool,
}

impl Computed {
    fn new(file: &NetworkFile, network: &Network, i: usize) -> Option<Computed> {
        let description = file.description();
        let layers = &description.layers;
        let layer = &layers[i];
        if let Op::Relu(_) = layer.op {
            return None;
        }
        let shape = |name: &str| {
            let node = network.node(name).expect("a layer of the network");
            network.shape(node).dims().to_vec()
        };
        let relu = |i: usize| {
            matches!(
                layers.get(i),
                Some(Layer {
                    op: Op::Relu(_),
                    ..
                })
            )
        };
        let relu_name = layers.get(i + 1).map(|layer| &layer.name);
        let is_encoder = relu_name.is_some() && relu_name == description.encoder.as_ref();
        let carried = layers.get(i + 2).is_some_and(|next| fuses(&next.op)) && !is_encoder;
        Some(Computed {
            index: i,
            name: layer.name.clone(),
            op: layer.op.clone(),
            input: shape(&layer.inputs[0]),
            output: shape(&layer.name),
            dtype: file
                .tensor(&format!("{}.weight", layer.name))
                .map_or(Dtype::F32, |weight| weight.dtype),
            masked: i > 0 && relu(i - 1) && fuses(&layer.op),
            rectifies_back: relu(i + 1) && !carried,
        })
    }

    /// A network of this layer alone, with its rectifier if it has one.
    pub(crate) fn alone(&self, file: &NetworkFile) -> NetworkFile {
        let layers = &file.description().layers;
        let mut chain = vec![Layer::new(&self.name, self.op.clone(), &["data"])];
        if let Some(next) = layers.get(self.index + 1)
            && matches!(next.op, Op::Relu(_))
        {
            chain.push(Layer::new(&next.name, next.op.clone(), &[&self.name]));
        }
        let names = ["weight", "bias"].map(|suffix| format!("{}.{suffix}", self.name));
        let tensors = names.iter().filter_map(|name| {
            let tensor = file.tensor(name)?;
            Some(TensorData {
                name: name.clone(),
                dtype: tensor.dtype,
                shape: tensor.shape.to_vec(),
                values: tensor.to_floats(),
            })
        });
        let tensors: Vec<TensorData> = tensors.collect();
        let description = full_size::description(&self.name, &self.input, chain);
        let bytes = netfile::to_bytes(&description, &tensors).expect("a valid network");
        NetworkFile::from_bytes(bytes).expect("what was just written")
    }
}

/// Whether an op can apply a rectifier, and carry a gradient through one.
fn fuses(op: &Op) -> bool {
    matches!(
        op,
        Op::Convolution(_) | Op::TransposedConvolution(_) | Op::InnerProduct(_)
    )
}
