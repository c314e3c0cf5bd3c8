//! `sampler-cli verify`: whether a run holds what it says.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::Args;
use inverse_set::{FinishedRun, Margin, Pair, StoredImages, Verified, finished_runs};

use crate::counting::{Counting, QuietArgument};
use crate::recorded::RecordedNetworks;
use crate::table;

/// Looks at the images of a finished run and computes every activation again.
///
/// A sample holds if its image is the one that was accepted and equal to no
/// other, if every activation lies in its closed range, and if the stored
/// activations z agree with the recomputed ones within 1e-4 max(1, |z|).
/// Encodings and distances are not looked at. The exit status is 1 if a sample
/// does not hold.
///
/// Images are read from the PNG files, or from samples.safetensors where they
/// are stored there only; where they are not stored they are made again from
/// the codes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli verify runs/coats
  sampler-cli verify runs/levels-fc8-4-coat-8x10-0
  sampler-cli verify runs/atlas-fc8-all-n20-0
  sampler-cli verify runs/coats --classifier weights/fashion/classifier.safetensors")]
pub(crate) struct Arguments {
    /// Directory of a run, of levels or of an atlas.
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    #[command(flatten)]
    networks: RecordedNetworks,

    #[command(flatten)]
    output: QuietArgument,
}

/// Most samples that an error names.
const MOST_NAMED: usize = 3;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let directories = finished_runs(&arguments.directory)?;
    let mut pair: Option<Pair> = None;
    let mut found: Vec<(&Path, Verified)> = Vec::new();
    for directory in &directories {
        let run = FinishedRun::open(directory)?;
        let pair = match &mut pair {
            Some(pair) => pair,
            none => none.insert(arguments.networks.open(&run.needed(), directory)?),
        };
        let mut counting = Counting::new("samples", arguments.output);
        let verified = run.verify(pair, &mut |done, count| counting.show(done, count))?;
        found.push((directory, verified));
    }
    show(&found, &mut io::stdout().lock())?;
    failures(&found).map_or(Ok(()), Err)
}

fn show(found: &[(&Path, Verified)], out: &mut impl Write) -> Result<()> {
    let Some((_, first)) = found.first() else {
        writeln!(
            out,
            "no level or neuron was sampled: there is nothing to verify"
        )?;
        return Ok(());
    };
    let names = |verified: &Verified| -> Vec<String> {
        let margins = verified.margins.iter();
        margins.map(|margin| margin.neuron.name()).collect()
    };
    let names_of_first = names(first);
    match found
        .iter()
        .all(|(_, verified)| names(verified) == names_of_first)
    {
        true => {
            for margin in &first.margins {
                writeln!(out, "neuron   {}", margin.neuron)?;
            }
        }
        false => writeln!(out, "neurons  {}", found.len())?,
    }
    let samples: usize = found.iter().map(|(_, verified)| verified.samples).sum();
    let failing: usize = found.iter().map(|(_, verified)| verified.failing).sum();
    let holds = match failing {
        0 => "all of them hold".to_owned(),
        some => format!("{some} of them do not hold"),
    };
    writeln!(out, "samples  {samples}, {holds}")?;
    let images = match first.images {
        StoredImages::Png => "read from PNG files",
        StoredImages::Tensor => "read from samples.safetensors",
        StoredImages::None => "not stored: made again from the codes",
    };
    writeln!(out, "images   {images}\n")?;
    let header = ["neuron", "range", "samples", "least margin", "worst sample"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for (directory, verified) in found {
        let level = (found.len() > 1).then(|| directory.file_name()).flatten();
        let level = level.map_or(String::new(), |level| format!("{}/", level.display()));
        let row = |margin| row(margin, verified.samples, &level);
        rows.extend(verified.margins.iter().map(row));
    }
    Ok(table::write(&rows, out)?)
}

fn row(margin: &Margin, samples: usize, level: &str) -> Vec<String> {
    let neuron = &margin.neuron;
    let end = |end: f64| match end.is_finite() {
        true => format!("{end:.4}"),
        false => String::new(),
    };
    let worst = margin.worst.as_ref();
    vec![
        format!("{}:{}", neuron.layer, neuron.unit),
        format!("{}..{}", end(neuron.lo), end(neuron.hi)),
        samples.to_string(),
        format!("{:.6}", margin.least),
        worst.map_or("-".to_owned(), |sample| format!("{level}{sample}")),
    ]
}

/// One line about the samples that do not hold.
fn failures(found: &[(&Path, Verified)]) -> Option<anyhow::Error> {
    let failing: usize = found.iter().map(|(_, verified)| verified.failing).sum();
    if failing == 0 {
        return None;
    }
    let faults = found.iter().flat_map(|(directory, verified)| {
        let line = |fault: &inverse_set::Fault| {
            let path = directory.join(&fault.sample);
            format!("{} {}", path.display(), fault.cause)
        };
        verified.faults.iter().map(line)
    });
    let named: Vec<String> = faults.take(MOST_NAMED).collect();
    let samples: usize = found.iter().map(|(_, verified)| verified.samples).sum();
    let more = match failing - named.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Some(anyhow!(
        "{failing} of {samples} samples do not hold: {}{more}",
        named.join("; ")
    ))
}
