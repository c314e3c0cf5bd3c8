//! Samples with the converted pair, end to end.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::commands::{succeed, words};
use serde::Deserialize;

use super::joined::Joined;
use super::programs::Programs;
use super::reference::{CODE, Reference, UNIT};
use super::report::Report;

/// Samples that are asked for.
const SAMPLES: usize = 20;
/// Samples that are moved together.
const BATCH: usize = 10;
/// Classes of fc8.
const CLASSES: usize = 1000;

/// The part of a run's `manifest.json` that is looked at.
#[derive(Deserialize)]
struct Manifest {
    samples: Vec<Sample>,
    evaluations: Evaluations,
}

#[derive(Deserialize)]
struct Sample {
    activations: Vec<f32>,
}

#[derive(Deserialize)]
struct Evaluations {
    total: f64,
}

/// Samples a unit of fc8 in a range that the reference's codes reach, with the
/// weights as they are converted by default.
pub(super) fn check(
    programs: &Programs,
    folder: &Path,
    pair: &Path,
    reference: &Reference,
    report: &mut Report,
) -> Result<()> {
    let range = middle_half(probe(pair, reference)?);
    let run = folder.join("run");
    let mut command = Command::new(programs.sampler());
    let neuron = format!("fc8:{UNIT}={}..{}", range.start(), range.end());
    command.args(["sample", "--pair", "caffenet", "--neuron", &neuron]);
    command.args(["-n", &SAMPLES.to_string(), "--batch", &BATCH.to_string()]);
    command.arg("--out").arg(&run).current_dir(folder);
    println!("$ {}", words(&command));
    let start = Instant::now();
    succeed(&mut command)?;
    let seconds = start.elapsed().as_secs_f64();
    let manifest = read_manifest(&run.join("manifest.json"))?;
    let values = manifest
        .samples
        .iter()
        .flat_map(|sample| &sample.activations);
    let inside = values.filter(|value| range.contains(*value)).count();
    report.note(
        format!("sampling {neuron}: seconds"),
        format!("{seconds:.1}"),
    );
    let evaluations = format!("{:.1}", manifest.evaluations.total);
    report.note("sampling: evaluations", evaluations);
    let samples = format!("{inside} of {}", manifest.samples.len());
    let complete = inside == SAMPLES && manifest.samples.len() == SAMPLES;
    report.must(
        format!("sampling: {SAMPLES} samples in range"),
        samples,
        complete,
    );
    Ok(())
}

/// What the unit does on the images of the reference's codes.
fn probe(pair: &Path, reference: &Reference) -> Result<Vec<f32>> {
    let mut joined = Joined::open(pair, BATCH, true, &["classifier.fc8"])?;
    let mut values = Vec::new();
    for codes in reference.floats("codes")?.chunks(BATCH * CODE) {
        joined.forward(codes);
        let fc8 = joined.activation("classifier.fc8")?;
        values.extend(fc8.chunks(CLASSES).map(|units| units[UNIT]));
    }
    Ok(values)
}

/// From the first to the third quartile.
fn middle_half(mut values: Vec<f32>) -> RangeInclusive<f32> {
    values.sort_by(f32::total_cmp);
    let last = values.len() - 1;
    values[last / 4]..=values[last - last / 4]
}

fn read_manifest(path: &Path) -> Result<Manifest> {
    let reading = || format!("reading {}", path.display());
    let text = fs::read_to_string(path).with_context(reading)?;
    serde_json::from_str(&text).with_context(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_half_leaves_a_quarter_at_either_end() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(middle_half(values.to_vec()), 2.0..=4.0);
    }
}
