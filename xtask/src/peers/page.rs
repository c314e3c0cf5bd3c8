//! The table of `docs/performance.md`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::programs::{Limits, Pair};
use super::{PROGRAMS, Program, Row};
use crate::commands::output;
use crate::page::write_between;

const BEGIN: &str = "<!-- The table begins: cargo xtask bench-peers writes it. -->\n";
const END: &str = "<!-- The table ends. -->\n";

/// Writes the table into the page.
pub(super) fn write(
    root: &Path,
    rows: &[Row],
    limits: &[Limits],
    versions: &[Option<String>],
) -> Result<()> {
    let mut text = machine(limits, versions)?;
    let names = PROGRAMS.map(Program::name).join(" | ");
    let _ = write!(
        text,
        "\n| pair | K | threads | {names} | times faster than PyTorch's best | than candle |\n\
         |---|---|---|{}---|---|\n",
        "---|".repeat(PROGRAMS.len())
    );
    for row in rows {
        let _ = writeln!(text, "{}", line(row));
    }
    text.push_str(&scaling(rows, limits));
    write_between(&root.join("docs/performance.md"), BEGIN, END, &text)
}

/// What was measured on, with what, and when.
fn machine(limits: &[Limits], versions: &[Option<String>]) -> Result<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("an unknown processor", |name| {
        name.trim_start_matches(['\t', ':', ' '])
    });
    let compiler = output(Command::new("rustc").arg("--version"))?;
    let date = output(Command::new("date").args(["--utc", "+%Y-%m-%d"]))?;
    let mut text = format!("Measured {} on {model}", date.trim());
    for Limits {
        threads,
        gflops,
        gb_per_s,
    } in limits
    {
        let _ = write!(
            text,
            "; {threads} thread(s) reach {gflops:.0} GFLOP/s and read {gb_per_s:.0} GB/s"
        );
    }
    let versions = versions.iter().flatten().map(String::as_str);
    let mut versions: Vec<&str> = versions.collect();
    versions.dedup();
    let _ = writeln!(
        text,
        ". {}; engine: {}.",
        compiler.trim(),
        versions.join(", ")
    );
    Ok(text)
}

/// A row of the table.
pub(super) fn line(row: &Row) -> String {
    let pair = match row.pair {
        Pair::FullSize => "full size",
        Pair::Demo => "demo",
    };
    let shown = row.times.iter().map(|times| match times {
        Some(times) => show(median(times)),
        None => "–".into(),
    });
    let shown: Vec<String> = shown.collect();
    let pytorch = [Program::PyTorchChannelsLast, Program::PyTorch];
    let pytorch = pytorch.iter().filter_map(|&program| row.of(program));
    let best = pytorch.min_by(|a, b| median(a).total_cmp(&median(b)));
    let ahead = |of: Option<&Vec<f64>>| match (of, row.of(Program::Engine)) {
        (Some(of), Some(engine)) => format!("{:.2}", ratio(of, engine)),
        _ => "–".into(),
    };
    format!(
        "| {pair} | {} | {} | {} | {} | {} |",
        row.setting.k,
        row.setting.threads,
        shown.join(" | "),
        ahead(best),
        ahead(row.of(Program::Candle)),
    )
}

impl Row {
    fn of(&self, program: Program) -> Option<&Vec<f64>> {
        let times = PROGRAMS.iter().zip(&self.times);
        times
            .filter(|(of, _)| **of == program)
            .find_map(|(_, times)| times.as_ref())
    }
}

/// How the engine gains from threads, and how the processor's peak does.
fn scaling(rows: &[Row], limits: &[Limits]) -> String {
    let mut text = String::new();
    let [one, rest @ ..] = limits else {
        return text;
    };
    for more in rest {
        for row in rows
            .iter()
            .filter(|row| row.setting.threads == more.threads)
        {
            let alone = rows.iter().find(|alone| {
                alone.pair == row.pair
                    && alone.setting.k == row.setting.k
                    && alone.setting.threads == one.threads
            });
            let of = |row: &Row| row.of(Program::Engine).map(|times| median(times));
            let (Some(alone), Some(shared)) = (alone.and_then(of), of(row)) else {
                continue;
            };
            if row.pair == Pair::FullSize {
                let (gain, peaks) = (alone / shared, more.gflops / one.gflops);
                let _ = write!(
                    text,
                    "\nK = {}, {} threads: {gain:.2} times as fast as {}, {:.2} of what the peaks gain.",
                    row.setting.k,
                    more.threads,
                    one.threads,
                    gain / peaks
                );
            }
        }
    }
    text
}

/// Milliseconds with three digits.
fn show(ms: f64) -> String {
    match ms {
        ms if ms >= 99.95 => format!("{ms:.0}"),
        ms if ms >= 9.995 => format!("{ms:.1}"),
        ms => format!("{ms:.2}"),
    }
}

/// The median, over the rounds that both took part in, of one time by the other.
fn ratio(slow: &[f64], fast: &[f64]) -> f64 {
    let ratios: Vec<f64> = slow
        .iter()
        .zip(fast)
        .map(|(slow, fast)| slow / fast)
        .collect();
    median(&ratios)
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::programs::Setting;

    #[test]
    fn a_line_names_the_faster_layout_and_dashes_what_did_not_run() {
        let row = Row {
            pair: Pair::FullSize,
            setting: Setting { k: 4, threads: 2 },
            times: vec![
                Some(vec![100.0, 110.0, 90.0]),
                Some(vec![120.0; 3]),
                Some(vec![300.0, 220.0, 180.0]),
                Some(vec![205.0; 3]),
                None,
            ],
        };
        assert_eq!(
            line(&row),
            "| full size | 4 | 2 | 100 | 120 | 220 | 205 | – | 2.05 | – |"
        );
    }
}
