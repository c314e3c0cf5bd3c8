//! Other programs that tasks run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Where cargo builds: this program lies in `<target>/<profile>`.
pub(crate) fn target() -> Result<PathBuf> {
    let program = std::env::current_exe().context("looking for cargo's target folder")?;
    let target = program.ancestors().nth(2);
    Ok(target.context("this program lies in no folder")?.to_owned())
}

/// Runs a command to its end.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status();
    let status = status.with_context(|| format!("running {}", words(command)))?;
    if !status.success() {
        bail!(
            "running {}: expected success, found {status}",
            words(command)
        );
    }
    Ok(())
}

/// A command as it could be typed, if none of its arguments holds a blank.
pub(crate) fn words(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// What a command prints that runs to its end.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("running {}", words(command)))?;
    if !output.status.success() {
        bail!(
            "running {}: expected success, found {}",
            words(command),
            output.status
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("reading what {} prints", words(command)))
}

/// Builds the benchmark of the crate `engine` and returns its program.
pub(crate) fn engine_benchmark(root: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["bench", "--package", "engine", "--bench", "cpu", "--no-run"]);
    cargo.arg("--message-format=json-render-diagnostics");
    let messages = output(cargo.current_dir(root))?;
    let executable = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let of_benchmark = message["target"]["name"] == "cpu";
        let path = message["executable"].as_str().filter(|_| of_benchmark)?;
        Some(PathBuf::from(path))
    };
    let found = messages.lines().rev().find_map(executable);
    let path = found.context("building the engine's benchmark: cargo named no program")?;
    ensure!(path.is_file(), "{}: it was not built", path.display());
    Ok(path)
}
