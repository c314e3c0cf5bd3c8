//! What a net of Caffe is given.

use std::collections::HashSet;

use anyhow::{Context, Result, bail};
use caffemodel::{Layer, Net};

use super::ops::{self, Role};

/// Channels of pictures from a data layer, which tells only their side.
const COLOURS: usize = 3;

/// The blob that is read before any layer makes it. What only layers of
/// training read, labels, does not count; and a data layer may be missing: a
/// file that was saved in training has it in phase TRAIN alone.
pub(super) fn name(net: &Net) -> Result<String> {
    let (mut known, mut unmade) = (HashSet::new(), Vec::new());
    let aside = |kind: &str| matches!(ops::role(kind), Role::Source | Role::Training);
    for layer in net.layers.iter().filter(|layer| !aside(&layer.kind)) {
        let bottoms = layer.bottoms.iter().map(String::as_str);
        unmade.extend(bottoms.filter(|bottom| known.insert(*bottom)));
        known.extend(layer.tops.iter().map(String::as_str));
    }
    match unmade[..] {
        [input] => Ok(input.into()),
        [] => bail!(
            "expected layers that read an input, found none; --prototxt gives the structure of a file that holds only weights"
        ),
        _ => bail!("expected one input, found {}", unmade.join(", ")),
    }
}

/// The shape of one sample of the input.
pub(super) fn shape(net: &Net, name: &str) -> Result<Vec<usize>> {
    let unknown = || format!("input {name}: its shape is not told; give it by --input C,H,W");
    let declared = net.inputs.iter().find(|input| input.name == name);
    if let Some(input) = declared {
        let shape = input.shape.as_deref().with_context(unknown)?;
        return sample(shape).with_context(unknown);
    }
    let layer = source(net, name).with_context(unknown)?;
    let top = layer.tops.iter().position(|top| top == name).unwrap_or(0);
    let shapes = layer.input_shapes()?;
    // One shape may serve all tops.
    if let Some(shape) = shapes.get(top).or(shapes.first()) {
        return sample(shape).with_context(unknown);
    }
    match layer.transformation()?.crop_size {
        0 => bail!(unknown()),
        side => Ok(vec![COLOURS, side, side]),
    }
}

/// The layer that gives the blob.
pub(super) fn source<'a>(net: &'a Net, name: &str) -> Option<&'a Layer> {
    let mut layers = net.layers.iter();
    layers.find(|layer| {
        ops::role(&layer.kind) == Role::Source && layer.tops.iter().any(|top| top == name)
    })
}

/// Without the batch, and `[units]` instead of units of one pixel each.
fn sample(shape: &[usize]) -> Option<Vec<usize>> {
    match shape {
        [_, units, 1, 1] => Some(vec![*units]),
        [_, rest @ ..] if !rest.is_empty() => Some(rest.to_vec()),
        _ => None,
    }
}
