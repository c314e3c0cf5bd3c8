//! A program that makes a step whenever it is told to.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use crate::commands::words;

/// A running program that answers every line with the milliseconds of a step.
pub(super) struct Peer {
    name: &'static str,
    /// What it says it is.
    pub version: String,
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts a program, on the first core alone if it is to run by itself
    /// there, and waits until it is ready.
    pub(super) fn start(name: &'static str, command: &mut Command, alone: bool) -> Result<Peer> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // A process may run where the thread may that starts it.
        let started = thread::scope(|scope| {
            let start = || {
                if let (true, Some(cores)) = (alone, core_affinity::get_core_ids()) {
                    cores
                        .first()
                        .map(|&core| core_affinity::set_for_current(core));
                }
                command.spawn()
            };
            scope.spawn(start).join().expect("starting does not panic")
        });
        let mut process = started.with_context(|| format!("running {}", words(command)))?;
        let requests = process.stdin.take().context("a pipe was asked for")?;
        let answers = process.stdout.take().context("a pipe was asked for")?;
        let mut peer = Peer {
            name,
            version: String::new(),
            process,
            requests,
            answers: BufReader::new(answers),
        };
        let line = peer.line()?;
        let Some(version) = line.strip_prefix("ready ") else {
            bail!("{name}: expected that it is ready, found {line:?}");
        };
        peer.version = version.to_owned();
        Ok(peer)
    }

    /// The milliseconds of one step.
    pub(super) fn step(&mut self) -> Result<f64> {
        self.requests
            .write_all(b"step\n")
            .with_context(|| format!("telling {} to make a step", self.name))?;
        let line = self.line()?;
        let found = || format!("{}: expected milliseconds, found {line:?}", self.name);
        line.parse().with_context(found)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        let read = read.with_context(|| format!("reading what {} says", self.name))?;
        ensure!(
            read > 0,
            "{}: it ended; what it said stands above",
            self.name
        );
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
