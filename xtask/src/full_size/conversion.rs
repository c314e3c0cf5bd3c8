//! Conversions of the full-size files: how long they take, and in how much
//! memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::commands::{succeed, words};

use super::report::Report;

/// Wall-clock seconds of one conversion.
const MAX_SECONDS: f64 = 5.0;
/// fc6 of the classifier, 4096 x 9216 numbers of 4 bytes.
const LARGEST_TENSOR: u64 = 150_994_944;
/// Anonymous memory of one conversion, in bytes.
const MAX_MEMORY: u64 = LARGEST_TENSOR + (64 << 20);
/// Tells time and memory of a command by itself, where it is installed.
const TIME: &str = "/usr/bin/time";
/// Between two looks at the memory of a running program.
const INTERVAL: Duration = Duration::from_millis(2);

/// A Caffe file that the converter knows by name.
#[derive(Clone, Copy)]
pub(super) struct Published {
    /// What `convert-weights` calls it.
    preset: &'static str,
    /// Its name as it was published.
    pub file: &'static str,
    /// Its part in a pair of networks.
    pub part: &'static str,
}

pub(super) const CLASSIFIER: Published = Published {
    preset: "caffenet",
    file: "bvlc_reference_caffenet.caffemodel",
    part: "classifier",
};
pub(super) const GENERATOR: Published = Published {
    preset: "ppgn-fc6",
    file: "generator.caffemodel",
    part: "generator",
};

/// One file and the program that converts it.
pub(super) struct Conversion {
    pub program: PathBuf,
    pub published: Published,
    pub input: PathBuf,
}

impl Conversion {
    /// Converts to F32 and holds time and memory to their bounds.
    pub(super) fn measured(&self, out: &Path, report: &mut Report) -> Result<()> {
        let mut command = Command::new(&self.program);
        let usage = Usage::of(command.args(self.arguments(Some("f32"), out)))?;
        let name = self.published.preset;
        report.at_most(format!("{name}: seconds"), usage.seconds, MAX_SECONDS);
        match usage.anonymous {
            Some(found) => report.at_most(
                format!("{name}: most anonymous memory, MB"),
                megabytes(found),
                megabytes(MAX_MEMORY),
            ),
            None => report.note(format!("{name}: most anonymous memory"), "not known here"),
        }
        if let Some(resident) = usage.resident {
            let what = format!("{name}: most resident with mapped files, MB");
            report.note(what, format!("{:.1}", megabytes(resident)));
        }
        Ok(())
    }

    /// Converts once more where more anonymous memory cannot be had: a data
    /// limit counts what is allocated, touched or not. Says with `TIME` what
    /// that took, where there is one.
    pub(super) fn within_limit(&self, out: &Path, report: &mut Report) -> Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -d \"$0\" && exec \"$@\""]);
        command.arg((MAX_MEMORY >> 10).to_string());
        if Path::new(TIME).exists() {
            command.args([TIME, "-v"]);
        }
        command.arg(&self.program);
        command.args(self.arguments(Some("f32"), out));
        let done = succeed(command.stdout(Stdio::null()));
        if let Err(error) = &done {
            println!("{error:#}");
        }
        let limit = format!("{:.1} MB", megabytes(MAX_MEMORY));
        let what = format!(
            "{}: done under a data limit of {limit}",
            self.published.preset
        );
        report.must(what, if done.is_ok() { "yes" } else { "no" }, done.is_ok());
        if done.is_ok() {
            fs::remove_file(out).with_context(|| format!("removing {}", out.display()))?;
        }
        Ok(())
    }

    /// Converts as a user would who gives no options.
    pub(super) fn with_default_types(&self, out: &Path) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(self.arguments(None, out));
        succeed(command.stdout(Stdio::null()))
    }

    fn arguments(&self, dtype: Option<&str>, out: &Path) -> Vec<PathBuf> {
        let preset = ["convert-weights", self.published.preset].map(PathBuf::from);
        let dtype = dtype.map(|dtype| ["--dtype".into(), dtype.into()]);
        let out = ["--out".into(), out.to_owned()];
        preset
            .into_iter()
            .chain([self.input.clone()])
            .chain(dtype.into_iter().flatten())
            .chain(out)
            .collect()
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// What a program took. Memory in bytes, where the system tells it.
struct Usage {
    seconds: f64,
    /// Memory that no file backs, at most.
    anonymous: Option<u64>,
    /// All memory that was resident, mapped files included, at most.
    resident: Option<u64>,
}

impl Usage {
    fn of(command: &mut Command) -> Result<Usage> {
        println!("$ {}", words(command));
        let start = Instant::now();
        let child = command.spawn();
        let mut child = child.with_context(|| format!("running {}", words(command)))?;
        let (status, memory) = watch(&mut child)?;
        let seconds = start.elapsed().as_secs_f64();
        anyhow::ensure!(
            status.success(),
            "running {}: expected success, found {status}",
            words(command)
        );
        Ok(Usage {
            seconds,
            anonymous: memory.map(|memory| memory.anonymous),
            resident: memory.map(|memory| memory.resident),
        })
    }
}

/// Memory of a process in bytes.
#[derive(Clone, Copy)]
struct Memory {
    anonymous: u64,
    resident: u64,
}

/// Looks at a program's memory until it ends. Peaks that are shorter than
/// `INTERVAL` may be missed.
fn watch(child: &mut Child) -> Result<(ExitStatus, Option<Memory>)> {
    let status_file = format!("/proc/{}/status", child.id());
    let mut most: Option<Memory> = None;
    loop {
        if let Some(status) = child.try_wait().context("waiting for a program")? {
            return Ok((status, most));
        }
        if let Some(now) = fs::read_to_string(&status_file)
            .ok()
            .as_deref()
            .and_then(memory)
        {
            let before = most.unwrap_or(now);
            most = Some(Memory {
                anonymous: before.anonymous.max(now.anonymous),
                resident: before.resident.max(now.resident),
            });
        }
        thread::sleep(INTERVAL);
    }
}

/// Reads Linux's `/proc/<pid>/status`. None for a process that has ended.
fn memory(status: &str) -> Option<Memory> {
    let bytes = |key: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let kilobytes = line.trim_start_matches(':').trim().strip_suffix(" kB")?;
        Some(kilobytes.trim().parse::<u64>().ok()? << 10)
    };
    Some(Memory {
        anonymous: bytes("RssAnon")?,
        resident: bytes("VmHWM")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_a_status_file() {
        let status = "Name:\txtask\nVmHWM:\t  300 kB\nVmRSS:\t 200 kB\nRssAnon:\t     2 kB\n";
        let found = memory(status).unwrap();
        assert_eq!([found.anonymous, found.resident], [2048, 300 << 10]);
        assert!(memory("Name:\txtask\nState:\tZ (zombie)\n").is_none());
    }
}
