//! `sampler-cli scan`: which pictures of a folder lie in the range.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use inverse_set::{Neuron, Scan, ScanRequest, Scanned};

use crate::counting::{Counting, QuietArgument};
use crate::failure::{of_work, one_line};
use crate::networks::{NetworkArguments, at_most};
use crate::table;

/// Finds the pictures of a folder that drive neurons into their ranges.
///
/// Pictures are fitted to the classifier's images: one that is larger on both
/// sides is shrunk until it just covers the image, and its centre is kept; what
/// is missing is padded with black. A picture that cannot be read is counted
/// and named at the end. That none lies in the range is a result, no failure.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli scan holiday --neuron fc8:Bag=c25..c75
  sampler-cli scan weights/fashion/reference.safetensors --neuron fc8:Coat=8..")]
pub(crate) struct Arguments {
    /// Folder with PNG and JPEG files, in folders of its own too; or a
    /// safetensors file with the tensor images, u8 [n, h, w] or [n, c, h, w].
    #[arg(value_name = "DIR")]
    pictures: PathBuf,

    /// LAYER:UNIT[=LO..HI] as in sample; given several times, all ranges hold
    /// at once.
    #[arg(long = "neuron", value_name = "NEURON", required = true)]
    neurons: Vec<String>,

    /// Most pictures on the contact sheet, evenly chosen by activation.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100, value_parser = at_most::<1000>)]
    samples: usize,

    /// Directory for the results [default: runs/scan-<neuron>-<range>].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    #[command(flatten)]
    networks: NetworkArguments,

    #[command(flatten)]
    output: QuietArgument,
}

/// Most unreadable files that are named.
const MOST_NAMED: usize = 10;

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let request = ScanRequest {
        pictures: arguments.pictures,
        neurons: arguments.neurons,
        shown: arguments.samples,
    };
    let scan = Scan::new(arguments.networks.classifier_alone()?, &request)?;
    let directory = arguments.out.unwrap_or_else(|| scan.default_directory());
    let mut progress = Counting::new("pictures", arguments.output);
    let scanned = scan
        .run(&directory, &mut |done, count| progress.show(done, count))
        .map_err(|error| of_work(error, &directory))?;
    drop(progress);
    show(scan.neurons(), &scanned, &mut io::stdout().lock())
}

fn show(neurons: &[Neuron], scanned: &Scanned, out: &mut impl Write) -> Result<()> {
    for neuron in neurons {
        writeln!(out, "neuron       {neuron}")?;
        writeln!(out, "range        {}", neuron.range())?;
    }
    let Scanned {
        pictures,
        in_range,
        others,
        unreadable,
        ..
    } = scanned;
    let share = 100.0 * *in_range as f64 / *pictures as f64;
    writeln!(
        out,
        "in range     {in_range} of {pictures} pictures ({share:.1} %)"
    )?;
    if *others > 0 {
        writeln!(out, "other files  {others}, neither .png nor .jpg")?;
    }
    writeln!(out, "directory    {}", scanned.directory.display())?;
    if *in_range > 0 {
        writeln!(
            out,
            "             grid.png       a contact sheet of those in range"
        )?;
    }
    writeln!(
        out,
        "             scan.csv       every picture's activations, in order"
    )?;
    writeln!(out, "             scan.json      the same, and all figures")?;
    writeln!(out, "\nactivations over all {pictures} pictures:")?;
    table::write(&quantiles(neurons, scanned), out)?;
    if !unreadable.is_empty() {
        writeln!(out, "\n{} could not be read:", unreadable.len())?;
        for unreadable in unreadable.iter().take(MOST_NAMED) {
            let line = format!("{}: {}", unreadable.file, unreadable.cause);
            writeln!(out, "  {}", one_line(&line))?;
        }
        if unreadable.len() > MOST_NAMED {
            writeln!(out, "  and others, named in scan.json")?;
        }
    }
    Ok(())
}

fn quantiles(neurons: &[Neuron], scanned: &Scanned) -> Vec<Vec<String>> {
    let mut rows = vec![vec!["quantile".to_owned()]];
    let levels = scanned.quantiles.first().map(|quantiles| &quantiles.levels);
    rows.extend(
        levels
            .into_iter()
            .flatten()
            .map(|level| vec![format!("{level} %")]),
    );
    for (neuron, quantiles) in neurons.iter().zip(&scanned.quantiles) {
        let name = format!("{}:{}", neuron.layer, neuron.unit);
        let values = quantiles.values.iter().map(|value| format!("{value:.4}"));
        let column = std::iter::once(name).chain(values);
        rows.iter_mut()
            .zip(column)
            .for_each(|(row, cell)| row.push(cell));
    }
    rows
}
