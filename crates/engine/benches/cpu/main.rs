//! What a step costs on this machine, and what the machine could do.
//!
//! ```text
//! cargo bench -p engine -- [--k 1,10] [--threads 1,2] [--weights f16|f32]
//!     [--pair FOLDER] [--instructions avx512|avx2|portable]
//!     [--only machine|layers|step] [--layer NAME]
//! ```
//!
//! The networks have the sizes of PPGN's generator from fc6 and of CaffeNet,
//! and random weights, unless a pair is named; a step is a forward pass through
//! both and the gradient of one unit of fc8 and of a product with relu6 with
//! respect to the codes.
//! Every figure is the median of a few runs.

mod full_size;
mod layers;
mod machine;
mod serve;
mod step;

use std::path::{Path, PathBuf};
use std::time::Instant;

use engine::{Cpu, Device, Instructions};
use netfile::Dtype;

struct Options {
    batches: Vec<usize>,
    threads: Vec<usize>,
    weights: Dtype,
    /// The pair whose step is measured; one of full size if `None`.
    pair: Option<PathBuf>,
    instructions: Instructions,
    /// Only make so many steps: a profiler looks on.
    steps: Option<usize>,
    /// Where to leave what other programs that take turns with this one need.
    serve: Option<PathBuf>,
    only: Option<String>,
    /// The one layer that is measured, if not all.
    layer: Option<String>,
}

impl Options {
    fn parse() -> Options {
        let cores = core_affinity::get_core_ids().map_or(1, |cores| cores.len());
        let mut options = Options {
            batches: vec![10],
            threads: if cores > 1 { vec![1, cores] } else { vec![1] },
            weights: Dtype::F16,
            pair: None,
            instructions: Instructions::detect(),
            steps: None,
            serve: None,
            only: None,
            layer: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| usage(&name));
            match name.as_str() {
                "--k" => options.batches = numbers(&value()),
                "--threads" => options.threads = numbers(&value()),
                "--steps" => options.steps = numbers(&value()).first().copied(),
                "--instructions" => options.instructions = instructions(&value()),
                "--pair" => options.pair = Some(value().into()),
                "--serve" => options.serve = Some(value().into()),
                "--layer" => options.layer = Some(value()),
                "--only" => options.only = Some(value()),
                "--weights" => {
                    options.weights = match value().as_str() {
                        "f16" => Dtype::F16,
                        "f32" => Dtype::F32,
                        _ => usage(&name),
                    }
                }
                // Cargo says so to every benchmark.
                "--bench" => {}
                _ => usage(&name),
            }
        }
        options
    }

    fn wants(&self, part: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == part)
    }
}

/// The set of this name, which this processor must have.
fn instructions(name: &str) -> Instructions {
    let all = Instructions::available();
    let found = match name {
        "portable" => all.last(),
        _ => all.iter().find(|set| set.name().contains(name)),
    };
    *found.unwrap_or_else(|| usage(name))
}

fn numbers(list: &str) -> Vec<usize> {
    let number = |n: &str| n.parse().unwrap_or_else(|_| usage(list));
    list.split(',').map(number).collect()
}

fn usage<T>(wrong: &str) -> T {
    eprintln!(
        "reading the options: {wrong} is not one; try --k 1,10 --threads 1,2 --weights f16|f32 --pair FOLDER --instructions avx512|avx2|portable --only machine|layers|step --layer NAME"
    );
    std::process::exit(2)
}

/// Median of the milliseconds that `work` takes.
fn median_ms(runs: usize, mut work: impl FnMut()) -> f64 {
    work();
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[runs / 2]
}

fn main() {
    let options = Options::parse();
    let pair = || match &options.pair {
        Some(pair) => pair.clone(),
        None => full_size::pair(Path::new(env!("CARGO_TARGET_TMPDIR")), options.weights)
            .expect("room for two networks"),
    };
    let device = |threads| {
        let cpu = Cpu {
            threads: Some(threads),
            instructions: options.instructions,
            ..Cpu::default()
        };
        Device::new(cpu).expect("so many threads")
    };
    if let Some(steps) = options.steps {
        let device = device(options.threads[0]);
        let mut step = step::Step::new(&device, &pair(), options.batches[0]);
        return (0..steps).for_each(|_| {
            step.run();
        });
    }
    if let Some(folder) = &options.serve {
        let device = device(options.threads[0]);
        return serve::serve(&device, &pair(), folder, options.batches[0]);
    }
    let mut alone: Vec<f64> = Vec::new();
    let mut first: Option<machine::Limits> = None;
    for &threads in &options.threads {
        let device = device(threads);
        println!("\n{threads} threads, {}", device.instruction_set());
        let limits = machine::measure(threads);
        println!(
            "peak {:.0} GFLOP/s, memory {:.0} GB/s",
            limits.gflops, limits.gb_per_s
        );
        let peaks = limits.gflops / first.get_or_insert(limits).gflops;
        if options.wants("layers") {
            for &k in &options.batches {
                layers::run(&device, &pair(), k, limits, options.layer.as_deref());
            }
        }
        if options.wants("step") {
            let pair = pair();
            for (i, &k) in options.batches.iter().enumerate() {
                let ms = step::run(&device, &pair, k);
                match alone.get(i) {
                    Some(alone) => println!(
                        "      {:.2} times as fast as with {} threads, {:.2} of the peaks' ratio",
                        alone / ms,
                        options.threads[0],
                        alone / ms / peaks
                    ),
                    None => alone.push(ms),
                }
            }
        }
    }
}
