//! Where NVIDIA's compilers are: named by variables of the environment, or
//! fetched once from the Python package index into cargo's target folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::commands::{succeed, target};

/// Names another `libnvrtc.so.12` to use.
const NVRTC: &str = "NVRTC_LIBRARY";

/// Names another `ptxas` to use.
const PTXAS: &str = "PTXAS";

/// The wheels for x86-64 Linux with their SHA-256. No others are unpacked.
const REQUIREMENTS: &str = "\
nvidia-cuda-nvrtc-cu12==12.4.127 \
--hash=sha256:a178759ebb095827bd30ef56598ec182b85547f1508941a3d560eb7ea1fbf338
nvidia-cuda-nvcc-cu12==12.4.131 \
--hash=sha256:e4c9a35435c3b0e36c6397c5696334c9ea6650e524736cbd1c5d345ea099bb04
";

/// The compilers' absolute paths.
pub(super) struct Tools {
    /// Makes PTX.
    pub(super) nvrtc: PathBuf,
    /// Makes machine code of PTX.
    pub(super) ptxas: PathBuf,
}

impl Tools {
    /// Finds both; fetches them where one is neither named nor there.
    pub(super) fn find() -> Result<Tools> {
        Ok(Tools {
            nvrtc: tool(NVRTC, "cuda_nvrtc/lib/libnvrtc.so.12")?,
            ptxas: tool(PTXAS, "cuda_nvcc/bin/ptxas")?,
        })
    }
}

fn tool(variable: &str, path: &str) -> Result<PathBuf> {
    if let Some(path) = env::var_os(variable).map(PathBuf::from) {
        return fs::canonicalize(&path)
            .with_context(|| format!("looking for {} of {variable}", path.display()));
    }
    let folder = target()?.join("cuda-12.4");
    if !folder.exists() {
        println!(
            "fetching CUDA's compilers (50 MB) into {}",
            folder.display()
        );
        fetch(&folder).with_context(|| {
            format!(
                "fetching CUDA's compilers for x86-64 Linux from the Python package index; \
                 it needs Python 3 with venv (Debian: python3-venv), \
                 or {NVRTC} and {PTXAS} may name those of CUDA 12.4"
            )
        })?;
    }
    Ok(folder.join("nvidia").join(path))
}

/// Lets pip unpack the wheels, in an environment of its own because Debian's
/// Python comes without pip.
fn fetch(folder: &Path) -> Result<()> {
    let aside = folder.with_extension("aside");
    let requirements = aside.join("requirements.txt");
    let unpacked = aside.join("unpacked");
    succeed(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&aside),
    )?;
    // pip takes hashes from a file only.
    fs::write(&requirements, REQUIREMENTS)
        .with_context(|| format!("writing {}", requirements.display()))?;
    let mut pip = Command::new(aside.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    pip.args(["--no-deps", "--only-binary=:all:", "--require-hashes"]);
    pip.arg("--requirement").arg(&requirements);
    pip.arg("--target").arg(&unpacked);
    succeed(&mut pip)?;
    fs::rename(&unpacked, folder).with_context(|| format!("creating {}", folder.display()))?;
    fs::remove_dir_all(&aside).with_context(|| format!("removing {}", aside.display()))
}
