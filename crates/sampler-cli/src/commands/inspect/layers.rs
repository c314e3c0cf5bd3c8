//! The layers of both networks and what they cost.

use std::io::Write;

use anyhow::Result;
use inverse_set::{LayerShape, Pair, thousands};

use crate::failure::one_line;
use crate::table;

pub(super) fn show(pair: &Pair, out: &mut impl Write) -> Result<()> {
    let classifier = ("classifier", pair.classifier(), pair.classifier_network());
    let generator = pair.generator().zip(pair.generator_network());
    let generator = generator.map(|(file, network)| ("generator", file, network));
    for (what, file, network) in [classifier].into_iter().chain(generator) {
        let description = file.description();
        let shape = |name: &String| {
            let node = network.node(name);
            network.shape(node.expect("every name of the file is a node"))
        };
        let input = &description.input.name;
        let mut rows = vec![
            table::row(["layer", "op", "output", "parameters", "multiply-adds"]),
            table::row([input, "input", &shape(input).to_string(), "-", "-"]),
        ];
        let [mut parameters, mut multiply_adds] = [0u64; 2];
        for layer in &description.layers {
            let inputs: Vec<_> = layer
                .inputs
                .iter()
                .map(|name| shape(name).clone())
                .collect();
            let sizes = LayerShape::new(layer, &inputs).expect("the network was loaded");
            parameters = parameters.saturating_add(sizes.parameters());
            multiply_adds = multiply_adds.saturating_add(sizes.multiply_adds);
            rows.push(table::row([
                &layer.name,
                layer.op.name(),
                &sizes.output.to_string(),
                &count(sizes.parameters()),
                &count(sizes.multiply_adds),
            ]));
        }
        let totals = [parameters, multiply_adds].map(count);
        rows.push(table::row(["total", "", "", &totals[0], &totals[1]]));
        writeln!(out, "{what}: {}", one_line(&description.name))?;
        table::write_numbers(&rows, 2, out)?;
        for (title, layers) in [
            ("encoder", description.encoder.iter().collect::<Vec<_>>()),
            ("labels", description.labels.keys().collect()),
            ("quantiles", description.quantiles.keys().collect()),
        ] {
            let layers: Vec<String> = layers.into_iter().map(|layer| one_line(layer)).collect();
            if !layers.is_empty() {
                writeln!(out, "{title}: {}", layers.join(", "))?;
            }
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "parameters: numbers that the file holds; multiply-adds: of one image, forward"
    )?;
    Ok(())
}

/// A count with its thousands apart, `37,752,832`; `-` for none.
fn count(count: u64) -> String {
    match count {
        0 => "-".to_owned(),
        _ => thousands(count),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_stand_apart() {
        for (count, text) in [
            (0, "-"),
            (7, "7"),
            (999, "999"),
            (1000, "1,000"),
            (34_944, "34,944"),
            (105_415_200, "105,415,200"),
        ] {
            assert_eq!(super::count(count), text);
        }
    }
}
