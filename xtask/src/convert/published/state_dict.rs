//! Finds the weights of each layer among the named tensors of a state dict or
//! of an ONNX file.

use anyhow::{Result, bail, ensure};
use caffemodel::{Blob, StateDict};
use netfile::Dtype;

use super::fill::{fits, named};
use super::ops::Weights;
use super::structure::Demand;
use super::tensors::{Converted, Values};

/// How the name of a layer's weight or bias may end, PyTorch's way and those
/// of exporters to ONNX.
const ENDS: [(&str, &[&str]); 2] = [
    (
        "weight",
        &[".weight", "_weight", "/weight", "_w_0", "_w", ".w"],
    ),
    ("bias", &[".bias", "_bias", "/bias", "_b_0", "_b", ".b"]),
];

/// The tensors of the layers, and whether they were found by their names.
/// Names may have any prefix that ends in a dot or a slash. Where the names
/// are of another making, all tensors in order must have the shapes of all
/// weights in order.
pub(super) fn from_tensors<'a>(
    demands: &[Demand],
    dict: &StateDict<'a>,
    dtype: Dtype,
) -> Result<(Vec<Converted<'a>>, bool)> {
    for demand in demands {
        ensure!(
            demand.weights == Weights::Same,
            "layer {}: weights of this kind can be read from a caffemodel only",
            demand.layer
        );
    }
    match by_name(demands, dict, dtype) {
        Ok(tensors) => Ok((tensors, true)),
        Err(error) => match by_shape(demands, dict, dtype) {
            Some(tensors) => Ok((tensors, false)),
            None => Err(error),
        },
    }
}

fn by_name<'a>(
    demands: &[Demand],
    dict: &StateDict<'a>,
    dtype: Dtype,
) -> Result<Vec<Converted<'a>>> {
    let mut tensors = Vec::new();
    for demand in demands {
        let values = demand.tensors.iter().map(|(suffix, shape)| {
            let tensor = format!("{}.{suffix}", demand.layer);
            let (name, blob) = find(dict, &demand.layer, suffix, &tensor)?;
            match fit(blob, shape) {
                Some(blob) => Ok(Values::Blob(blob)),
                None => bail!(
                    "layer {}: tensor {name}: expected shape {shape:?}, found {:?}",
                    demand.layer,
                    blob.shape()
                ),
            }
        });
        tensors.extend(named(demand, dtype, values.collect::<Result<_>>()?));
    }
    Ok(tensors)
}

fn by_shape<'a>(
    demands: &[Demand],
    dict: &StateDict<'a>,
    dtype: Dtype,
) -> Option<Vec<Converted<'a>>> {
    let mut blobs = dict.tensors.iter().map(|(_, blob)| blob);
    let mut tensors = Vec::new();
    for demand in demands {
        let values = demand
            .tensors
            .iter()
            .map(|(_, shape)| fit(blobs.next()?, shape).map(Values::Blob));
        tensors.extend(named(demand, dtype, values.collect::<Option<_>>()?));
    }
    blobs.next().is_none().then_some(tensors)
}

fn find<'d, 'a>(
    dict: &'d StateDict<'a>,
    layer: &str,
    suffix: &str,
    tensor: &str,
) -> Result<(&'d str, &'d Blob<'a>)> {
    let found: Vec<_> = dict
        .tensors
        .iter()
        .filter(|(name, _)| is_named(name, layer, suffix))
        .collect();
    match found[..] {
        [(name, blob)] => Ok((name, blob)),
        [] => bail!(
            "layer {layer}: expected a tensor such as {tensor}, found {}",
            listed(dict)
        ),
        [(first, _), (second, _), ..] => {
            bail!("layer {layer}: expected one tensor such as {tensor}, found {first} and {second}")
        }
    }
}

/// Whether the name of a tensor is that of a layer's weight or bias.
fn is_named(name: &str, layer: &str, suffix: &str) -> bool {
    let ends = ENDS.iter().find(|(known, _)| *known == suffix);
    ends.is_some_and(|(_, ends)| {
        ends.iter().any(|end| {
            let stem = name.strip_suffix(end).map(without_number);
            let prefix = stem.and_then(|stem| stem.strip_suffix(layer));
            prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with(['.', '/']))
        })
    })
}

/// Without the number of a part of a `Sequential`: `defc7.1` is `defc7`.
fn without_number(stem: &str) -> &str {
    match stem.rsplit_once('.') {
        Some((name, number)) if number.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => stem,
    }
}

/// The first few names.
fn listed(dict: &StateDict<'_>) -> String {
    const SHOWN: usize = 4;
    let names: Vec<&str> = dict.tensors.iter().map(|(name, _)| name.as_str()).collect();
    match names.len() {
        0 => "no tensors".into(),
        n if n <= SHOWN => names.join(", "),
        n => format!("{} and {} more", names[..SHOWN].join(", "), n - SHOWN),
    }
}

fn fit<'a>(blob: &Blob<'a>, shape: &[usize]) -> Option<Blob<'a>> {
    fits(blob.shape(), shape).then(|| blob.reshaped(shape.into()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_several_makers() {
        for (name, suffix) in [
            ("conv1.weight", "weight"),
            ("features.conv1.weight", "weight"),
            ("G.conv1.1.weight", "weight"),
            ("conv1_w_0", "weight"),
            ("G.conv1.bias", "bias"),
            ("conv1_b_0", "bias"),
        ] {
            assert!(is_named(name, "conv1", suffix), "{name}");
        }
        for name in ["conv11.weight", "deconv1.weight", "conv1.bias", "conv1"] {
            assert!(!is_named(name, "conv1", "weight"), "{name}");
        }
    }
}
