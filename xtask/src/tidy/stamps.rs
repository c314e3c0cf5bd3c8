//! Whether the files under `weights/` are those of the manifest.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::manifest::{Manifest, NAME};

/// Every file of the manifest that is missing or has changed, and every
/// network file that the manifest does not know.
pub(super) fn check(weights: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let manifest = Manifest::read(weights)?;
    let mut findings = Vec::new();
    for (name, entry) in &manifest.files {
        let path = weights.join(name);
        if !path.exists() {
            findings.push(format!("weights/{name}: in {NAME}, but missing"));
            continue;
        }
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let found = netfile::sha256(&bytes);
        if found != entry.sha256 {
            findings.push(format!(
                "weights/{name}: expected sha256 {} as in {NAME}, found {found}",
                entry.sha256
            ));
        }
    }
    let names = files
        .iter()
        .filter_map(|file| file.strip_prefix("weights").ok());
    for name in names.filter(|name| name.extension().is_some_and(|e| e == "safetensors")) {
        let name = name.to_string_lossy().replace('\\', "/");
        if !manifest.files.contains_key(&name) {
            findings.push(format!("weights/{name}: not in {NAME}"));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use crate::manifest::Entry;

    use super::*;

    #[test]
    fn stamps() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = Manifest::default();
        for name in ["right", "changed", "missing"] {
            let entry = Entry {
                sha256: netfile::sha256(name.as_bytes()),
                licence: "MIT".into(),
                made: "here".into(),
            };
            manifest.files.insert(name.into(), entry);
        }
        manifest.write(folder.path()).unwrap();
        fs::write(folder.path().join("right"), "right").unwrap();
        fs::write(folder.path().join("changed"), "otherwise").unwrap();
        let tracked = ["weights/new.safetensors", "crates/other.safetensors"].map(PathBuf::from);
        let findings = check(folder.path(), &tracked).unwrap();
        let expected = format!(
            "weights/changed: expected sha256 {} as in {NAME}, found {}",
            netfile::sha256(b"changed"),
            netfile::sha256(b"otherwise")
        );
        let missing = format!("weights/missing: in {NAME}, but missing");
        let new = format!("weights/new.safetensors: not in {NAME}");
        assert_eq!(findings, [expected, missing, new]);
    }
}
