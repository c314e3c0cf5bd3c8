//! `weights/manifest.toml`: what the files under `weights/` are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The manifest's name within `weights/`.
pub(crate) const NAME: &str = "manifest.toml";

const HEADING: &str =
    "# Written by `cargo xtask convert-weights`, checked by `cargo xtask tidy`.\n\n";

/// The files by their path within `weights/`, with forward slashes.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Manifest {
    pub(crate) files: BTreeMap<String, Entry>,
}

/// What one file is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// SHA-256 in hexadecimal.
    pub(crate) sha256: String,
    /// SPDX expression, with the owner where it is somebody else.
    pub(crate) licence: String,
    /// The command that made it, and what from.
    pub(crate) made: String,
}

impl Manifest {
    /// Reads the manifest of a folder; an empty one where there is none yet.
    pub(crate) fn read(weights: &Path) -> Result<Manifest> {
        let path = weights.join(NAME);
        if !path.exists() {
            return Ok(Manifest::default());
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("reading {}", path.display()))
    }

    /// Writes the manifest of a folder.
    pub(crate) fn write(&self, weights: &Path) -> Result<()> {
        let text = format!("{HEADING}{}", toml::to_string(self)?);
        netfile::replace_file(&weights.join(NAME), text.as_bytes())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), Manifest::default());
        let entry = Entry {
            sha256: "00".into(),
            licence: "MIT".into(),
            made: "by \"hand\"".into(),
        };
        let manifest = Manifest {
            files: [("tiny/a.safetensors".into(), entry)].into(),
        };
        manifest.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), manifest);
    }
}
