//! The programs that take turns: how they are built and called.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Program;
use crate::commands::{engine_benchmark, output, succeed, target};

/// Whose step is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    /// CaffeNet and PPGN's generator from fc6 with random weights.
    FullSize,
    /// The demo pair.
    Demo,
}

/// How a step is run.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    /// Codes.
    pub k: usize,
    pub threads: usize,
}

/// What the processor and the memory can do with so many threads.
pub(super) struct Limits {
    pub threads: usize,
    pub gflops: f64,
    pub gb_per_s: f64,
}

/// The programs, built.
pub(super) struct Programs {
    root: PathBuf,
    /// Where they leave what they share.
    pub folder: PathBuf,
    engine: PathBuf,
    candle: Result<PathBuf>,
}

impl Programs {
    pub(super) fn build(root: &Path) -> Result<Programs> {
        let target = target()?;
        let candle = || -> Result<PathBuf> {
            let folder = target.join("candle");
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--release", "--locked", "--manifest-path"]);
            cargo.arg(root.join("tests/peers/candle/Cargo.toml"));
            succeed(cargo.arg("--target-dir").arg(&folder))?;
            Ok(folder.join("release/candle-step"))
        };
        Ok(Programs {
            engine: engine_benchmark(root)?,
            candle: candle(),
            folder: target.join("peers"),
            root: root.to_owned(),
        })
    }

    /// The command that starts a program; `None` if it is not meant for the
    /// pair.
    pub(super) fn command(
        &self,
        program: Program,
        pair: Pair,
        setting: Setting,
    ) -> Option<Result<Command>> {
        let [k, threads] = [setting.k, setting.threads].map(|number| number.to_string());
        let demo = self.root.join("weights/fashion");
        let full_size = |weights: &str| {
            let folder = target().map(|target| target.join("tmp"));
            folder.map(|folder| folder.join(format!("full-size-{weights}")))
        };
        let of_pair = |weights: &str| match pair {
            Pair::FullSize => full_size(weights),
            Pair::Demo => Ok(demo.clone()),
        };
        let engine = |weights: &str| {
            let mut command = Command::new(&self.engine);
            command.arg("--serve").arg(&self.folder);
            command.args(["--k", &k, "--threads", &threads, "--weights", weights]);
            if pair == Pair::Demo {
                command.arg("--pair").arg(&demo);
            }
            command
        };
        let pytorch = |layout: &str| {
            let mut command = Command::new(self.root.join("tests/full_size/python.sh"));
            command.arg(self.root.join("tests/peers/step.py"));
            command.arg(of_pair("f16")?).arg(&self.folder);
            command.args([&k, &threads, layout]);
            Ok(command)
        };
        match (program, pair) {
            (Program::Engine, _) => Some(Ok(engine("f16"))),
            (Program::EngineF32, Pair::FullSize) => Some(Ok(engine("f32"))),
            (Program::PyTorchChannelsLast, _) => Some(pytorch("channels_last")),
            (Program::PyTorch, _) => Some(pytorch("nchw")),
            (Program::Candle, Pair::FullSize) => {
                let candle = self.candle.as_ref();
                let candle = candle.map_err(|error| anyhow::anyhow!("{error:#}"));
                Some(candle.and_then(|program| {
                    let mut command = Command::new(program);
                    command.arg(of_pair("f16")?).arg(&self.folder).arg(&k);
                    command.env("RAYON_NUM_THREADS", &threads);
                    Ok(command)
                }))
            }
            (Program::EngineF32 | Program::Candle, Pair::Demo) => None,
        }
    }

    /// Has the engine's benchmark measure the machine.
    pub(super) fn limits(&self, threads: usize) -> Result<Limits> {
        let mut command = Command::new(&self.engine);
        command.args(["--only", "machine", "--threads", &threads.to_string()]);
        let text = output(&mut command)?;
        let limits = || {
            let line = text.lines().find_map(|line| line.strip_prefix("peak "))?;
            let (gflops, memory) = line.split_once(" GFLOP/s, memory ")?;
            Some(Limits {
                threads,
                gflops: gflops.parse().ok()?,
                gb_per_s: memory.strip_suffix(" GB/s")?.parse().ok()?,
            })
        };
        limits().with_context(|| format!("expected the machine's limits, found {text:?}"))
    }
}
