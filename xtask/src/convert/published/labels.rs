//! Names of units, as Caffe's `synset_words.txt` lists them.

use anyhow::{Context, Result, bail, ensure};
use netfile::{Label, Op};

use super::structure::Structure;

/// One label per line: an id, a blank, names separated by commas.
pub(super) fn parse(text: &str) -> Result<Vec<Label>> {
    let lines = (1..).zip(text.lines());
    let labels = lines.map(|(number, line)| {
        let (id, name) = line
            .trim()
            .split_once(char::is_whitespace)
            .with_context(|| format!("line {number}: expected an id and a name, found {line:?}"))?;
        Ok(Label {
            id: id.into(),
            name: name.trim().into(),
        })
    });
    labels.collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ids_and_names() {
        let labels = parse("n01 tench, Tinca tinca\nn02\tgoldfish\n").unwrap();
        assert_eq!(labels[0].id, "n01");
        assert_eq!(labels[0].name, "tench, Tinca tinca");
        assert_eq!(labels[1].name, "goldfish");
        let error = parse("n01 tench\ngoldfish\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "line 2: expected an id and a name, found \"goldfish\""
        );
    }
}
