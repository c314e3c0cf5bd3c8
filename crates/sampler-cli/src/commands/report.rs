//! `sampler-cli report`: the page of a run, once more.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use inverse_set::{Needed, write_report};

use crate::recorded::RecordedNetworks;

/// Writes report.html into the directory of finished results again.
///
/// `sample`, `levels`, `atlas` and `compare` have written it; this is for a page that was removed,
/// or that another version of this program wrote. Everything on it is computed
/// from what the run saved.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli report runs/coats
  sampler-cli report runs/levels-fc8-4-coat-8x10-0
  sampler-cli report runs/compare")]
pub(crate) struct Arguments {
    /// Directory of a run, of levels, of an atlas or of a comparison.
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    #[command(flatten)]
    networks: RecordedNetworks,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let directory = &arguments.directory;
    let needed = Needed::of(directory)?;
    let pair = arguments.networks.open(&needed, directory)?;
    for page in write_report(directory, &pair)? {
        writeln!(io::stdout().lock(), "report  {}", page.display())?;
    }
    Ok(())
}
