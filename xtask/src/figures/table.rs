//! The table of `docs/sampling.md`: all methods on all ten classes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What is compared, but for `--out`.
const COMMAND: [&str; 7] = [
    "compare",
    "--neuron",
    "fc8:all=c25..c75",
    "-n",
    "250",
    "--seeds",
    "5",
];

const BEGIN: &str = "<!-- The table begins: cargo xtask figures --table DIR writes it. -->\n";
const END: &str = "<!-- The table ends. -->\n";

/// `compare.json`, as far as it is shown.
#[derive(Deserialize)]
struct Comparison {
    neurons: Vec<Compared>,
    /// The table of each neuron.
    tables: Vec<Vec<Row>>,
    /// The table over all neurons.
    table: Vec<Row>,
    ratios: Vec<Ratio>,
}

#[derive(Deserialize)]
struct Compared {
    neuron: inverse_set::Neuron,
    compared: usize,
    real_judged: Option<f64>,
}

#[derive(Deserialize)]
struct Row {
    method: String,
    figures: BTreeMap<String, Interval>,
}

#[derive(Clone, Copy, Deserialize)]
struct Interval {
    mean: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Ratio {
    figure: String,
    mean: f64,
    worst: f64,
    neuron: String,
}

impl Row {
    /// A figure, or a dash where no run has it.
    fn show(&self, figure: &str) -> String {
        let found = self.figures.get(figure);
        found.map_or_else(|| "–".to_owned(), |figure| format!("{:.2}", figure.mean))
    }

    fn show_interval(&self, figure: &str) -> String {
        let show = |of: &Interval| format!("{:.2} ({:.2} to {:.2})", of.mean, of.low, of.high);
        self.figures
            .get(figure)
            .map_or_else(|| "–".to_owned(), show)
    }
}

/// Compares in a directory, or goes on there, and writes the table.
pub(super) fn write(root: &Path, directory: &Path) -> Result<()> {
    super::sampler(root, &COMMAND, directory)?;
    let path = directory.join("compare.json");
    let comparison: Comparison = serde_json::from_slice(&super::read(&path)?)
        .with_context(|| format!("reading {}", path.display()))?;
    let page = root.join("docs/sampling.md");
    crate::page::write_between(&page, BEGIN, END, &markdown(&comparison))
}

fn markdown(comparison: &Comparison) -> String {
    let sections = [ratios(comparison), methods(comparison), neurons(comparison)];
    sections.join("\n")
}

fn ratios(comparison: &Comparison) -> String {
    let mut text =
        "| figure of `inverse-set` | mean | worst | of neuron |\n|---|---|---|---|\n".to_owned();
    for Ratio {
        figure,
        mean,
        worst,
        neuron,
    } in &comparison.ratios
    {
        let _ = writeln!(text, "| {figure} | {mean:.2} | {worst:.2} | {neuron} |");
    }
    text
}

fn methods(comparison: &Comparison) -> String {
    let mut text = "\
        | method | in range | evaluations per sample | precision | coverage | judged | pair | nearest | coverage at equal cost | `inverse-set` ahead by |\n\
        |---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for row in &comparison.table {
        let shown = [
            "in_range",
            "evaluations_per_sample",
            "precision",
            "coverage",
            "judged",
            "pair_distance_mean",
            "nearest_distance_mean",
            "reached",
        ];
        let shown = shown.map(|figure| row.show(figure)).join(" | ");
        let ahead = row.show_interval("reached_ahead");
        let _ = writeln!(text, "| `{}` | {shown} | {ahead} |", row.method);
    }
    text
}

fn neurons(comparison: &Comparison) -> String {
    let mut text = "\
        | neuron | N | precision: `inverse-set` | `reconstruction` | coverage: `inverse-set` | `reconstruction` | judged: `inverse-set` | real images | coverage at equal cost: `paper` | `ppgn` | `random` |\n\
        |---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for (of, table) in comparison.neurons.iter().zip(&comparison.tables) {
        let show = |method: &str, figure: &str| {
            let row = table.iter().find(|row| row.method == method);
            row.map_or_else(|| "–".to_owned(), |row| row.show(figure))
        };
        let real = of
            .real_judged
            .map_or_else(|| "–".to_owned(), |share| format!("{share:.2}"));
        let shown = [
            of.compared.to_string(),
            show("inverse-set", "precision"),
            show("reconstruction", "precision"),
            show("inverse-set", "coverage"),
            show("reconstruction", "coverage"),
            show("inverse-set", "judged"),
            real,
            show("paper", "reached"),
            show("ppgn", "reached"),
            show("random", "reached"),
        ];
        let _ = writeln!(text, "| {} | {} |", of.neuron, shown.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(method: &str, figure: &str, mean: f64) -> Row {
        let (low, high) = (mean - 0.1, mean + 0.1);
        let figures = [(figure.to_owned(), Interval { mean, low, high })];
        Row {
            method: method.to_owned(),
            figures: figures.into(),
        }
    }

    #[test]
    fn a_missing_figure_is_a_dash() {
        let comparison = Comparison {
            neurons: Vec::new(),
            tables: Vec::new(),
            table: vec![
                row("ppgn", "reached_ahead", 0.5),
                row("dataset", "coverage", 0.97),
            ],
            ratios: Vec::new(),
        };
        let text = methods(&comparison);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        let ppgn = "| `ppgn` | – | – | – | – | – | – | – | – | 0.50 (0.40 to 0.60) |";
        let dataset = "| `dataset` | – | – | – | 0.97 | – | – | – | – | – |";
        assert_eq!(lines, [ppgn, dataset]);
    }
}
