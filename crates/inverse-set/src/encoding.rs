//! What distances between images are measured in, E.

use std::fmt;
use std::path::{Path, PathBuf};

use autograd::Gradient;
use engine::{Buffer, Encoder, Network, NodeId, Plan};
use netfile::NetworkFile;

use crate::Error;
use crate::neuron::{Shown, find_layer};
use crate::pair::{Loaded, Pair};
use crate::record::{EncoderRecord, OtherEncoder};

/// What distances between images are measured in: Euclidean distances of what
/// this gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Distance {
    /// The layer of the classifier that its network file names as `encoder`.
    #[default]
    Default,
    /// A layer of the classifier.
    Layer(String),
    /// A layer of another network, which takes images of the same shape.
    Network {
        /// Its network file.
        file: PathBuf,
        /// The layer.
        layer: String,
    },
    /// The pixels in [0, 1], for which nothing is computed.
    Pixels,
}

/// A [`Distance`], resolved.
#[derive(Debug)]
pub(crate) enum Encoding {
    /// A layer of the classifier.
    Layer { node: NodeId, name: String },
    /// A layer of another network.
    Network {
        network: Box<Loaded>,
        node: NodeId,
        name: String,
    },
    /// The pixels.
    Pixels,
}

impl Encoding {
    /// Finds the layer, and opens the other network if there is one.
    ///
    /// # Errors
    /// [`Error::Request`] for a layer that is missing or images that do not
    /// fit; [`Error::File`] and [`Error::Network`] for the other network.
    pub(crate) fn resolve(distance: &Distance, pair: &Pair) -> Result<Encoding, Error> {
        let Loaded { file, network, .. } = &pair.classifier;
        match distance {
            Distance::Pixels => Ok(Encoding::Pixels),
            Distance::Network { file, layer } => Encoding::of_network(file, layer, pair),
            Distance::Layer(layer) => Encoding::of_layer(layer, file, network),
            Distance::Default => match &file.description().encoder {
                Some(layer) => Encoding::of_layer(layer, file, network),
                None => Err(refused(format!(
                    "{} names none; name one of its layers",
                    Shown(&file.description().name)
                ))),
            },
        }
    }

    fn of_layer(layer: &str, file: &NetworkFile, network: &Network) -> Result<Encoding, Error> {
        Ok(Encoding::Layer {
            node: layer_node(layer, file, network)?,
            name: layer.to_owned(),
        })
    }

    fn of_network(path: &Path, layer: &str, pair: &Pair) -> Result<Encoding, Error> {
        let images = |loaded: &Loaded| loaded.network.shape(NodeId::INPUT).clone();
        let other = Loaded::open(&path.into(), pair.classifier.network.device())?;
        let (found, expected) = (images(&other), images(&pair.classifier));
        if found != expected {
            return Err(refused(format!(
                "{} takes images of {found}, expected {expected} as the classifier takes; choose a network of the same images",
                Shown(&other.file.description().name)
            )));
        }
        Ok(Encoding::Network {
            node: layer_node(layer, &other.file, &other.network)?,
            name: layer.to_owned(),
            network: Box::new(other),
        })
    }

    /// Numbers in the encoding of one image.
    pub(crate) fn len(&self, classifier: &Network) -> usize {
        match self {
            Encoding::Layer { node, .. } => classifier.shape(*node).len(),
            Encoding::Network { network, node, .. } => network.network.shape(*node).len(),
            Encoding::Pixels => classifier.shape(NodeId::INPUT).len(),
        }
    }

    /// What `run.json` says of it.
    pub(crate) fn record(&self) -> EncoderRecord {
        match self {
            Encoding::Layer { name, .. } => EncoderRecord::Layer(name.clone()),
            Encoding::Network { network, name, .. } => {
                EncoderRecord::Other(OtherEncoder::Network {
                    layer: name.clone(),
                    network: network.record(),
                })
            }
            Encoding::Pixels => EncoderRecord::Other(OtherEncoder::Pixels {}),
        }
    }
}

/// `relu6`, `pool6 of fashion judge (judge.safetensors)` or `pixels`.
impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Encoding::Layer { name, .. } => write!(f, "{}", Shown(name)),
            Encoding::Network { network, name, .. } => write!(
                f,
                "{} of {} ({})",
                Shown(name),
                Shown(&network.file.description().name),
                Shown(&network.base_name)
            ),
            Encoding::Pixels => f.write_str("pixels"),
        }
    }
}

fn layer_node(layer: &str, file: &NetworkFile, network: &Network) -> Result<NodeId, Error> {
    find_layer(layer, file, network).map_err(refused)?;
    Ok(network.node(layer).expect("the layer was found"))
}

const CHOOSING: &str = "choosing the encoder";

/// The network does not take images, or does not fit into memory.
fn unfit(cause: engine::Error) -> Error {
    Error::from_engine(CHOOSING, cause)
}

fn refused(cause: String) -> Error {
    Error::Request(format!("{CHOOSING}: {cause}"))
}

/// Another network that encodes images, at work.
#[derive(Debug)]
pub(crate) struct OtherNetwork {
    plan: Plan,
    gradient: Gradient,
    encoder: Encoder,
    node: NodeId,
    d_images: Buffer,
}

impl OtherNetwork {
    /// For batches of at most `batch` images.
    pub(crate) fn new(loaded: &Loaded, node: NodeId, batch: usize) -> Result<OtherNetwork, Error> {
        let Loaded { file, network, .. } = loaded;
        let input = network.shape(NodeId::INPUT);
        let plan = Plan::new(network, batch, &[node]).map_err(unfit)?;
        Ok(OtherNetwork {
            gradient: Gradient::new(&plan, &[node]).map_err(unfit)?,
            encoder: Encoder::new(file, input, network.device()).map_err(unfit)?,
            node,
            d_images: network.device().buffer(batch, input).map_err(unfit)?,
            plan,
        })
    }

    /// The encodings of `n` images.
    pub(crate) fn encode(&mut self, images: &Buffer, n: usize) -> &Buffer {
        self.encoder.encode(images, n, self.plan.input_mut());
        self.plan.forward(n);
        self.plan.activation(self.node)
    }

    /// From the cotangents of the `n` encodings made last to those of their
    /// images.
    pub(crate) fn pull(&mut self, d_encodings: &Buffer, n: usize) -> &Buffer {
        self.gradient.clear();
        self.gradient.cotangent(self.node, n).add(n, d_encodings);
        let d_input = self.gradient.pull(&self.plan, n);
        self.encoder.pull(d_input, n, &mut self.d_images);
        &self.d_images
    }
}
