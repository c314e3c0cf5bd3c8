//! `sampler-cli levels`: a neuron from low activations to the highest.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use inverse_set::{Event, Level, LevelEvent, Levels, LevelsSummary, Neuron, Outcome, Request};
use serde_json::{Value, json};

use crate::distances::DistanceArguments;
use crate::events::{self, Events, OutputArguments};
use crate::failure::{of_work, one_line};
use crate::interrupt::Interrupt;
use crate::networks::{NetworkArguments, at_most, positive};
use crate::progress::Progress;
use crate::table;

/// Samples a neuron level by level, which shows how its concept sharpens.
///
/// The activations from low to the highest that can be reached are cut into
/// levels of equal width, and each is sampled as `sample` does. A level that
/// cannot be reached is told and left out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli levels --neuron fc8:Coat --levels 8 -n 10
  sampler-cli levels --neuron fc8:Coat=0..20")]
pub(crate) struct Arguments {
    /// LAYER:UNIT[=LO..HI] as in sample.
    ///
    /// An end that is left out is found: LO is the 5 % quantile over the images
    /// that the network file tells of, or over starting images; HI is the
    /// greatest activation that plain ascent reaches.
    #[arg(long, value_name = "NEURON", verbatim_doc_comment)]
    neuron: String,

    /// Number of levels.
    #[arg(long, value_name = "L", default_value_t = 8, value_parser = at_most::<100>)]
    levels: usize,

    /// Samples of each level; the picture shows at most 20 of them.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = positive::<usize>)]
    samples: usize,

    /// Seed of all random numbers.
    #[arg(long, default_value_t = Request::default().seed)]
    seed: u64,

    /// Directory for the results [default: runs/levels-<neuron>-<L>x<N>-<seed>].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Most evaluations of each level.
    #[arg(long, value_name = "N", value_parser = positive::<u64>)]
    max_evals: Option<u64>,

    #[command(flatten)]
    distances: DistanceArguments,

    #[command(flatten)]
    networks: NetworkArguments,

    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let request = Request {
        neurons: vec![arguments.neuron],
        samples: arguments.samples,
        seed: arguments.seed,
        distance: arguments.distances.distance()?,
        max_evals: arguments.max_evals,
        ..Request::default()
    };
    let pair = arguments.networks.open()?;
    let levels = Levels::new(pair, &request, arguments.levels)?;
    let directory = arguments.out.unwrap_or_else(|| levels.default_directory());
    execute(levels, &directory, arguments.output)
}

/// Samples all levels, and tells how far they are and what they amount to.
pub(super) fn execute(levels: Levels, directory: &Path, output: OutputArguments) -> Result<()> {
    let device = levels.device().clone();
    let mut interrupt = Interrupt::listen()?;
    let mut progress = None;
    let mut events = output.json.then(|| {
        let about = json!({
            "directory": directory.to_string_lossy(),
            "levels": levels.count(),
            "samples": levels.samples(),
        });
        Events::new("levels", &device, about)
    });
    let summary = levels
        .run(directory, &mut |event| {
            if let Some(events) = &mut events {
                tell(events, &event);
            }
            let all_is_saved = matches!(
                event,
                LevelEvent::Begins { .. } | LevelEvent::Goes(Event::Batch { .. })
            );
            match event {
                _ if !output.shows_progress() => {}
                LevelEvent::Begins {
                    index, of, neuron, ..
                } => {
                    // The bar of the level before goes first.
                    progress = None;
                    say(&format!("level {index} of 0 to {}", of - 1));
                    progress = Some(Progress::new(std::slice::from_ref(neuron), &device));
                }
                LevelEvent::Goes(event) => {
                    if let Some(progress) = &mut progress {
                        progress.show(&event);
                    }
                }
                _ => say("finding the lowest and the highest level"),
            }
            interrupt.flow(all_is_saved, |line| {
                if let Some(progress) = &progress {
                    progress.say(line);
                }
            })
        })
        .map_err(|error| of_work(error, directory));
    drop(progress);
    let summary = summary?;
    if let Some(events) = events {
        return events.finish(&finished(&summary));
    }
    show(&summary, &mut io::stdout().lock())?;
    output.show(&summary.directory.join("levels.png"))
}

fn tell(events: &mut Events, event: &LevelEvent<'_>) {
    match event {
        LevelEvent::Finding => events.tell("finding", &json!({})),
        LevelEvent::Begins { index, neuron, .. } => {
            events.tell("level", &json!({ "index": index, "neuron": neuron }));
        }
        LevelEvent::Goes(event) => events.run(event),
        // Whoever reads knows nothing of others yet.
        _ => {}
    }
}

/// What all levels amount to, for programs.
fn finished(summary: &LevelsSummary) -> Value {
    let level = |level: &Level| {
        let mut value = events::outcome(&level.outcome);
        let Neuron { lo, hi, .. } = level.neuron;
        (value["lo"], value["hi"]) = (json!(lo), json!(hi));
        value
    };
    json!({
        "directory": summary.directory.to_string_lossy(),
        "finding": summary.finding,
        "levels": summary.levels.iter().map(level).collect::<Vec<Value>>(),
    })
}

/// Nobody may be reading the progress any more; the run goes on.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn show(summary: &LevelsSummary, out: &mut impl Write) -> Result<()> {
    if let Some(Level { neuron, .. }) = summary.levels.first() {
        writeln!(out, "neuron       {neuron}")?;
    }
    writeln!(out, "evaluations  {:.0} to find the ends", summary.finding)?;
    writeln!(out, "directory    {}", summary.directory.display())?;
    writeln!(out, "             report.html    a page to look at them")?;
    writeln!(
        out,
        "             levels.png     a row for each level, the lowest on top"
    )?;
    writeln!(out, "             levels.json    this table")?;
    writeln!(out, "             level-000/ ... a run directory of each\n")?;
    let header = [
        "level",
        "range",
        "samples",
        "evaluations per sample",
        "mean pair distance",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(summary.levels.iter().enumerate().map(row));
    table::write(&rows, out)?;
    for (index, level) in summary.levels.iter().enumerate() {
        if let Outcome::Missed(why) = &level.outcome {
            writeln!(out, "level {index} was missed: {}", one_line(why))?;
        }
    }
    Ok(())
}

fn row((index, level): (usize, &Level)) -> Vec<String> {
    let figures = match &level.outcome {
        Outcome::Sampled(summary) => [
            summary.samples.to_string(),
            format!("{:.1}", summary.evaluations_per_sample),
            format!("{:.2}", summary.mean_pair_distance),
        ],
        Outcome::Missed(_) => ["0", "-", "-"].map(str::to_owned),
    };
    let mut row = vec![index.to_string(), level.neuron.range()];
    row.extend(figures);
    row
}
