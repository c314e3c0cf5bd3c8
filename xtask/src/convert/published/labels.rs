//! Names of units, as Caffe's `synset_words.txt` lists them.

use anyhow::{Result, bail, ensure};
use netfile::{Label, Op};

use super::structure::Structure;

/// The labels in the text of such a file.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Label>> {
    let label = |(id, name): (&str, &str)| Label {
        id: id.into(),
        name: name.into(),
    };
    let labels = caffemodel::read_labels(text)?;
    Ok(labels.into_iter().map(label).collect())
}

/// The layer whose units the labels name: the last one with weights.
pub(super) fn layer(structure: &Structure, labels: &[Label]) -> Result<String> {
    let layers = structure.layers.iter().zip(&structure.shapes);
    let mut weighted =
        layers.filter(|(layer, _)| matches!(layer.op, Op::InnerProduct(_) | Op::Convolution(_)));
    let Some((layer, shape)) = weighted.next_back() else {
        bail!("expected a layer with units to name, found none");
    };
    let units = shape.dims()[0];
    ensure!(
        units == labels.len(),
        "expected {units} labels for layer {}, found {}",
        layer.name,
        labels.len()
    );
    Ok(layer.name.clone())
}
