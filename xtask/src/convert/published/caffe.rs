//! Any network of Caffe.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use caffemodel::Net;
use netfile::{Dtype, Op};

use super::image::{self, Pixels};
use super::source::Contents;
use super::structure::{self, Structure};
use super::{Storage, describe, fill, labels, origin, read, set_labels, store};

/// Any other network of Caffe.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The weights: .caffemodel, .onnx, .pt or .safetensors.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The structure as text; without it, what the caffemodel says.
    #[arg(long, value_name = "FILE")]
    prototxt: Option<PathBuf>,
    /// Channels, height and width of the input, where no file says it.
    #[arg(long, value_name = "C,H,W", value_delimiter = ',')]
    input: Option<Vec<usize>>,
    /// Order of the channels and the mean of each, such as bgr,104,117,123.
    #[arg(long, value_name = "ORDER,MEANS")]
    image: Option<Pixels>,
    /// A mean for every pixel: .binaryproto or .npy.
    #[arg(long, value_name = "FILE")]
    mean_image: Option<PathBuf>,
    /// A line for each unit of the last layer: an id, a blank, names.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The layer that is the default encoding.
    #[arg(long, value_name = "LAYER")]
    encoder: Option<String>,
    /// The licence of the weights.
    #[arg(long, value_name = "WORDS", default_value = "not stated")]
    licence: String,
    /// The network file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    storage: Storage,
}

/// Converts any network of Caffe.
pub(crate) fn convert(arguments: &Arguments) -> Result<()> {
    let map = netfile::map_file(&arguments.model)?;
    let contents = read(&map, &arguments.model)?;
    let given = arguments.prototxt.as_deref().map(prototxt).transpose()?;
    let net = match (&given, &contents) {
        (Some(net), _) => net,
        (None, Contents::Model(model)) => &model.net,
        (None, Contents::Tensors(_)) => bail!(
            "reading {}: it holds tensors without a structure; give that by --prototxt",
            arguments.model.display()
        ),
    };
    let described = arguments.prototxt.as_deref().unwrap_or(&arguments.model);
    let reading = || format!("reading {}", described.display());
    let structure = structure::translate(net, arguments.input.as_deref()).with_context(reading)?;
    for words in &structure.left_out {
        println!("left out: {words}");
    }
    let dtype = arguments.storage.dtype.unwrap_or(Dtype::F32);
    let mut tensors = fill(&structure, &contents, dtype)
        .with_context(|| format!("reading {}", arguments.model.display()))?;
    let image = match &arguments.image {
        Some(pixels) => Some(pixels.encoding()),
        None => image::told(net, &structure.input).with_context(reading)?,
    };
    if let Some(path) = &arguments.mean_image {
        tensors.push(image::mean_image(path, &structure.input.shape)?);
    }
    let name = if net.name.is_empty() {
        "Caffe network"
    } else {
        &net.name
    };
    let origin = origin(&arguments.model, &map, &arguments.licence);
    let mut description = describe(name, &structure, image, origin);
    if let Some(path) = &arguments.labels {
        let reading = || format!("reading the labels {}", path.display());
        let text = fs::read(path).with_context(reading)?;
        let labels = labels::parse(&text).with_context(reading)?;
        set_labels(&mut description, &structure, labels).with_context(reading)?;
    }
    description.encoder = arguments.encoder.clone().or_else(|| encoder(&structure));
    store(&arguments.out, &description, &tensors, &arguments.storage)
}

fn prototxt(path: &Path) -> Result<Net> {
    let reading = || format!("reading {}", path.display());
    let text = fs::read(path).with_context(reading)?;
    caffemodel::read_prototxt(&text).with_context(reading)
}

/// The activation behind the first of several inner products, CaffeNet's
/// `relu6`; else what the only one reads.
fn encoder(structure: &Structure) -> Option<String> {
    let layers = &structure.layers;
    let mut products = layers
        .iter()
        .filter(|layer| matches!(layer.op, Op::InnerProduct(_)));
    let first = products.next()?;
    if products.next().is_none() {
        let read = first.inputs.first()?;
        return (*read != structure.input.name).then(|| read.clone());
    }
    let mut readers = layers
        .iter()
        .filter(|layer| layer.inputs.contains(&first.name));
    let activation = readers.find(|layer| matches!(layer.op, Op::Relu(_)));
    Some(activation.unwrap_or(first).name.clone())
}
