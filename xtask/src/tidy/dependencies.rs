//! Licences and sources of dependencies, in every workspace of this repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

/// The workspaces, by their manifests: what builds with stable Rust, the fuzz
/// targets, the step in candle.
pub(crate) const MANIFESTS: [&str; 3] = [
    "Cargo.toml",
    "tests/fuzz/Cargo.toml",
    "tests/peers/candle/Cargo.toml",
];

/// How Cargo calls crates.io, also where another registry stands in for it.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The part of `deny.toml` that is read here.
#[derive(Deserialize)]
struct Rules {
    licenses: Licences,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    /// An SPDX expression; absent where the package says nothing or names a file.
    license: Option<String>,
    /// Absent where the package is a folder.
    source: Option<String>,
    manifest_path: PathBuf,
}

/// Every dependency that is neither in this repository nor from crates.io, or
/// whose licence `deny.toml` does not allow.
///
/// # Errors
/// A lock file that does not fit its manifest is one.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let path = root.join("deny.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let rules: Rules =
        toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let allowed = rules.licenses.allow.iter().map(|text| {
        Licensee::parse(text).with_context(|| format!("{}: licence {text:?}", path.display()))
    });
    let allowed = allowed.collect::<Result<Vec<Licensee>>>()?;
    // As Cargo writes paths.
    let root = &root.canonicalize().context("looking up the repository")?;
    let mut findings = Vec::new();
    for manifest in MANIFESTS {
        let metadata: Metadata =
            super::cargo_metadata(root, &["--locked", "--manifest-path", manifest])
                .with_context(|| format!("looking up what {manifest} depends on"))?;
        let wrong = metadata.packages.iter();
        let wrong = wrong.flat_map(|package| wrong_with(package, root, &allowed));
        findings.extend(wrong.map(|what| format!("{manifest}: {what}")));
    }
    Ok(findings)
}

fn wrong_with(package: &Package, root: &Path, allowed: &[Licensee]) -> Vec<String> {
    let from = match &package.source {
        None if package.manifest_path.starts_with(root) => return Vec::new(),
        None => Some(package.manifest_path.display().to_string()),
        Some(source) if source == CRATES_IO => None,
        Some(source) => Some(source.clone()),
    };
    let from = from.map(|from| format!("comes from {from}, not from crates.io"));
    let found = [from, wrong_licence(package.license.as_deref(), allowed)];
    let found = found.into_iter().flatten();
    found
        .map(|what| format!("{} {} {what}", package.name, package.version))
        .collect()
}

/// What is wrong with a licence, in words that follow the package's name.
fn wrong_licence(licence: Option<&str>, allowed: &[Licensee]) -> Option<String> {
    let Some(licence) = licence else {
        return Some("names no licence".to_owned());
    };
    // Old packages write a slash for OR.
    match Expression::parse_mode(licence, ParseMode::LAX) {
        Err(error) => Some(format!(
            "has the licence {licence:?}, which is no SPDX expression: {}",
            error.reason
        )),
        Ok(expression) => {
            let may = expression.evaluate(|term| allowed.iter().any(|one| one.satisfies(term)));
            (!may).then(|| format!("has the licence {licence:?}, which deny.toml does not allow"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(licence: Option<&str>, source: Option<&str>) -> Package {
        Package {
            name: "name".into(),
            version: "1.0.0".into(),
            license: licence.map(Into::into),
            source: source.map(Into::into),
            manifest_path: "/elsewhere/name/Cargo.toml".into(),
        }
    }

    #[track_caller]
    fn check_package(package: &Package, expected: &[&str]) {
        let allowed = [
            "MIT",
            "Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "Zlib",
        ];
        let allowed = allowed.map(|name| Licensee::parse(name).unwrap());
        let findings = wrong_with(package, Path::new("/repository"), &allowed);
        assert_eq!(findings, expected);
    }

    #[test]
    fn licences() {
        for allowed in [
            "MIT",
            "MIT/Apache-2.0",
            "Apache-2.0 / MIT",
            "GPL-3.0-only OR MIT",
            "(MIT OR LGPL-2.1-or-later) AND Zlib",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            check_package(&package(Some(allowed), Some(CRATES_IO)), &[]);
        }
        for other in [
            "GPL-3.0-or-later",
            "MIT AND MPL-2.0",
            "(MIT OR Zlib) AND LGPL-2.1-or-later",
            "Apache-2.0 WITH Classpath-exception-2.0",
        ] {
            let finding =
                format!("name 1.0.0 has the licence {other:?}, which deny.toml does not allow");
            check_package(&package(Some(other), Some(CRATES_IO)), &[&finding]);
        }
        check_package(
            &package(None, Some(CRATES_IO)),
            &["name 1.0.0 names no licence"],
        );
        check_package(
            &package(Some("MINE"), Some(CRATES_IO)),
            &["name 1.0.0 has the licence \"MINE\", which is no SPDX expression: unknown term"],
        );
    }

    #[test]
    fn sources() {
        for (source, named) in [
            (
                Some("git+https://example.org/name#0"),
                "git+https://example.org/name#0",
            ),
            (
                Some("registry+https://example.org/index"),
                "registry+https://example.org/index",
            ),
            (None, "/elsewhere/name/Cargo.toml"),
        ] {
            check_package(
                &package(Some("MIT"), source),
                &[&format!(
                    "name 1.0.0 comes from {named}, not from crates.io"
                )],
            );
        }
        let ours = Package {
            manifest_path: "/repository/crates/name/Cargo.toml".into(),
            ..package(None, None)
        };
        check_package(&ours, &[]);
    }
}
