//! Sizes, names and words of source files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const MAX_LINES: usize = 500;
const EXTENSIONS: [&str; 7] = ["rs", "py", "cu", "cuh", "c", "cpp", "sh"];

/// Names that say nothing of what a module is about.
const NAMELESS: [&str; 6] = ["util", "utils", "helper", "helpers", "common", "misc"];

/// Signs of unfinished work, written in pieces so as not to be found here.
const UNFINISHED: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];

/// Everything that breaks a rule in one of the files.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_source(file)) {
        let path = root.join(file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let found = [nameless(file), too_long(&text)];
        let found = found.into_iter().flatten().chain(unfinished(&text));
        findings.extend(found.map(|finding| format!("{}: {finding}", file.display())));
    }
    Ok(findings)
}

fn is_source(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// Headers that all kernels share may be called so.
fn nameless(file: &Path) -> Option<String> {
    let is_header = file.extension().is_some_and(|extension| extension == "cuh");
    let stem = file.file_stem()?.to_str()?;
    (NAMELESS.contains(&stem) && !is_header)
        .then(|| format!("`{stem}` does not say what the file is about"))
}

fn too_long(text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > MAX_LINES).then(|| format!("{lines} lines, more than {MAX_LINES}; split it"))
}

fn unfinished(text: &str) -> impl Iterator<Item = String> {
    (1..).zip(text.lines()).filter_map(|(number, line)| {
        let word = UNFINISHED.iter().find(|word| line.contains(**word))?;
        Some(format!("line {number} contains {word}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(name: &str, text: &str, expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        let findings = check(folder.path(), &[name.into()]).unwrap();
        assert_eq!(findings, expected);
    }

    #[test]
    fn sources() {
        check_file("pool.rs", "fn pool() {}\n", &[]);
        check_file("common.cuh", "\n", &[]);
        check_file(
            "utils.rs",
            "",
            &["utils.rs: `utils` does not say what the file is about"],
        );
        check_file("long.py", &"\n".repeat(MAX_LINES), &[]);
        check_file(
            "long.py",
            &"\n".repeat(MAX_LINES + 1),
            &["long.py: 501 lines, more than 500; split it"],
        );
        for word in UNFINISHED {
            check_file(
                "late.cu",
                &format!("done\n// {word}\n"),
                &[&format!("late.cu: line 2 contains {word}")],
            );
            check_file("late.md", word, &[]);
        }
    }
}
