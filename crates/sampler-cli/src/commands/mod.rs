//! The commands, one a file.

mod inspect;
mod sample;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Draws a diverse, realistic sample of all images that drive neurons of a
/// trained network into chosen ranges. Without arguments: `sample` with every
/// default, the demo.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
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
