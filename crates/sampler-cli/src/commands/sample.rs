//! `sampler-cli sample`: the main job.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};
use inverse_set::{Clamp, Event, Job, Request, StoredImages};
use serde_json::json;

use crate::demo::DEMO_PAIR;
use crate::distances::DistanceArguments;
use crate::events::{self, Events, OutputArguments};
use crate::failure::{mistake, of_work};
use crate::interrupt::Interrupt;
use crate::networks::{NetworkArguments, positive};
use crate::progress::Progress;
use crate::summary::Finished;

/// What the demo samples.
const DEMO_NEURON: &str = "fc8:\"Ankle boot\"=c25..c75";

/// Samples images that drive one or several neurons into their ranges.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli sample --neuron 'fc8:\"T-shirt/top\"=c25..c75' -n 50
  sampler-cli sample --neuron fc8:Sneaker=0.. --neuron fc8:Bag=0..
  sampler-cli sample --neuron conv5:3@max=p75..p95 --out runs/channel-3
  sampler-cli sample --neuron fc8:Coat --encoder weights/fashion/judge.safetensors:pool6
  sampler-cli sample --neuron fc8:Coat --space pixels --distance pixels")]
pub(crate) struct Arguments {
    /// LAYER:UNIT[=LO..HI]; given several times, all ranges hold at once.
    ///
    /// UNIT is a number, a label or a WordNet id;
    /// for a convolution it is CHANNEL@Y,X, CHANNEL@max or CHANNEL@mean.
    ///
    /// LO and HI are numbers or quantiles, and one of them may be left out:
    /// p25 is a quantile over all images, c25 over those of the unit's own label.
    /// Without a range: c25..c75 for a labelled unit, p75..p95 otherwise.
    #[arg(long = "neuron", value_name = "NEURON", verbatim_doc_comment)]
    neurons: Vec<String>,

    /// Number of samples.
    #[arg(short = 'n', long, value_name = "N", default_value_t = Request::default().samples, value_parser = positive::<usize>)]
    samples: usize,

    /// Samples that are moved together.
    #[arg(long, value_name = "K", default_value_t = Request::default().batch, value_parser = positive::<usize>)]
    batch: usize,

    /// Seed of all random numbers.
    #[arg(long, default_value_t = Request::default().seed)]
    seed: u64,

    /// Directory for the results [default: runs/<neuron>-<range>-n<N>-<seed>].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// What is searched for samples.
    #[arg(long, value_enum, default_value_t)]
    space: SearchSpace,

    /// Which gradients pass a pixel that is clamped to [0, 1].
    #[arg(long, value_enum, default_value_t)]
    clamp: ClampGradient,

    /// Most evaluations of the whole run.
    #[arg(long, value_name = "N", value_parser = positive::<u64>)]
    max_evals: Option<u64>,

    /// In which form images are stored.
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    images: ImageForm,

    #[command(flatten)]
    distances: DistanceArguments,

    #[command(flatten)]
    networks: NetworkArguments,

    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SearchSpace {
    /// The generator's codes: images are realistic.
    #[default]
    Code,
    /// The pixels themselves, without a generator: images are noise to people.
    Pixels,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ClampGradient {
    /// Those that move the pixel back inwards.
    #[default]
    StraightInward,
    /// None.
    Hard,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum ImageForm {
    /// Not at all; the generator makes them again from the codes.
    None,
    /// Each as a PNG file, and all in samples.safetensors.
    #[default]
    Png,
    /// All in samples.safetensors.
    Tensor,
}

impl From<ImageForm> for StoredImages {
    fn from(form: ImageForm) -> StoredImages {
        match form {
            ImageForm::None => StoredImages::None,
            ImageForm::Png => StoredImages::Png,
            ImageForm::Tensor => StoredImages::Tensor,
        }
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let request = request(&arguments)?;
    let pair = match arguments.space {
        SearchSpace::Code => arguments.networks.open()?,
        SearchSpace::Pixels => arguments.networks.open_classifier()?,
    };
    let job = Job::new(pair, &request)?;
    let directory = arguments.out.unwrap_or_else(|| job.default_directory());
    execute(&job, &directory, arguments.output)
}

/// Carries a job out, and tells how far it is and what it amounts to.
pub(super) fn execute(job: &Job, directory: &Path, output: OutputArguments) -> Result<()> {
    let started = Instant::now();
    let mut interrupt = Interrupt::listen()?;
    let mut progress = output
        .shows_progress()
        .then(|| Progress::new(job.neurons(), job.device()));
    let mut events = output.json.then(|| {
        let about = json!({
            "directory": directory.to_string_lossy(),
            "neurons": job.neurons(),
            "samples": job.samples(),
        });
        Events::new("sample", job.device(), about)
    });
    let summary = job
        .run(directory, &mut |event| {
            if let Some(progress) = &mut progress {
                progress.show(&event);
            }
            if let Some(events) = &mut events {
                events.run(&event);
            }
            interrupt.flow(matches!(event, Event::Batch { .. }), |line| {
                if let Some(progress) = &progress {
                    progress.say(line);
                }
            })
        })
        .map_err(|error| of_work(error, directory));
    // The bar goes before anything else is printed.
    drop(progress);
    let summary = summary?;
    if let Some(events) = events {
        return events.finish(&events::summary(&summary));
    }
    let finished = Finished {
        neurons: job.neurons(),
        space: job.space(),
        encoder: job.encoder(),
        summary: &summary,
        elapsed: started.elapsed(),
    };
    write!(std::io::stdout().lock(), "{finished}")?;
    output.show(&summary.directory.join("grid.png"))
}

fn request(arguments: &Arguments) -> Result<Request> {
    let clamp = match arguments.clamp {
        ClampGradient::StraightInward => Clamp::StraightInward,
        ClampGradient::Hard => Clamp::Hard,
    };
    let neurons = match arguments.neurons.as_slice() {
        [] if arguments.networks.is_demo() => vec![DEMO_NEURON.to_owned()],
        [] => {
            return Err(mistake(format!(
                "no neuron: only the pair {DEMO_PAIR} has a default; name one as in --neuron fc8:3, or list the layers with sampler-cli inspect"
            )));
        }
        neurons => neurons.to_vec(),
    };
    Ok(Request {
        neurons,
        samples: arguments.samples,
        batch: arguments.batch,
        seed: arguments.seed,
        distance: arguments.distances.distance()?,
        clamp,
        max_evals: arguments.max_evals,
        images: arguments.images.into(),
    })
}
