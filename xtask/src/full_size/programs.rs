//! The programs that are run: built here, and PyTorch.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::commands::{succeed, target};

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

/// Has PyTorch write both Caffe files and `reference.safetensors`.
pub(super) fn make_reference(root: &Path, folder: &Path) -> Result<()> {
    let scripts = root.join("tests/full_size");
    let mut python = Command::new(scripts.join("python.sh"));
    succeed(python.arg(scripts.join("make_reference.py")).arg(folder))
}
