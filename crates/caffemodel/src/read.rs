//! Files to nets and models.

use crate::blob_proto::read_blob;
use crate::error::quoted;
use crate::message::{Budget, Field, Message, Value};
use crate::schema::NET;
use crate::{Blob, Error, Input, Layer, MAX_AXES, Model, Net, binary, phase, text, upgrade};

/// Reads a `.caffemodel`: a binary NetParameter of any version.
///
/// Only the structure is read; the numbers stay in `bytes`.
///
/// # Errors
///
/// Where the file is malformed, holds no layers, mixes versions of layers, or
/// has a blob whose shape and numbers disagree.
pub fn read_caffemodel(bytes: &[u8]) -> Result<Model<'_>, Error> {
    let mut message = Message::default();
    binary::decode(bytes, 0, &NET, &mut Budget::default(), &mut message)?;
    let inputs = take_inputs(&mut message)?;
    let (mut layers, version) = upgrade::take_layers(&mut message)?;
    let blobs = take_blobs(&mut layers, bytes)?;
    Ok(Model {
        net: net(message, inputs, layers)?,
        blobs,
        version,
    })
}

/// Reads a `.prototxt`: a NetParameter of any version as text.
///
/// Blobs in it are skipped.
///
/// # Errors
///
/// Where the text is malformed or not UTF-8, holds no layers, or mixes
/// versions of layers.
pub fn read_prototxt(text: &[u8]) -> Result<Net, Error> {
    let mut message = text::parse(text, &NET)?;
    let inputs = take_inputs(&mut message)?;
    let (layers, _) = upgrade::take_layers(&mut message)?;
    net(message, inputs, layers)
}

/// Reads a `.binaryproto`: a BlobProto, for example an image mean of shape
/// `[1, 3, 256, 256]`.
///
/// # Errors
///
/// Where the file is malformed or its shape and numbers disagree.
pub fn read_mean(bytes: &[u8]) -> Result<Blob<'_>, Error> {
    read_blob(bytes, 0)
}

fn net(mut message: Message, inputs: Vec<Input>, layers: Vec<Message>) -> Result<Net, Error> {
    let mut existing = Vec::with_capacity(layers.len());
    for layer in layers {
        let named =
            |error: Error| error.within(format_args!("layer {}", quoted(layer.text("name"))));
        if phase::exists(&layer).map_err(named)? {
            existing.push(into_layer(layer));
        }
    }
    Ok(Net {
        name: message.take_text("name"),
        inputs,
        layers: existing,
    })
}

fn into_layer(mut message: Message) -> Layer {
    let layer = Layer {
        name: message.take_text("name"),
        kind: message.take_text("type"),
        bottoms: message.take_texts("bottom"),
        tops: message.take_texts("top"),
        parameters: Message::default(),
    };
    message
        .fields
        .retain(|field| !matches!(field.name, "include" | "exclude"));
    Layer {
        parameters: message,
        ..layer
    }
}

/// Takes the blobs of all layers away.
fn take_blobs<'a>(
    layers: &mut [Message],
    bytes: &'a [u8],
) -> Result<Vec<(String, Vec<Blob<'a>>)>, Error> {
    let mut all = Vec::new();
    for layer in layers {
        let ranges = layer.take("blobs").into_iter();
        let blobs = ranges
            .enumerate()
            .filter_map(|(index, field)| match field.value {
                Value::Blob(range) => Some((index, range)),
                _ => None,
            })
            .map(|(index, range)| {
                let name = || quoted(layer.text("name"));
                read_blob(&bytes[range.clone()], range.start)
                    .map_err(|error| error.within(format_args!("layer {}, blob {index}", name())))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if !blobs.is_empty() {
            all.push((layer.text("name").to_owned(), blobs));
        }
    }
    Ok(all)
}

/// The inputs that are declared at the net itself. Shapes come from
/// `input_shape` where there is one, else from `input_dim`, four for each
/// input.
fn take_inputs(net: &mut Message) -> Result<Vec<Input>, Error> {
    let names = net.take_texts("input");
    let shapes = net.take("input_shape");
    let dims = net.take("input_dim");
    let shapes = match (shapes.is_empty(), dims.is_empty()) {
        (false, _) => shapes.iter().map(shape_field).collect::<Result<_, _>>()?,
        (true, false) => dims.chunks(4).map(legacy_shape).collect::<Result<_, _>>()?,
        (true, true) => vec![None; names.len()],
    };
    if shapes.len() != names.len() && !names.is_empty() {
        let expected = format!("a shape for each of {} inputs", names.len());
        return Err(Error::new("the net", expected, shapes.len().to_string()));
    }
    let inputs = names.into_iter().zip(shapes);
    Ok(inputs.map(|(name, shape)| Input { name, shape }).collect())
}

fn shape_field(field: &Field) -> Result<Option<Vec<usize>>, Error> {
    match &field.value {
        Value::Message(message) => sizes(message.all("dim")).map(Some),
        _ => Ok(None),
    }
}

fn legacy_shape(dims: &[Field]) -> Result<Option<Vec<usize>>, Error> {
    match (dims.len(), dims.first()) {
        (count @ 1..4, Some(first)) => Err(Error::new(
            format_args!("input_dim, {}", first.position),
            "four dimensions for each input",
            format!("{count}"),
        )),
        _ => sizes(dims.iter()).map(Some),
    }
}

/// A shape that holds no negative size and not too many axes.
pub(crate) fn sizes<'m>(dims: impl Iterator<Item = &'m Field>) -> Result<Vec<usize>, Error> {
    let mut shape = Vec::new();
    for field in dims {
        let place = || format!("{}, {}", field.name, field.position);
        let Value::Integer(dim) = field.value else {
            continue;
        };
        let size = usize::try_from(dim)
            .map_err(|_| Error::new(place(), "a size of at least 0", dim.to_string()))?;
        if shape.len() == MAX_AXES {
            let expected = format!("at most {MAX_AXES} axes");
            return Err(Error::new(place(), expected, "more of them"));
        }
        shape.push(size);
    }
    Ok(shape)
}
