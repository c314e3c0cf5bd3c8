//! `sampler-cli inspect`: what there is to sample.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use inverse_set::{Expression, Neuron, Pair};

use crate::failure::one_line;
use crate::networks::NetworkArguments;
use crate::table;

/// Shows the layers of a pair, the units of a layer, or what a neuron resolves to.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli inspect
  sampler-cli inspect --layer fc8
  sampler-cli inspect --neuron 'fc8:\"Ankle boot\"'")]
pub(crate) struct Arguments {
    /// Show the units of this layer and their labels.
    #[arg(long, value_name = "LAYER", conflicts_with = "neuron")]
    layer: Option<String>,

    /// Show what LAYER:UNIT[=LO..HI] resolves to, and its quantiles.
    #[arg(long, value_name = "NEURON")]
    neuron: Option<String>,

    #[command(flatten)]
    networks: NetworkArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let pair = arguments.networks.open_any()?;
    let out = &mut std::io::stdout().lock();
    match (&arguments.layer, &arguments.neuron) {
        (Some(layer), _) => show_units(&pair, layer, out),
        (None, Some(neuron)) => show_neuron(&pair, neuron, out),
        (None, None) => show_layers(&pair, out),
    }
}

fn show_layers(pair: &Pair, out: &mut impl Write) -> Result<()> {
    let classifier = ("classifier", pair.classifier(), pair.classifier_network());
    let generator = pair.generator().zip(pair.generator_network());
    let generator = generator.map(|(file, network)| ("generator", file, network));
    for (what, file, network) in [classifier].into_iter().chain(generator) {
        let description = file.description();
        let row = |name: &str, op: &str| {
            let node = network
                .node(name)
                .expect("every name of the file is a node");
            vec![
                name.to_owned(),
                op.to_owned(),
                network.shape(node).to_string(),
            ]
        };
        let mut rows = vec![
            cells(["layer", "op", "output"]),
            row(&description.input.name, "input"),
        ];
        rows.extend(
            description
                .layers
                .iter()
                .map(|layer| row(&layer.name, layer.op.name())),
        );
        writeln!(out, "{what}: {}", one_line(&description.name))?;
        table::write(&rows, out)?;
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
    Ok(())
}

fn show_units(pair: &Pair, layer: &str, out: &mut impl Write) -> Result<()> {
    let shape = pair.layer_shape(layer)?;
    match *shape.dims() {
        [c, h, w] => writeln!(out, "{}: {c} channels of {h}x{w}", one_line(layer))?,
        _ => writeln!(out, "{}: {} units", one_line(layer), shape.len())?,
    }
    if let Some(labels) = pair.classifier().description().labels.get(layer) {
        let mut rows = vec![cells(["unit", "id", "label"])];
        rows.extend(
            labels
                .iter()
                .enumerate()
                .map(|(unit, label)| cells([&unit.to_string(), &label.id, &label.name])),
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

fn show_neuron(pair: &Pair, text: &str, out: &mut impl Write) -> Result<()> {
    let (file, network) = (pair.classifier(), pair.classifier_network());
    let expression: Expression = text.parse()?;
    let neuron = Neuron::resolve(&expression, text, file, network)?;
    writeln!(out, "neuron  {neuron}")?;
    writeln!(out, "range   {}", neuron.range())?;
    let Some(distribution) = neuron.distribution(file, network)? else {
        writeln!(out, "the network file tells no quantiles of it")?;
        return Ok(());
    };
    writeln!(out, "quantiles over {}:", one_line(&distribution.images))?;
    let value = |value: &f32| format!("{value:.4}");
    let mut rows = vec![cells(["level", "all images"])];
    let levels = distribution.levels.iter().zip(&distribution.over_all);
    rows.extend(levels.map(|(level, over_all)| vec![level.to_string(), value(over_all)]));
    if let Some(over_label) = &distribution.over_label {
        let column = ["its label's".to_owned()]
            .into_iter()
            .chain(over_label.iter().map(value));
        rows.iter_mut()
            .zip(column)
            .for_each(|(row, cell)| row.push(cell));
    }
    Ok(table::write(&rows, out)?)
}

fn cells<const N: usize>(row: [&str; N]) -> Vec<String> {
    row.map(str::to_owned).to_vec()
}
