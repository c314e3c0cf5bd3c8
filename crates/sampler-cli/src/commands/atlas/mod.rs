//! `sampler-cli atlas`: many neurons, each sampled on its own.

mod closing;
mod named;
mod plan;
mod progress;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use inverse_set::{Atlas, AtlasEntry, AtlasEvent, Event, Flow, Pair, Request};
use serde_json::{Value, json};

use super::sample::ImageForm;
use crate::distances::DistanceArguments;
use crate::events::{self, Events, OutputArguments};
use crate::failure::of_work;
use crate::interrupt::Interrupt;
use crate::networks::{NetworkArguments, positive};
use named::Named;
use progress::Progress;

/// Samples many neurons, each on its own, into one page to browse.
///
/// Every neuron gets a run directory as sample makes it. A neuron whose range
/// cannot be reached is told and left out. The same command on an unfinished
/// directory goes on with it.
///
/// With --plan nothing is sampled: the neurons are cut into shards, which --run
/// samples one by one, in any order and on any machines that share the
/// directory, and --merge gathers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli atlas --neurons fc8:all -n 20
  sampler-cli atlas --neurons 'conv5:0..15@max' --neurons units.txt --out runs/units
  sampler-cli atlas --neurons fc8:all --plan plan.json --shards 4
  sampler-cli atlas --run plan.json --shard 0
  sampler-cli atlas --merge plan.json")]
pub(crate) struct Arguments {
    /// LAYER:UNIT[=LO..HI] as in sample, or several at once:
    ///
    /// LAYER:all and LAYER:A..B are all units of a layer, or those from A to B;
    /// of a layer with planes, LAYER:all@max and LAYER:A..B@mean are channels.
    /// A file holds one of these a line; blank lines and those that begin with #
    /// are passed over. May be given several times.
    #[arg(long = "neurons", value_name = "NEURONS|FILE", verbatim_doc_comment, required_unless_present_any = ["run", "merge"])]
    neurons: Vec<String>,

    /// Samples of each neuron.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = positive::<usize>)]
    samples: usize,

    /// Samples that are moved together.
    #[arg(long, value_name = "K", default_value_t = Request::default().batch, value_parser = positive::<usize>)]
    batch: usize,

    /// Seed of all random numbers.
    #[arg(long, default_value_t = Request::default().seed)]
    seed: u64,

    /// Directory for the results [default: runs/atlas-<neurons>-n<N>-<seed>].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Most evaluations of each neuron.
    #[arg(long, value_name = "N", value_parser = positive::<u64>)]
    max_evals: Option<u64>,

    /// In which form images are stored.
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    images: ImageForm,

    #[command(flatten)]
    shards: ShardArguments,

    #[command(flatten)]
    distances: DistanceArguments,

    #[command(flatten)]
    networks: NetworkArguments,

    #[command(flatten)]
    output: Output,
}

/// What a plan settles, so that it cannot be given beside one.
const SETTLED: [&str; 10] = [
    "neurons",
    "samples",
    "batch",
    "seed",
    "out",
    "max_evals",
    "images",
    "plan",
    "distance",
    "encoder",
];

#[derive(Debug, Args)]
#[command(next_help_heading = "Shards")]
struct ShardArguments {
    /// Write a plan to this file and sample nothing.
    #[arg(long, value_name = "PLAN", conflicts_with = "json")]
    plan: Option<PathBuf>,

    /// Number of shards [default: one for each neuron, at most 1000].
    #[arg(long, value_name = "S", requires = "plan", value_parser = positive::<usize>)]
    shards: Option<usize>,

    /// Sample one shard of a plan; a finished one is left as it is.
    #[arg(long, value_name = "PLAN", requires = "shard", conflicts_with_all = SETTLED)]
    run: Option<PathBuf>,

    /// Its number, from 0.
    #[arg(long, value_name = "I", requires = "run")]
    shard: Option<usize>,

