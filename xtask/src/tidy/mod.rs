//! `cargo xtask tidy`: rules about the tree that no compiler checks.

mod arrows;
mod dependencies;
mod disk;
mod ptx;
mod sources;
mod stamps;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;

pub(crate) use dependencies::MANIFESTS;

/// Prints everything that breaks a rule, and fails if something does.
pub(crate) fn run(root: &Path) -> Result<()> {
    let files = files(root)?;
    let mut findings = arrows::check(root)?;
    findings.extend(dependencies::check(root)?);
    findings.extend(sources::check(root, &files)?);
    findings.extend(disk::check(root, &files)?);
    findings.extend(stamps::check(&root.join("weights"), &files)?);
    findings.extend(ptx::check(&root.join("kernels"), kernels::MODULES, &files)?);
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    println!("tidy: {} files", files.len());
    Ok(())
}

/// What `cargo metadata` says in a folder.
fn cargo_metadata<T: DeserializeOwned>(folder: &Path, arguments: &[&str]) -> Result<T> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--quiet", "--format-version", "1"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .context("running cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    serde_json::from_slice(&output.stdout).context("reading cargo metadata")
}

/// All files that Git tracks or would track, relative to the root.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("running git ls-files")?;
    ensure!(
        output.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let names = String::from_utf8(output.stdout).context("a file name that is no UTF-8")?;
    let files = names.split_terminator('\0').map(PathBuf::from);
    // The index may name files that have been deleted since.
    Ok(files.filter(|file| root.join(file).exists()).collect())
}
