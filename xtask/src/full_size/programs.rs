//! The programs that are run: built here, and PyTorch.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The release build of the programs that are measured.
pub(super) struct Programs(PathBuf);

impl Programs {
    /// Builds them from the tree at `root`.
    pub(super) fn build(root: &Path) -> Result<Programs> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--release", "-p", "xtask", "-p", "sampler-cli"]);
        succeed(cargo.current_dir(root))?;
        Ok(Programs(target()?.join("release")))
    }

    pub(super) fn xtask(&self) -> PathBuf {
        self.0.join("xtask")
    }

    pub(super) fn sampler(&self) -> PathBuf {
        self.0.join("sampler-cli")
    }
}

/// Where cargo builds: this program lies in `<target>/<profile>`.
pub(super) fn target() -> Result<PathBuf> {
    let program = std::env::current_exe().context("looking for cargo's target folder")?;
    let target = program.ancestors().nth(2);
    Ok(target.context("this program lies in no folder")?.to_owned())
}

/// Has PyTorch write both Caffe files and `reference.safetensors`.
pub(super) fn make_reference(root: &Path, folder: &Path) -> Result<()> {
    let scripts = root.join("tests/full_size");
    let mut python = Command::new(scripts.join("python.sh"));
    succeed(python.arg(scripts.join("make_reference.py")).arg(folder))
}

/// Runs a command to its end.
pub(super) fn succeed(command: &mut Command) -> Result<()> {
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
pub(super) fn words(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