    /// Write the page of a plan's atlas from all neurons that are done, and
    /// name those that are not.
    #[arg(long, value_name = "PLAN", conflicts_with_all = SETTLED, conflicts_with = "run")]
    merge: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Output {
    /// Tell nothing on stderr but errors.
    #[arg(long)]
    quiet: bool,

    /// Tell events on stdout, one JSON object a line, instead of the closing
    /// table, and nothing on stderr but errors.
    #[arg(long)]
    json: bool,
}

impl From<OutputArguments> for Output {
    fn from(OutputArguments { quiet, json, .. }: OutputArguments) -> Output {
        Output { quiet, json }
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let Arguments {
        shards,
        networks,
        output,
        ..
    } = arguments;
    if let (Some(file), Some(shard)) = (&shards.run, shards.shard) {
        return plan::run(file, shard, networks, output);
    }
    if let Some(file) = &shards.merge {
        return plan::merge(file, networks, output);
    }
    let request = Request {
        neurons: Vec::new(),
        samples: arguments.samples,
        batch: arguments.batch,
        seed: arguments.seed,
        distance: arguments.distances.distance()?,
        max_evals: arguments.max_evals,
        images: arguments.images.into(),
        ..Request::default()
    };
    let pair: Pair = networks.open()?;
    let Named { neurons, asked } = Named::find(&arguments.neurons, &pair)?;
    let atlas = Atlas::new(pair, neurons, &request)?;
    let directory = arguments
        .out
        .unwrap_or_else(|| atlas.default_directory(&asked));
    if let Some(file) = &shards.plan {
        return plan::write(file, &atlas.plan(&directory, shards.shards)?);
    }
    execute(atlas, &directory, output)
}

/// Samples all neurons, and tells how far they are and what they amount to.
pub(super) fn execute(atlas: Atlas, directory: &Path, output: Output) -> Result<()> {
    let mut telling = Telling::new(&atlas, directory, output)?;
    let entries = atlas.run(directory, &mut |event| telling.tell(&event));
    // The bar goes before anything else is printed.
    telling.progress = None;
    let entries = entries.map_err(|error| of_work(error, directory))?;
    if telling.finish(&entries)? {
        closing::show(directory, &entries, &mut io::stdout().lock())?;
    }
    closing::reached(&entries)
}

/// Tells people or programs what happens, and hears of an interruption.
struct Telling {
    directory: String,
    events: Option<Events>,
    progress: Option<Progress>,
    interrupt: Interrupt,
}

impl Telling {
    fn new(atlas: &Atlas, directory: &Path, output: Output) -> Result<Telling> {
        let directory = directory.to_string_lossy().into_owned();
        let about = json!({
            "directory": directory,
            "neurons": atlas.neurons().len(),
            "samples": atlas.samples(),
        });
        let shows_progress = !output.quiet && !output.json;
        Ok(Telling {
            directory,
            events: output
                .json
                .then(|| Events::new("atlas", atlas.device(), about)),
            progress: shows_progress.then(|| Progress::new(atlas.device())),
            interrupt: Interrupt::listen()?,
        })
    }

    fn tell(&mut self, event: &AtlasEvent<'_>) -> Flow {
        if let Some(progress) = &mut self.progress {
            progress.show(event);
        }
        if let Some(events) = &mut self.events {
            tell_programs(events, event);
        }
        let all_is_saved = match event {
            AtlasEvent::Goes(event) => matches!(event, Event::Batch { .. }),
            _ => true,
        };
        self.interrupt.flow(all_is_saved, |line| {
            if let Some(progress) = &self.progress {
                progress.say(line);
            }
        })
    }

    /// Tells programs the last event; says whether people are to be told.
    fn finish(self, entries: &[AtlasEntry]) -> Result<bool> {
        let Some(events) = self.events else {
            return Ok(true);
        };
        let entry = |entry: &AtlasEntry| {
            let mut value = entry.outcome.as_ref().map_or(Value::Null, events::outcome);
            value["index"] = json!(entry.index);
            value
        };
        let neurons: Vec<Value> = entries.iter().map(entry).collect();
        events.finish(&json!({ "directory": self.directory, "neurons": neurons }))?;
        Ok(false)
    }
}

fn tell_programs(events: &mut Events, event: &AtlasEvent<'_>) {
    match event {
        AtlasEvent::Begins {
            index, of, neuron, ..
        } => events.tell(
            "neuron",
            &json!({ "index": index, "neuron": neuron, "of": of }),
        ),
        AtlasEvent::Goes(event) => events.run(event),
        AtlasEvent::Ends { index, outcome } => {
            let mut fields = events::outcome(outcome);
            fields["index"] = json!(index);
            events.tell("outcome", &fields);
        }
        // Whoever reads knows nothing of others yet.
        _ => {}
    }
}
