//! The units of a layer and their labels.

use std::io::Write;

use anyhow::Result;
use inverse_set::Pair;

use crate::failure::one_line;
use crate::table;

pub(super) fn show(pair: &Pair, layer: &str, out: &mut impl Write) -> Result<()> {
    let shape = pair.layer_shape(layer)?;
    match *shape.dims() {
        [c, h, w] => writeln!(out, "{}: {c} channels of {h}x{w}", one_line(layer))?,
        _ => writeln!(out, "{}: {} units", one_line(layer), shape.len())?,
    }
    if let Some(labels) = pair.classifier().description().labels.get(layer) {
        let mut rows = vec![table::row(["unit", "id", "label"])];
        let units = labels.iter().enumerate();
        rows.extend(
            units.map(|(unit, label)| table::row([&unit.to_string(), &label.id, &label.name])),
        );
        table::write(&rows, out)?;
    } else if shape.dims().len() == 3 {
        writeln!(
            out,
            "name a unit as CHANNEL@Y,X, a whole channel as CHANNEL@max or CHANNEL@mean"
        )?;
    } else {
        writeln!(
            out,
            "the units have no labels; name them by number, 0 to {}",
            shape.len() - 1
        )?;
    }
    Ok(())
}

/// Those whose label or id contains a text, named as `--neuron` takes them.
pub(super) fn show_found(
    pair: &Pair,
    layer: Option<&str>,
    text: &str,
    out: &mut impl Write,
) -> Result<()> {
    let found = pair.search(layer, text)?;
    let mut rows = vec![table::row(["neuron", "id", "label"])];
    rows.extend(found.iter().map(|(layer, unit, label)| {
        table::row([&format!("{layer}:{unit}"), &label.id, &label.name])
    }));
    Ok(table::write(&rows, out)?)
}
