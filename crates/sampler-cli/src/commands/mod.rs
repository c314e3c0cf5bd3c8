//! The commands, one a file.

mod compare;
mod inspect;
mod levels;
mod sample;
mod scan;

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
    Levels(levels::Arguments),
    Scan(scan::Arguments),
    Inspect(inspect::Arguments),
    Compare(compare::Arguments),
}

impl Command {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Command::Sample(arguments) => sample::run(arguments),
            Command::Levels(arguments) => levels::run(arguments),
            Command::Scan(arguments) => scan::run(arguments),
            Command::Inspect(arguments) => inspect::run(&arguments),
            Command::Compare(arguments) => compare::run(&arguments),
        }
    }
}
