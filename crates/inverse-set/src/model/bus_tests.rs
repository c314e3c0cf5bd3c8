//! What crosses between host and device, counted by the simulated driver.
//!
//! In a step the values of `m` neurons come to the host for each of K rows, and a
//! share, a stride of two numbers and a press go back: the step waits once, for
//! the values. More crosses when a batch is placed (draws of codes whose values
//! are foretold, the codes `[d]`, the constraints of 5 numbers in f64 on each
//! neuron) and when its samples are accepted (bytes of the image, values,
//! encoding `[e]` and code of each).

use std::ops::ControlFlow;
use std::sync::LazyLock;

use cuda_sim::{Counts, Simulator};
use engine::{Device, NodeId};
use sampler::{Phase, Progress};

use crate::pair_sampler::PairSampler;
use crate::source::code_len;
use crate::{Job, Request, pair};

const BATCHES: usize = 7;

/// The recorded sequences of a step: decode, look, and both back.
const STEP: u64 = 4;

/// A look, and what was asked of the device since the one before.
#[derive(Debug)]
struct Counted {
    progress: Progress,
    counts: Counts,
}

/// A run with its sizes, and what was counted.
struct Run {
    /// K.
    rows: usize,
    neurons: usize,
    /// Numbers of a code, of an image and of an encoding.
    code: usize,
    image: usize,
    encoding: usize,
    /// The looks of every batch, with the number of slots that had to be placed
    /// again.
    batches: Vec<(Vec<Counted>, u64)>,
    /// After the last look.
    after: Counts,
}

/// One neuron and several, in batches of two sizes. One after another: the
/// counts are those of the whole process.
static RUNS: LazyLock<Vec<Run>> = LazyLock::new(|| {
    let one = &["fc7:3=p20..p80"][..];
    let seven = &[
        "fc6:1=..p95",
        "fc6:7=..p95",
        "fc6:30=..p95",
        "fc7:0=p1..p99",
        "fc7:5=p1..p99",
        "fc7:11=p1..",
        "fc7:31=..p99",
    ][..];
    let cases = [(one, 4), (one, 10), (seven, 4), (seven, 10)];
    cases.map(|(neurons, k)| run(neurons, k)).into()
});

fn job(neurons: &[&str], batch: usize) -> Job {
    let pair = pair::tiny(&Device::cuda(0, Some(1)).unwrap());
    let request = Request {
        neurons: neurons.iter().map(|&text| text.to_owned()).collect(),
        samples: batch * BATCHES,
        batch,
        seed: 1,
        ..Request::default()
    };
    Job::new(pair, &request).unwrap()
}

fn run(neurons: &[&str], batch: usize) -> Run {
    let simulator = Simulator::load();
    let job = job(neurons, batch);
    let mut sampler = PairSampler::new(&job, None).unwrap();
    let mut batches = Vec::new();
    simulator.reset_counts();
    loop {
        let replaced = sampler.state().counts().replaced;
        let mut looks = Vec::new();
        let next = sampler.next_batch(&mut |progress| {
            let counts = simulator.counts();
            simulator.reset_counts();
            looks.push(Counted {
                progress: progress.clone(),
                counts,
            });
            ControlFlow::Continue(())
        });
        if next.unwrap().is_none() {
            break;
        }
        batches.push((looks, sampler.state().counts().replaced - replaced));
    }
    let network = &job.pair.classifier.network;
    Run {
        rows: batch,
        neurons: neurons.len(),
        code: code_len(&job.pair),
        image: network.shape(NodeId::INPUT).len(),
        encoding: job.encoding.len(network),
        batches,
        after: simulator.counts(),
    }
}

fn crossed(counts: &Counts) -> usize {
    (counts.bytes_to_device + counts.bytes_to_host) as usize
}

/// The looks of all batches but the first.
fn later(run: &Run) -> impl Iterator<Item = &Counted> {
    run.batches.iter().skip(1).flat_map(|(looks, _)| looks)
}

/// The steps of a batch after the one before each: a look and the next, in whose
/// counts stands what the step copied to the device, which the simulated driver
/// does when it is waited for.
fn steps(looks: &[Counted]) -> impl Iterator<Item = [&Counted; 3]> {
    let phase = |look: &Counted| look.progress.phase;
    looks
        .windows(3)
        .map(|looks| [&looks[0], &looks[1], &looks[2]])
        .filter(move |[_, step, _]| matches!(phase(step), Phase::Spread | Phase::Repair))
}

#[test]
fn a_step_waits_once_and_moves_a_few_numbers_per_row() {
    for run in &*RUNS {
        let (k, m) = (run.rows, run.neurons);
        let [most, constraints] = [k * (m + 8) * 4, k * m * 5 * 8];
        let mut greatest = 0;
        let batches = run.batches.iter().filter(|(_, replaced)| *replaced == 0);
        for (looks, _) in batches {
            let mut repairs = 0;
            for [before, step, after] in steps(looks) {
                let bytes = step.counts.bytes_to_host + after.counts.bytes_to_device;
                // A batch's bands are new, and constraints come again where all
                // rested and the host alone updated the multipliers, or where an
                // image was rejected.
                let settled =
                    before.progress.phase != Phase::Accept && before.counts.graph_launches >= STEP;
                let placed = match step.progress.phase {
                    Phase::Repair if settled => 0,
                    _ => constraints,
                };
                let what = format!("{bytes} of {most} + {placed}: {step:?} {after:?}");
                assert!(bytes as usize <= most + placed, "{what}");
                assert_eq!(step.counts.waits, 1, "{what}");
                if placed == 0 {
                    repairs += 1;
                    greatest = greatest.max(bytes as usize);
                }
            }
            assert!(repairs > 0, "a step that places nothing");
        }
        // All that the first lines of this file name, and nothing else.
        assert_eq!(greatest, k * (m + 4) * 4, "bytes of a step of {k} rows");
    }
}

#[test]
fn samples_cross_when_they_are_accepted() {
    for run in &*RUNS {
        // The code of a slot that is rejected goes both ways.
        let numbers = run.neurons + run.encoding + 2 * run.code;
        let most = run.rows * (run.image + 4 * numbers);
        for look in later(run).filter(|look| look.progress.phase == Phase::Accept) {
            let bytes = crossed(&look.counts);
            assert!(bytes <= most, "{bytes} of {most}: {look:?}");
            assert!(look.counts.waits <= 3 + run.rows as u64, "{look:?}");
        }
    }
}

#[test]
fn no_memory_is_allocated_or_freed_behind_the_first_batch() {
    for run in &*RUNS {
        assert_eq!(run.batches.len(), BATCHES);
        for counts in later(run).map(|look| &look.counts).chain([&run.after]) {
            assert_eq!((counts.allocations, counts.frees), (0, 0));
        }
    }
}
