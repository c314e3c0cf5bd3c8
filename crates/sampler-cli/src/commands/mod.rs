//! The commands, one a file.

mod inspect;
mod sample;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Samples the images that drive a neuron into a range.
///
/// They are realistic, as different as they can be, and each of them drives
/// the chosen neurons of a trained network into the chosen ranges. Without
/// arguments: `sample` with every default, the demo.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Sample(sample::Arguments),
    Inspect(inspect::Arguments),
}

impl Command {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Command::Sample(arguments) => sample::run(arguments),
            Command::Inspect(arguments) => inspect::run(&arguments),
        }
    }
}
