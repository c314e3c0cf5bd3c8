//! Padding layers of V0 become the `pad` of the layers that read them
//! (UpgradeV0PaddingLayers).

use std::collections::HashMap;

use crate::Error;
use crate::error::quoted;
use crate::message::{Field, Message, Value};

/// The most bytes of blob names that are copied in all: a name of 4,096 bytes
/// that 50,000 layers read would be 200 MB.
const MAX_COPIED: usize = 1 << 20;

/// What a padding layer says.
#[derive(Clone, Copy)]
struct Padding<'m> {
    bottom: &'m Field,
    pad: Option<&'m Field>,
}

impl Padding<'_> {
    fn bottom_len(&self) -> usize {
        match &self.bottom.value {
            Value::Text(name) => name.len(),
            _ => 0,
        }
    }
}

/// What a convolution or pooling takes over from the padding before it.
struct Fold {
    reader: usize,
    bottom: Field,
    pad: Option<Field>,
}

/// Gives each convolution and pooling the pad and the bottom of the padding
/// layer before it, and drops the padding layers.
///
/// # Errors
///
/// Where another layer reads a padded blob, and where padding or reader have
/// more than one bottom or top.
pub(super) fn fold(layers: &mut Vec<Message>) -> Result<(), Error> {
    for fold in folds(layers)? {
        let reader = &mut layers[fold.reader].fields;
        reader.retain(|field| !matches!(field.name, "bottom" | "pad"));
        reader.push(fold.bottom);
        reader.extend(fold.pad);
    }
    layers.retain(|layer| layer.text("type") != "padding");
    Ok(())
}

fn folds(layers: &[Message]) -> Result<Vec<Fold>, Error> {
    let mut folds = Vec::new();
    let mut copied = 0;
    // By the blob that was written last under this name.
    let mut paddings: HashMap<&str, Option<Padding<'_>>> = HashMap::new();
    for (reader, layer) in layers.iter().enumerate() {
        for bottom in layer.texts("bottom") {
            let Some(&Some(padding)) = paddings.get(bottom) else {
                continue;
            };
            check_reader(layer)?;
            copied += padding.bottom_len();
            if copied > MAX_COPIED {
                let expected = format!("padded blobs' names of at most {MAX_COPIED} bytes in all");
                return Err(Error::new(place(layer), expected, "more"));
            }
            folds.push(Fold {
                reader,
                bottom: padding.bottom.clone(),
                pad: padding.pad.cloned(),
            });
        }
        let padding = match layer.text("type") {
            "padding" => Some(padding(layer)?),
            _ => None,
        };
        paddings.extend(layer.texts("top").map(|top| (top, padding)));
    }
    Ok(folds)
}

fn padding(layer: &Message) -> Result<Padding<'_>, Error> {
    only(layer, "top")?;
    Ok(Padding {
        bottom: only(layer, "bottom")?,
        pad: layer.last("pad"),
    })
}

fn check_reader(layer: &Message) -> Result<(), Error> {
    only(layer, "bottom")?;
    match layer.text("type") {
        "conv" | "pool" => Ok(()),
        kind => Err(Error::new(
            place(layer),
            "a convolution or pooling behind a padding layer",
            quoted(kind),
        )),
    }
}

/// The only occurrence of a field.
fn only<'m>(layer: &'m Message, name: &str) -> Result<&'m Field, Error> {
    let mut all = layer.all(name);
    match (all.next(), all.next()) {
        (Some(field), None) => Ok(field),
        (first, _) => {
            let found = if first.is_none() { "none" } else { "several" };
            Err(Error::new(place(layer), format!("one {name}"), found))
        }
    }
}

fn place(layer: &Message) -> String {
    format!("layer {}", quoted(layer.text("name")))
}
