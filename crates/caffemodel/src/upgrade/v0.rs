use super::padding;
use crate::Error;
use crate::error::quoted;
use crate::message::{Field, Message, Position, Value};

/// Whether a `layers` entry is a V0LayerParameter with its connections.
pub(super) fn is_v0(layer: &Message) -> bool {
    layer.all("layer").next().is_some()
}

/// Layers in the newest form, without padding layers.
///
/// # Errors
///
/// Where entries of V1 stand among them, and where a padding layer cannot be
/// folded.
pub(super) fn upgrade(layers: Vec<Message>) -> Result<Vec<Message>, Error> {
    if let Some(other) = layers.iter().find(|layer| !is_v0(layer)) {
        let name = quoted(other.text("name"));
        return Err(Error::new(
            format_args!("layer {name}"),
            "field layer, as in other layers of this file",
            "none",
        ));
    }
    let mut layers: Vec<Message> = layers.into_iter().map(flatten).collect();
    padding::fold(&mut layers)?;
    layers.iter_mut().for_each(upgrade_layer);
    Ok(layers)
}

/// Connections and parameters in one message.
fn flatten(mut outer: Message) -> Message {
    let inner = outer.take_messages("layer");
    outer
        .fields
        .retain(|field| matches!(field.name, "bottom" | "top"));
    let inner = inner.into_iter().flat_map(|message| message.fields);
    outer.fields.extend(inner);
    outer
}

fn upgrade_layer(layer: &mut Message) {
    let kind = layer.take_text("type");
    let (kept, old): (Vec<Field>, Vec<Field>) = layer
        .fields
        .drain(..)
        .partition(|field| matches!(field.name, "name" | "bottom" | "top" | "blobs"));
    layer.fields = kept;
    let old = Message { fields: old };
    for &(name, kinds, message, renamed) in MOVES {
        if (kinds == kind || kinds == ANY)
            && let Some(field) = old.last(name)
        {
            let mut parameter = Message::default();
            parameter.push(renamed, field.value.clone(), field.position);
            layer.push(message, Value::Message(parameter), field.position);
        }
    }
    layer.push("type", Value::Text(type_name(kind)), Position::Byte(0));
}

fn type_name(kind: String) -> String {
    let known = TYPES.iter().find(|(known, _)| *known == kind);
    known.map_or(kind, |(_, name)| (*name).to_owned())
}

/// The newest type strings. An unknown one stays as it is.
const TYPES: &[(&str, &str)] = &[
    ("accuracy", "Accuracy"),
    ("bnll", "BNLL"),
    ("concat", "Concat"),
    ("conv", "Convolution"),
    ("data", "Data"),
    ("dropout", "Dropout"),
    ("euclidean_loss", "EuclideanLoss"),
    ("flatten", "Flatten"),
    ("hdf5_data", "HDF5Data"),
    ("hdf5_output", "HDF5Output"),
    ("im2col", "Im2col"),
    ("images", "ImageData"),
    ("infogain_loss", "InfogainLoss"),
    ("innerproduct", "InnerProduct"),
    ("lrn", "LRN"),
    ("multinomial_logistic_loss", "MultinomialLogisticLoss"),
    ("pool", "Pooling"),
    ("relu", "ReLU"),
    ("sigmoid", "Sigmoid"),
    ("softmax", "Softmax"),
    ("softmax_loss", "SoftmaxWithLoss"),
    ("split", "Split"),
    ("tanh", "TanH"),
    ("window_data", "WindowData"),
];

const ANY: &str = "";

/// A field of V0LayerParameter, the type that it belongs to, and the message
/// and field where it stands now. On a layer of another type it means
/// nothing.
const MOVES: &[(&str, &str, &str, &str)] = &[
    ("num_output", "conv", "convolution_param", "num_output"),
    ("biasterm", "conv", "convolution_param", "bias_term"),
    ("pad", "conv", "convolution_param", "pad"),
    ("kernelsize", "conv", "convolution_param", "kernel_size"),
    ("group", "conv", "convolution_param", "group"),
    ("stride", "conv", "convolution_param", "stride"),
    (
        "num_output",
        "innerproduct",
        "inner_product_param",
        "num_output",
    ),
    (
        "biasterm",
        "innerproduct",
        "inner_product_param",
        "bias_term",
    ),
    ("pool", "pool", "pooling_param", "pool"),
    ("pad", "pool", "pooling_param", "pad"),
    ("kernelsize", "pool", "pooling_param", "kernel_size"),
    ("stride", "pool", "pooling_param", "stride"),
    ("local_size", "lrn", "lrn_param", "local_size"),
    ("alpha", "lrn", "lrn_param", "alpha"),
    ("beta", "lrn", "lrn_param", "beta"),
    ("k", "lrn", "lrn_param", "k"),
    ("concat_dim", "concat", "concat_param", "concat_dim"),
    ("scale", ANY, "transform_param", "scale"),
    ("meanfile", ANY, "transform_param", "mean_file"),
    ("cropsize", ANY, "transform_param", "crop_size"),
];
