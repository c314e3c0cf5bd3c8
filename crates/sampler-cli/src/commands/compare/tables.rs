//! What a comparison tells: tables that fit 80 columns where labels and paths
//! do.

use std::io::{self, Write};
use std::path::Path;

use inverse_set::compare::{Interval, NeuronReport, Ratio, Report, Row};

use crate::failure::one_line;
use crate::table;

/// A column: its title, the figure that it shows, and how.
type Column = (&'static str, &'static str, fn(Interval) -> String);

/// How good the images are, and how many of the real ones they reach.
const QUALITY: [Column; 7] = [
    ("n", "compared", whole),
    ("in range", "in_range", percent),
    ("precision", "precision", three),
    ("density", "density", two),
    ("coverage", "coverage", three),
    ("reached", "reached", three),
    ("judge", "judged", three),
];

/// How different they are, and what they cost.
const DIVERSITY: [Column; 7] = [
    ("pairs", "pair_distance_mean", two),
    ("std", "pair_distance_std", two),
    ("least", "pair_distance_least", two),
    ("nearest", "nearest_distance_mean", two),
    ("Vendi", "vendi", one),
    ("evaluations", "evaluations_per_sample", one),
    ("seconds", "seconds_per_sample", four),
];

/// Figures with their intervals.
const INTERVALS: [Column; 3] = [
    ("coverage", "coverage", interval),
    ("behind, equal n", "coverage_ahead", interval),
    ("behind, equal cost", "reached_ahead", interval),
];

/// Writes the tables of all neurons, those over them, and where the files are.
pub(crate) fn write(report: &Report, directory: &Path, out: &mut impl Write) -> io::Result<()> {
    let Report {
        neurons,
        tables,
        table,
        ratios,
    } = report;
    for (neuron, table) in neurons.iter().zip(tables) {
        heading(neuron, out)?;
        rows(table, out)?;
    }
    if neurons.len() > 1 {
        writeln!(out, "mean over {} neurons\n", neurons.len())?;
        rows(table, out)?;
    }
    summary(ratios, out)?;
    legend(neurons, out)?;
    let picture = match &neurons[..] {
        [neuron] => &neuron.picture,
        _ => "figure-<neuron>.png",
    };
    writeln!(out, "directory  {}", directory.display())?;
    writeln!(out, "           report.html  a page to look at them")?;
    writeln!(out, "           compare.csv, compare.json  all figures")?;
    writeln!(
        out,
        "           {picture}  ten representatives of each method, in the order"
    )?;
    writeln!(out, "           of the table, a row each")
}

fn heading(report: &NeuronReport, out: &mut impl Write) -> io::Result<()> {
    let NeuronReport {
        neuron,
        compared,
        references,
        dataset,
        real_judged,
        ..
    } = report;
    writeln!(out, "neuron  {neuron}")?;
    writeln!(out, "range   {}", neuron.range())?;
    writeln!(
        out,
        "real    {} images in the range, {references} of them references",
        references + dataset
    )?;
    if let Some(share) = real_judged {
        writeln!(out, "        the judge gives {share:.3} of them the class")?;
    }
    writeln!(out, "N       {compared}\n")
}

/// Three tables; a column that no method has a figure for is left out.
fn rows(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    for columns in [&QUALITY[..], &DIVERSITY, &INTERVALS] {
        let known = |(_, figure, _): &&Column| rows.iter().any(|row| row.get(figure).is_some());
        let columns: Vec<&Column> = columns.iter().filter(known).collect();
        let titles = columns.iter().map(|(title, ..)| (*title).to_owned());
        let mut lines = vec![line("method", titles)];
        lines.extend(rows.iter().map(|row| {
            let cells = columns.iter().map(|(_, figure, show)| {
                let shown = row.get(figure).map(show);
                shown.unwrap_or_else(|| "-".to_owned())
            });
            line(&row.method, cells)
        }));
        table::write(&lines, out)?;
        writeln!(out)?;
    }
    Ok(())
}

fn line(first: &str, cells: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(cells).collect()
}

/// Where `inverse-set` stands.
fn summary(ratios: &[Ratio], out: &mut impl Write) -> io::Result<()> {
    if ratios.is_empty() {
        return Ok(());
    }
    let header = ["inverse-set", "mean", "worst", "of"].map(str::to_owned);
    let mut lines = vec![header.to_vec()];
    lines.extend(ratios.iter().map(|ratio| {
        vec![
            ratio.figure.to_owned(),
            format!("{:.3}", ratio.mean),
            format!("{:.3}", ratio.worst),
            one_line(&ratio.neuron),
        ]
    }));
    table::write(&lines, out)?;
    writeln!(out)
}

/// What the columns mean.
fn legend(neurons: &[NeuronReport], out: &mut impl Write) -> io::Result<()> {
    let runs = neurons.first().and_then(|neuron| neuron.methods.first());
    let runs = runs.map_or(0, |method| method.runs.len());
    let lines = [
        "n          samples compared, with as many references; N or all that were found",
        "precision, density, coverage  in the judge's features, 5 nearest neighbours",
        "reached    coverage of all N references by everything found at equal cost",
        "judge      share that the judge gives the neuron's class",
        "pairs, std, least, nearest, Vendi  distances in E",
        "behind     coverage, or reached, of inverse-set at equal n less the method's",
    ];
    for line in lines {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "           means of {runs} runs; in brackets 95 % bootstrap intervals over runs\n"
    )
}

fn whole(figure: Interval) -> String {
    format!("{:.0}", figure.mean)
}

fn one(figure: Interval) -> String {
    format!("{:.1}", figure.mean)
}

fn two(figure: Interval) -> String {
    format!("{:.2}", figure.mean)
}

fn three(figure: Interval) -> String {
    format!("{:.3}", figure.mean)
}

fn four(figure: Interval) -> String {
    format!("{:.4}", figure.mean)
}

fn percent(figure: Interval) -> String {
    format!("{:.1} %", 100.0 * figure.mean)
}

/// Two decimals: three such columns beside the longest name of a method fill 80.
fn interval(figure: Interval) -> String {
    let Interval { mean, low, high } = figure;
    format!("{mean:.2} ({low:.2}..{high:.2})")
}
