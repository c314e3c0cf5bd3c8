//! Results are changed through `netfile::disk` alone, where tests see every
//! change.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The crates that write results.
const CRATES: [&str; 3] = ["netfile", "inverse-set", "sampler-cli"];

/// Files that may change the file system themselves.
const EXCEPT: [&str; 2] = [
    "crates/netfile/src/disk.rs",
    // A lock is no result, and no crash may keep it.
    "crates/inverse-set/src/lock.rs",
];

/// What changes a file system.
const CHANGES: [&str; 11] = [
    "fs::write(",
    "fs::rename(",
    "fs::remove_",
    "fs::create_dir",
    "fs::copy(",
    "fs::hard_link(",
    "fs::set_permissions(",
    "fs::symlink(",
    "File::create",
    "File::options",
    "OpenOptions",
];

/// Every place that changes files of results on its own.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_checked(file)) {
        let path = root.join(file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let found = changes(&text);
        findings.extend(found.map(|(line, change)| {
            let file = file.display();
            format!("{file}: line {line} uses {change}; change files through netfile::disk")
        }));
    }
    Ok(findings)
}

fn is_checked(file: &Path) -> bool {
    let in_crate = |name| file.starts_with(Path::new("crates").join(name).join("src"));
    let is_test = file.file_name().is_some_and(|name| name == "tests.rs");
    let is_rust = file.extension().is_some_and(|extension| extension == "rs");
    is_rust
        && !is_test
        && CRATES.iter().any(in_crate)
        && !EXCEPT.iter().any(|except| file == Path::new(except))
}

/// Lines before the tests of a file, and what they use.
fn changes(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let code = (1..).zip(text.lines());
    let code = code.take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
    code.filter_map(|(number, line)| {
        let is_ours = |change: &&&str| {
            let at = line.find(**change);
            // `disk::rename` and the like are the ones to be used.
            at.is_some_and(|at| !line[..at].ends_with("disk::"))
        };
        let change = CHANGES.iter().find(is_ours)?;
        Some((number, *change))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_outside_of_tests_are_found() {
        let text = "fn a() {\n    std::fs::write(p, b)?;\n    disk::rename(a, b)?;\n}\n#[cfg(test)]\nmod tests { fn b() { fs::rename(a, b) } }\n";
        let found: Vec<_> = changes(text).collect();
        assert_eq!(found, [(2, "fs::write(")]);
        for (file, expected) in [
            ("crates/inverse-set/src/page/mod.rs", true),
            ("crates/inverse-set/src/directory/tests.rs", false),
            ("crates/netfile/src/disk.rs", false),
            ("crates/netfile/tests/netfile/writing.rs", false),
            ("crates/engine/src/plan.rs", false),
        ] {
            assert_eq!(is_checked(Path::new(file)), expected, "{file}");
        }
    }
}
