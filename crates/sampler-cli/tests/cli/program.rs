//! Running the program and looking at what it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

use crate::networks::weights;

/// The program in a folder of its own, with the pairs of this repository.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = program_alone(folder);
    command.env("INVERSE_SET_WEIGHTS", weights());
    command
}

/// The program in a folder of its own, with no pair but what it holds itself.
pub(crate) fn program_alone(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("sampler-cli").unwrap();
    command
        .current_dir(folder)
        .env_remove("INVERSE_SET_WEIGHTS");
    command
}

/// Runs a command line, split at spaces except within single quotes.
pub(crate) fn run(folder: &Path, line: &str) -> Output {
    program(folder).args(words(line)).output().unwrap()
}

pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts that a run failed with that status and one line which contains
/// `complaint`, besides progress and what a simulated device says.
pub(crate) fn assert_fails(line: &str, output: &Output, status: i32, complaint: &str) {
    let stderr = stderr(output);
    assert_eq!(output.status.code(), Some(status), "{line}: {stderr}");
    let progress = ["sampling ", "seeds: ", "samples: ", "cuda-sim: "];
    let lines = stderr.lines();
    let lines: Vec<&str> = lines
        .filter(|text| !progress.iter().any(|start| text.starts_with(start)))
        .collect();
    assert_eq!(lines.len(), 1, "{line}: {stderr}");
    assert!(lines[0].starts_with("error: "), "{line}: {stderr}");
    assert!(
        lines[0].contains(complaint),
        "{line}: expected {complaint:?} in {stderr}"
    );
}

/// Every file below a folder with its contents, and every folder with none.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if path.is_dir() {
                found.insert(name + "/", Vec::new());
                folders.push(path);
            } else {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
