//! Which crate may use which: the arrows of ARCHITECTURE.md.

use std::path::Path;

use anyhow::Result;
use serde::Deserialize;

/// The crates of this workspace that each of them may use.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("kernels", &[]),
    ("netfile", &[]),
    ("caffemodel", &[]),
    ("cuda-sim", &[]),
    ("sampler", &[]),
    ("engine", &["kernels", "netfile"]),
    ("autograd", &["engine"]),
    ("inverse-set", &["autograd", "engine", "netfile", "sampler"]),
    ("sampler-cli", &["inverse-set"]),
];

/// They may use every crate, and none may use them.
const OUTERMOST: [&str; 2] = ["tests", "xtask"];

/// Only tests may use it.
const FOR_TESTS: &str = "cuda-sim";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `dev` or `build`; absent for an ordinary one.
    kind: Option<String>,
    /// Present where the dependency lies in this repository.
    path: Option<String>,
}

/// Every arrow between our crates that is not allowed.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let metadata: Metadata = super::cargo_metadata(root, &["--no-deps"])?;
    Ok(wrong_arrows(&metadata))
}

fn wrong_arrows(metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|d| d.path.is_some()) {
            let in_tests = dependency.kind.as_deref() == Some("dev");
            if !is_allowed(&package.name, &dependency.name, in_tests) {
                findings.push(format!(
                    "crate {} may not use {}",
                    package.name, dependency.name
                ));
            }
        }
    }
    findings
}

fn is_allowed(user: &str, used: &str, in_tests: bool) -> bool {
    if OUTERMOST.contains(&used) {
        return false;
    }
    if used == FOR_TESTS {
        return in_tests;
    }
    if OUTERMOST.contains(&user) {
        return true;
    }
    // The engine's benchmark measures whole steps, the kernels' measures ops.
    let by_benchmarks = [
        ("engine", "autograd"),
        ("kernels", "engine"),
        ("kernels", "netfile"),
    ];
    if in_tests && by_benchmarks.contains(&(user, used)) {
        return true;
    }
    let row = ALLOWED.iter().find(|(name, _)| *name == user);
    row.is_some_and(|(_, allowed)| allowed.contains(&used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows() {
        let metadata = |user: &str, used: &str, kind: &str| {
            let text = format!(
                r#"{{"packages": [{{"name": "{user}", "dependencies": [
                    {{"name": "serde", "kind": null}},
                    {{"name": "{used}", "kind": {kind}, "path": "/somewhere"}}]}}]}}"#
            );
            serde_json::from_str::<Metadata>(&text).unwrap()
        };
        for (user, used, kind) in [
            ("engine", "netfile", "null"),
            ("inverse-set", "sampler", "null"),
            ("xtask", "caffemodel", "null"),
            ("tests", "sampler-cli", "null"),
            ("tests", "cuda-sim", r#""dev""#),
            ("engine", "cuda-sim", r#""dev""#),
            ("engine", "autograd", r#""dev""#),
            ("kernels", "engine", r#""dev""#),
            ("kernels", "netfile", r#""dev""#),
        ] {
            assert_eq!(wrong_arrows(&metadata(user, used, kind)), [""; 0]);
        }
        for (user, used, kind) in [
            ("netfile", "engine", "null"),
            ("sampler", "netfile", r#""dev""#),
            ("sampler-cli", "engine", "null"),
            ("autograd", "sampler", r#""build""#),
            ("engine", "cuda-sim", "null"),
            ("engine", "autograd", "null"),
            ("kernels", "engine", "null"),
            ("kernels", "autograd", r#""dev""#),
            ("engine", "xtask", r#""dev""#),
            ("xtask", "tests", "null"),
            ("newcomer", "engine", "null"),
        ] {
            assert_eq!(
                wrong_arrows(&metadata(user, used, kind)),
                [format!("crate {user} may not use {used}")]
            );
        }
    }
}
