//! What an atlas amounts to, for people.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use inverse_set::{AtlasEntry, Neuron, Outcome, Shard, thousands};

use crate::failure::{NothingReached, one_line};
use crate::table;

/// Most neurons in a table; more are only counted.
const MOST: usize = 100;

/// Longest name of a neuron in the table, in characters.
const LONGEST: usize = 24;

/// The closing words of a whole atlas.
pub(super) fn show(directory: &Path, entries: &[AtlasEntry], out: &mut impl Write) -> Result<()> {
    counts(entries, out)?;
    writeln!(out, "directory  {}", one_line(&directory.to_string_lossy()))?;
    writeln!(out, "           report.html    a page to look at them")?;
    writeln!(out, "           atlas.json     these figures")?;
    writeln!(out, "           00000-*/ ...   a run directory of each\n")?;
    figures(entries, out)
}

/// Those of a shard.
pub(super) fn show_shard(
    shard: Shard,
    directory: &Path,
    entries: &[AtlasEntry],
    out: &mut impl Write,
) -> Result<()> {
    let before = |entry: &AtlasEntry| match &entry.outcome {
        Some(Outcome::Sampled(summary)) => summary.already_finished,
        _ => false,
    };
    if entries.iter().all(before) {
        writeln!(out, "this shard was finished before; nothing was sampled")?;
    }
    writeln!(
        out,
        "shard      {} of 0 to {}",
        shard.index,
        shard.shards - 1
    )?;
    counts(entries, out)?;
    writeln!(
        out,
        "directory  {}\n",
        one_line(&directory.to_string_lossy())
    )?;
    figures(entries, out)
}

/// # Errors
/// [`NothingReached`] where every neuron was missed.
pub(super) fn reached(entries: &[AtlasEntry]) -> Result<()> {
    let missed = |entry: &AtlasEntry| matches!(entry.outcome, Some(Outcome::Missed(_)));
    match entries.iter().all(missed) {
        true => Err(NothingReached(format!(
            "sampling an atlas: none of {} neurons reached its range; atlas.json says of each why, and what to try",
            thousands(entries.len() as u64)
        ))
        .into()),
        false => Ok(()),
    }
}

fn counts(entries: &[AtlasEntry], out: &mut impl Write) -> Result<()> {
    let missed = entries.iter().filter_map(missed).count();
    let count = |n: usize| thousands(n as u64);
    let told = match missed {
        0 => String::new(),
        some => format!(", {} of them missed", count(some)),
    };
    Ok(writeln!(out, "neurons    {}{told}", count(entries.len()))?)
}

fn figures(entries: &[AtlasEntry], out: &mut impl Write) -> Result<()> {
    if entries.len() <= MOST {
        let header = [
            "neuron",
            "range",
            "samples",
            "evaluations each",
            "diversity",
        ];
        let mut rows = vec![table::row(header)];
        rows.extend(entries.iter().map(row));
        table::write(&rows, out)?;
    }
    let missed = entries.iter().filter_map(missed);
    for (neuron, why) in missed.take(MOST) {
        writeln!(out, "{neuron} was missed: {}", one_line(why))?;
    }
    Ok(())
}

fn missed(entry: &AtlasEntry) -> Option<(&Neuron, &str)> {
    match &entry.outcome {
        Some(Outcome::Missed(why)) => Some((&entry.neuron, why)),
        _ => None,
    }
}

fn row(entry: &AtlasEntry) -> Vec<String> {
    let neuron = &entry.neuron;
    let mut name = neuron.name();
    if let Some(label) = &neuron.label {
        name = format!("{name} {}", label.name);
    }
    if name.chars().count() > LONGEST {
        name = name.chars().take(LONGEST - 1).chain(['…']).collect();
    }
    let end = |end: f64| match end.is_finite() {
        true => format!("{end:.2}"),
        false => String::new(),
    };
    let figures = match &entry.outcome {
        Some(Outcome::Sampled(summary)) => [
            summary.samples.to_string(),
            format!("{:.1}", summary.evaluations_per_sample),
            format!("{:.2}", summary.mean_pair_distance),
        ],
        _ => ["0", "-", "-"].map(str::to_owned),
    };
    let range = format!("{}..{}", end(neuron.lo), end(neuron.hi));
    [name, range].into_iter().chain(figures).collect()
}
