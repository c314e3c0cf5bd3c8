//! `cargo xtask bench-peers`: a step of the engine, of PyTorch and of candle in
//! turn, on the same weights and codes.
//!
//! `crates/engine/benches/cpu`, `tests/peers/step.py` and `tests/peers/candle`
//! are the programs; each reads a line, makes a step and prints its
//! milliseconds. In its turn each makes two, and the second counts.

mod page;
mod peer;
mod programs;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::likeness::{cosine, error};
use peer::Peer;
use programs::{Pair, Programs, Setting};

/// What is measured.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Codes in a step of the pair of full size.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 10, 32])]
    k: Vec<usize>,
    /// Threads.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2])]
    threads: Vec<usize>,
    /// How often each program makes a step; candle makes three.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

/// Codes in a step of the demo pair.
const DEMO_K: usize = 10;

/// Rounds that candle takes part in: it is an order of magnitude slower.
const SLOW_ROUNDS: usize = 3;

/// Between two turns.
const REST: Duration = Duration::from_millis(100);

/// Cosine of two programs' gradients that compute the same. Rounding opens a
/// few rectifiers in one and not in the other.
const ALIKE: f64 = 0.999;

/// The programs in their order, and in how many rounds each takes part.
const PROGRAMS: [Program; 5] = [
    Program::Engine,
    Program::EngineF32,
    Program::PyTorchChannelsLast,
    Program::PyTorch,
    Program::Candle,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Engine,
    EngineF32,
    PyTorchChannelsLast,
    PyTorch,
    Candle,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Program::Engine => "engine",
            Program::EngineF32 => "engine, F32 weights",
            Program::PyTorchChannelsLast => "PyTorch, channels last",
            Program::PyTorch => "PyTorch, NCHW",
            Program::Candle => "candle",
        }
    }
}

/// The milliseconds of a program, round by round; none if it does not run here.
type Times = Vec<Option<Vec<f64>>>;

/// A row of the table.
struct Row {
    pair: Pair,
    setting: Setting,
    /// One per [`PROGRAMS`].
    times: Times,
}

/// Runs all programs in turn and writes the table of `docs/performance.md`.
///
/// # Errors
/// Fails if the engine cannot be run or a program computes something else. A
/// peer that cannot be run is left out, and a line says why.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let programs = Programs::build(root)?;
    let folder = programs.folder.clone();
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut bench = Bench {
        programs,
        folder,
        rounds: options.rounds,
        versions: vec![None; PROGRAMS.len()],
    };
    let mut rows = Vec::new();
    let mut limits = Vec::new();
    for &threads in &options.threads {
        limits.push(bench.programs.limits(threads)?);
        let full = options.k.iter().map(|&k| (Pair::FullSize, k));
        for (pair, k) in full.chain([(Pair::Demo, DEMO_K)]) {
            let setting = Setting { k, threads };
            let times = bench.take_turns(pair, setting)?;
            let row = Row {
                pair,
                setting,
                times,
            };
            println!("{}", page::line(&row));
            rows.push(row);
        }
    }
    page::write(root, &rows, &limits, &bench.versions)
}

struct Bench {
    programs: Programs,
    folder: PathBuf,
    rounds: usize,
    /// What each program says it is.
    versions: Vec<Option<String>>,
}

impl Bench {
    /// Starts all programs, holds their gradients against the engine's, and
    /// lets them take turns.
    fn take_turns(&mut self, pair: Pair, setting: Setting) -> Result<Times> {
        let mut peers = Vec::new();
        let mut expected = None;
        for (program, version) in PROGRAMS.into_iter().zip(&mut self.versions) {
            let Some(command) = self.programs.command(program, pair, setting) else {
                peers.push(None);
                continue;
            };
            let started = command.and_then(|mut command| {
                Peer::start(program.name(), &mut command, setting.threads == 1)
            });
            let peer = match started {
                Ok(peer) => peer,
                Err(error) if program == Program::Engine => return Err(error),
                Err(error) => {
                    eprintln!("warning: {} is left out: {error:#}", program.name());
                    peers.push(None);
                    continue;
                }
            };
            let found = floats(&self.folder.join("gradient.f32"))?;
            let expected: &Vec<f64> =
                expected.get_or_insert_with(|| found.iter().map(|&v| f64::from(v)).collect());
            let likeness = cosine(&found, expected);
            println!(
                "{}: {}; gradients differ by {:.1e}, cosine {likeness:.6}",
                program.name(),
                peer.version,
                error(&found, expected)
            );
            ensure!(
                likeness >= ALIKE,
                "{}: expected the engine's gradient, cosine {ALIKE} or more, found {likeness}",
                program.name()
            );
            version.get_or_insert_with(|| peer.version.clone());
            peers.push(Some(peer));
        }
        let mut times: Times = peers
            .iter()
            .map(|peer| peer.as_ref().map(|_| Vec::new()))
            .collect();
        for round in 0..self.rounds {
            let turns = peers.iter_mut().zip(&mut times).zip(PROGRAMS);
            for ((peer, times), program) in turns {
                let (Some(peer), Some(times)) = (peer, times) else {
                    continue;
                };
                // Some leave threads behind that wait busily for more.
                thread::sleep(REST);
                if program != Program::Candle {
                    // A sampler's steps follow each other: what the others left
                    // in the caches is not its affair.
                    peer.step()?;
                } else if round >= SLOW_ROUNDS {
                    continue;
                }
                times.push(peer.step()?);
            }
        }
        Ok(times)
    }
}

fn floats(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let (numbers, _) = bytes.as_chunks();
    Ok(numbers.iter().copied().map(f32::from_le_bytes).collect())
}
