//! Finds the weights of each layer in a published file.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use caffemodel::Blob;
use netfile::Dtype;

use super::ops::Weights;
use super::structure::Demand;
use super::tensors::{Converted, Values};

/// Takes the blobs of a caffemodel, matched by the layers' names as Caffe
/// does. Where a name stands twice in the file, the later one counts.
pub(super) fn from_layers<'a>(
    demands: &[Demand],
    layers: &[(String, Vec<Blob<'a>>)],
    dtype: Dtype,
) -> Result<Vec<Converted<'a>>> {
    let by_name: HashMap<&str, &[Blob<'a>]> = layers
        .iter()
        .map(|(name, blobs)| (name.as_str(), blobs.as_slice()))
        .collect();
    let mut tensors = Vec::new();
    for demand in demands {
        let blobs = by_name.get(demand.layer.as_str()).copied().unwrap_or(&[]);
        let values =
            values(demand, blobs).with_context(|| format!("layer {}: weights", demand.layer))?;
        tensors.extend(named(demand, dtype, values));
    }
    Ok(tensors)
}

/// A tensor for each of a layer's values, which stand in the layer's order.
pub(super) fn named<'a, 'b>(
    demand: &'b Demand,
    dtype: Dtype,
    values: Vec<Values<'a>>,
) -> impl Iterator<Item = Converted<'a>> + use<'a, 'b> {
    let tensors = demand.tensors.iter().zip(values);
    tensors.map(move |((suffix, shape), values)| {
        let name = format!("{}.{suffix}", demand.layer);
        Converted::new(name, dtype, shape.clone(), values)
    })
}

fn values<'a>(demand: &Demand, blobs: &[Blob<'a>]) -> Result<Vec<Values<'a>>> {
    let shape = |i: usize| demand.tensors[i].1.as_slice();
    let expected = match demand.weights {
        Weights::Same | Weights::Transposed => demand.tensors.len(),
        Weights::Averages => 3,
        Weights::WeightOnly | Weights::BiasOnly => 1,
        Weights::Constant { .. } => 0,
    };
    ensure!(
        blobs.len() == expected,
        "expected {expected} blobs, found {}",
        if blobs.is_empty() {
            "none".into()
        } else {
            blobs.len().to_string()
        }
    );
    Ok(match demand.weights {
        Weights::Same => {
            let blobs = blobs.iter().enumerate();
            let values = blobs.map(|(i, blob)| Ok(Values::Blob(fit(i, blob, shape(i))?)));
            values.collect::<Result<_>>()?
        }
        Weights::Transposed => {
            let mut values = Vec::new();
            for (i, blob) in blobs.iter().enumerate() {
                values.push(match *shape(i) {
                    [out, inputs] => Values::Transposed(fit(i, blob, &[inputs, out])?),
                    _ => Values::Blob(fit(i, blob, shape(i))?),
                });
            }
            values
        }
        Weights::Averages => averages(blobs, shape(0))?,
        Weights::WeightOnly => {
            let weight = fit(0, &blobs[0], shape(0))?;
            vec![Values::Blob(weight), constant(0.0, shape(1))]
        }
        Weights::BiasOnly => {
            let bias = fit(0, &blobs[0], shape(1))?;
            vec![constant(1.0, shape(0)), Values::Blob(bias)]
        }
        Weights::Constant { weight, bias } => {
            vec![constant(weight, shape(0)), constant(bias, shape(1))]
        }
    })
}

/// Caffe stores sums; what they were summed with is the third blob
/// (batch_norm_layer.cpp).
fn averages<'a>(blobs: &[Blob<'a>], shape: &[usize]) -> Result<Vec<Values<'a>>> {
    let factor = fit(2, &blobs[2], &[1])?.to_floats()[0];
    let scale = if factor == 0.0 { 0.0 } else { 1.0 / factor };
    let average = |i: usize| {
        let mut values = fit(i, &blobs[i], shape)?.to_floats();
        values.iter_mut().for_each(|value| *value *= scale);
        Ok(Values::Owned(values))
    };
    (0..2).map(average).collect()
}

fn constant<'a>(value: f32, shape: &[usize]) -> Values<'a> {
    Values::Owned(vec![value; shape.iter().product()])
}

/// The blob under the shape that the layer needs. Older files put ones before
/// the sizes to have four of them.
fn fit<'a>(number: usize, blob: &Blob<'a>, expected: &[usize]) -> Result<Blob<'a>> {
    fits(blob.shape(), expected)
        .then(|| blob.reshaped(expected.into()))
        .flatten()
        .with_context(|| {
            format!(
                "blobs[{number}]: expected shape {expected:?}, found {:?}",
                blob.shape()
            )
        })
}

/// Whether a shape is the expected one, but for ones before it.
pub(super) fn fits(shape: &[usize], expected: &[usize]) -> bool {
    shape
        .split_at_checked(shape.len().wrapping_sub(expected.len()))
        .is_some_and(|(ones, rest)| rest == expected && ones.iter().all(|&size| size == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_stand_only_before_a_shape() {
        assert!(fits(&[1, 1, 3, 5], &[3, 5]));
        assert!(fits(&[3, 5], &[3, 5]));
        assert!(fits(&[1, 1, 1, 1], &[1]));
        assert!(fits(&[1, 1, 3, 5], &[1, 1, 3, 5]));
        for shape in [&[5, 3][..], &[3, 5, 1, 1], &[15], &[5], &[2, 1, 3, 5], &[]] {
            assert!(!fits(shape, &[3, 5]), "{shape:?}");
        }
    }
}
