//! `sampler-cli inspect`: what there is to sample.

mod layers;
mod neuron;
mod units;

use anyhow::Result;
use clap::Args;

use crate::counting::QuietArgument;
use crate::networks::NetworkArguments;

/// Shows the layers of a pair, the units of a layer, or what a neuron can reach.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli inspect
  sampler-cli inspect --layer fc8
  sampler-cli inspect --layer fc8 --search boot
  sampler-cli inspect --neuron 'fc8:\"Ankle boot\"'")]
pub(crate) struct Arguments {
    /// Show the units of this layer and their labels.
    #[arg(long, value_name = "LAYER", conflicts_with = "neuron")]
    layer: Option<String>,

    /// Show the units whose label or id contains this, of all layers or of one.
    #[arg(long, value_name = "TEXT", conflicts_with = "neuron")]
    search: Option<String>,

    /// Show what LAYER:UNIT[=LO..HI] resolves to, its quantiles, and what plain
    /// descent and ascent reach.
    #[arg(long, value_name = "NEURON")]
    neuron: Option<String>,

    #[command(flatten)]
    networks: NetworkArguments,

    #[command(flatten)]
    output: QuietArgument,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Arguments {
        layer,
        search,
        neuron,
        networks,
        output,
    } = arguments;
    let pair = networks.open_any()?;
    let out = &mut std::io::stdout().lock();
    match (neuron, search, layer) {
        (Some(neuron), ..) => neuron::show(pair, neuron, networks, *output, out),
        (None, Some(text), layer) => units::show_found(&pair, layer.as_deref(), text, out),
        (None, None, Some(layer)) => units::show(&pair, layer, out),
        (None, None, None) => layers::show(&pair, out),
    }
}
