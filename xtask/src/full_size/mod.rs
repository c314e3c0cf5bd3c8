//! `cargo xtask full-size-check`: the paper's two networks at their full size,
//! with random weights, from Caffe's files to samples.
//!
//! PyTorch (`tests/full_size`) writes the files and a reference, the converter
//! converts them, the engine is measured against the reference, and the program
//! samples with them.

mod compare;
mod conversion;
mod joined;
mod programs;
mod reference;
mod report;
mod sampling;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use conversion::{CLASSIFIER, Conversion, GENERATOR};
use programs::Programs;
use reference::Reference;
use report::Report;

/// Runs the whole check and closes with a table of figures. Its files (about
/// 2 GB, under the folder that cargo builds in) are removed unless `keep`.
///
/// # Errors
/// Says which program failed, or how many figures are out of bounds.
pub(crate) fn run(root: &Path, keep: bool) -> Result<()> {
    let folder = crate::commands::target()?.join("full-size");
    if folder.exists() {
        remove(&folder)?;
    }
    let mut report = Report::default();
    let done = check(root, &folder, &mut report);
    report.print();
    if keep {
        println!("kept {}", folder.display());
    } else {
        remove(&folder)?;
    }
    done.and_then(|()| report.verdict())
}

fn remove(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))
}

fn check(root: &Path, folder: &Path, report: &mut Report) -> Result<()> {
    let f32_weights = folder.join("weights/caffenet-f32");
    let default_weights = folder.join("weights/caffenet");
    for folder in [&f32_weights, &default_weights] {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let programs = Programs::build(root)?;
    programs::make_reference(root, folder)?;
    for published in [CLASSIFIER, GENERATOR] {
        let conversion = Conversion {
            program: programs.xtask(),
            published,
            input: folder.join(published.file),
        };
        conversion.measured(&network(&f32_weights, published.part), report)?;
        conversion.within_limit(&folder.join("limited.safetensors"), report)?;
        conversion.with_default_types(&network(&default_weights, published.part))?;
    }
    let reference = Reference::open(&folder.join("reference.safetensors"))?;
    for (way, pair) in [
        (compare::DIRECT, &f32_weights),
        (compare::WINOGRAD, &f32_weights),
        (compare::DEFAULT, &default_weights),
    ] {
        compare::with_reference(way, pair, &reference, report)?;
    }
    sampling::check(&programs, folder, &default_weights, &reference, report)
}

/// A network file of a pair.
fn network(pair: &Path, part: &str) -> PathBuf {
    pair.join(part).with_extension("safetensors")
}
