//! What a step costs on this machine, and what the machine could do.
//!
//! ```text
//! cargo bench -p engine -- [--k 1,10] [--threads 1,2] [--weights f16|f32] [--only machine|layers|step]
//! ```
//!
//! The networks have the sizes of PPGN's generator from fc6 and of CaffeNet,
//! and random weights; a step is a forward pass through both and the gradient
//! of one unit of fc8 and of a product with relu6 with respect to the codes.
//! Every figure is the median of a few runs.

mod full_size;
mod layers;
mod machine;
mod step;

use std::path::Path;
use std::time::Instant;

use engine::{Cpu, Device};
use netfile::Dtype;

struct Options {
    batches: Vec<usize>,
    threads: Vec<usize>,
    weights: Dtype,
    only: Option<String>,
}

impl Options {
    fn parse() -> Options {
        let cores = core_affinity::get_core_ids().map_or(1, |cores| cores.len());
        let mut options = Options {
            batches: vec![10],
            threads: if cores > 1 { vec![1, cores] } else { vec![1] },
            weights: Dtype::F16,
            only: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| usage(&name));
            match name.as_str() {
                "--k" => options.batches = numbers(&value()),
                "--threads" => options.threads = numbers(&value()),
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

fn numbers(list: &str) -> Vec<usize> {
    let number = |n: &str| n.parse().unwrap_or_else(|_| usage(list));
    list.split(',').map(number).collect()
}

fn usage<T>(wrong: &str) -> T {
    eprintln!(
        "reading the options: {wrong} is not one; try --k 1,10 --threads 1,2 --weights f16|f32 --only machine|layers|step"
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
    for &threads in &options.threads {
        let cpu = Cpu {
            threads: Some(threads),
            ..Cpu::default()
        };
        let device = Device::new(cpu).expect("so many threads");
        println!("\n{threads} threads, {}", device.instruction_set());
        let limits = machine::measure(threads);
        println!(
            "peak {:.0} GFLOP/s, memory {:.0} GB/s",
            limits.gflops, limits.gb_per_s
        );
        if options.wants("layers") {
            for &k in &options.batches {
                layers::run(&device, k, options.weights, limits);
            }
        }
        if options.wants("step") {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
            let start = Instant::now();
            let files = full_size::pair(folder, options.weights).expect("room for two networks");
            println!("\nfiles written in {:.1} s", start.elapsed().as_secs_f64());
            for &k in &options.batches {
                step::run(&device, &files, k);
            }
        }
    }
}
