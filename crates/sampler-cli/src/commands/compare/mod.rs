//! `sampler-cli compare`: methods side by side.

mod progress;
mod tables;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use inverse_set::compare::{CompareRequest, Comparison, Method};
use inverse_set::{FileSource, Flow, Request};

use crate::counting::QuietArgument;
use crate::demo;
use crate::distances::DistanceArguments;
use crate::failure::{mistake, of_work};
use crate::networks::{NetworkArguments, exists, positive};
use progress::Progress;

/// Compares methods that find images in a neuron's range, at equal cost.
///
/// Each method gets as many evaluations as inverse-set spent on its samples.
/// A judge, a network that took no part in sampling, measures how near the
/// images are to real ones in the range, and how many of these they reach.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli compare --neuron fc8:Coat=c25..c75 -n 250
  sampler-cli compare --neuron fc8:all --methods inverse-set,random,reconstruction
  sampler-cli compare --neuron fc8:Bag=8.. --methods ppgn,dataset --evals-per-sample 5")]
pub(crate) struct Arguments {
    /// LAYER:UNIT[=LO..HI], as in sample, or several as in atlas: LAYER:all,
    /// LAYER:A..B; each neuron is compared on its own.
    #[arg(long = "neuron", value_name = "NEURON", required = true)]
    neurons: Vec<String>,

    /// Number of samples and of real images; fewer, if fewer are in the range.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 250, value_parser = positive::<usize>)]
    samples: usize,

    /// Methods, in the order of the tables [default: all].
    ///
    /// inverse-set, paper, ppgn, ppgn-published, dgn-am, dgn-am-published,
    /// activation-max, random, start, dataset, reconstruction. The constants of
    /// ppgn and dgn-am are tuned to the demo pair; those that were published are
    /// only rescaled to a pair's codes.
    #[arg(long, value_name = "METHOD,...", verbatim_doc_comment)]
    methods: Option<String>,

    /// Number of seeds; each gives one run of every method.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = positive::<usize>)]
    seeds: usize,

    /// The first seed.
    #[arg(long, default_value_t = Request::default().seed)]
    seed: u64,

    /// Samples that are moved together.
    #[arg(long, value_name = "K", default_value_t = Request::default().batch, value_parser = positive::<usize>)]
    batch: usize,

    /// Directory for the results.
    #[arg(long, value_name = "DIR", default_value = "runs/compare")]
    out: PathBuf,

    /// Evaluations of the other methods, per wanted sample [default: what
    /// inverse-set spends].
    #[arg(long, value_name = "X")]
    evals_per_sample: Option<f64>,

    /// Real images: safetensors with `images`, u8 [n, h, w] or [n, c, h, w]
    /// [default: reference.safetensors beside the classifier].
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,

    /// The judge's network file [default: judge.safetensors beside the
    /// classifier].
    #[arg(long, value_name = "FILE")]
    judge: Option<PathBuf>,

    /// The judge's layer of features [default: its file's encoder].
    #[arg(long, value_name = "LAYER")]
    judge_layer: Option<String>,

    #[command(flatten)]
    distances: DistanceArguments,

    #[command(flatten)]
    networks: NetworkArguments,

    #[command(flatten)]
    output: QuietArgument,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let request = request(arguments)?;
    let mut comparison = Comparison::new(arguments.networks.open()?, &request)?;
    let mut progress = (!arguments.output.quiet).then(Progress::new);
    let report = comparison.run(&arguments.out, &mut |step| {
        if let Some(progress) = &mut progress {
            progress.show(&step);
        }
        Flow::Continue
    });
    drop(progress);
    let report = report.map_err(|error| of_work(error, &arguments.out))?;
    tables::write(&report, &arguments.out, &mut std::io::stdout().lock())?;
    Ok(())
}

fn request(arguments: &Arguments) -> Result<CompareRequest> {
    let methods = match &arguments.methods {
        None => Method::ALL.to_vec(),
        Some(list) => list
            .split(',')
            .map(|name| Ok(name.trim().parse()?))
            .collect::<Result<_>>()?,
    };
    let evals_per_sample = arguments.evals_per_sample;
    if let Some(evals) = evals_per_sample.filter(|evals| !(evals.is_finite() && *evals > 0.0)) {
        return Err(mistake(format!(
            "--evals-per-sample {evals}: expected a number above 0"
        )));
    }
    let embedded = arguments.networks.is_embedded()?;
    let file = |option, path: &Option<PathBuf>, demo: fn() -> FileSource| match path {
        Some(path) => Ok(Some(exists(option, path)?)),
        None => anyhow::Ok(embedded.then(demo)),
    };
    Ok(CompareRequest {
        sample: Request {
            neurons: arguments.neurons.clone(),
            samples: arguments.samples,
            batch: arguments.batch,
            seed: arguments.seed,
            distance: arguments.distances.distance()?,
            ..Request::default()
        },
        methods,
        seeds: arguments.seeds,
        evals_per_sample,
        reference: file("--reference", &arguments.reference, demo::reference)?,
        judge: file("--judge", &arguments.judge, demo::judge)?,
        judge_layer: arguments.judge_layer.clone(),
    })
}
