//! `sampler-cli resume`: what was begun and not finished.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use inverse_set::{Unfinished, Work};

use super::{atlas, levels, sample};
use crate::events::OutputArguments;
use crate::networks::{exists, positive};
use crate::recorded::{Near, RecordedNetworks, look_for_encoder};

/// Goes on with a run, levels or an atlas that were interrupted.
///
/// Everything but the log is the same in the end as if nothing had happened. The
/// directory says what was asked for; so does the command that began it, which
/// goes on in the same way.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli resume runs/coats
  sampler-cli resume runs/coats --max-evals 100000")]
pub(crate) struct Arguments {
    /// Directory of a run, of levels or of an atlas.
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// Most evaluations of the whole run, or of each level.
    #[arg(long, value_name = "N", value_parser = positive::<u64>)]
    max_evals: Option<u64>,

    /// The network file of the encoder, where that is another network.
    #[arg(long, value_name = "FILE", help_heading = "Networks")]
    encoder: Option<PathBuf>,

    #[command(flatten)]
    networks: RecordedNetworks,

    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let directory = &arguments.directory;
    let unfinished = Unfinished::of(directory)?;
    let near = Near::folder(directory);
    let pair = (arguments.networks).open_near(&unfinished.needed(), &near)?;
    let encoder = match (unfinished.encoder(), &arguments.encoder) {
        (None, _) => None,
        (Some(_), Some(file)) => Some(exists("--encoder", file)?.path().to_owned()),
        (Some(record), None) => Some(look_for_encoder(record, &near)?),
    };
    let output = arguments.output;
    match unfinished.work(pair, encoder.as_deref(), arguments.max_evals)? {
        Work::Run(job) => sample::execute(&job, directory, output),
        Work::Levels(work) => levels::execute(*work, directory, output),
        Work::Atlas(work) => atlas::execute(*work, directory, output.into()),
    }
}
