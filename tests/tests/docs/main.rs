//! Every command line of the documentation does what a reader expects of it:
//! it succeeds, in a copy of this repository, after those above it in its file.
//!
//! A line that not every machine can run is marked, `# needs: hours` behind it
//! or as ` ```sh needs: hours` for a whole block; `DOCS_NEEDS=hours,slurm` runs
//! lines with these marks too, as `cargo xtask long-checks` does.

mod extract;
mod workplace;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use extract::{Line, Needs};
use tests::root;
use workplace::Workplace;

/// What CI runs by itself, which would take too long once more or never end:
/// each must be a step of `.ci/run`.
const STEPS_OF_CI: [&str; 7] = [
    "cargo fmt --all --check",
    "cargo clippy --workspace --all-targets -- -D warnings",
    "cargo xtask ptx --check",
    "cargo test --workspace",
    "env RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps",
    "cargo xtask count-instructions",
    "tests/slurm/run.sh",
];

/// What `cargo xtask long-checks` runs by itself, and it itself.
const LONG_CHECKS: [&str; 2] = ["cargo xtask long-checks", "cargo xtask full-size-check"];

const INSTALL: &str = "cargo install --locked --path crates/sampler-cli";

/// What becomes of a line.
#[derive(Debug, PartialEq)]
enum Fate {
    /// Typed, with the programs of this build in place of cargo.
    Run(String),
    /// Not run: looked up that something else does.
    Held,
    /// Marked with what this machine is not said to have.
    Exempt,
}

/// # Errors
/// Says what is wrong with a line that cannot be run in a test.
fn fate(line: &Line, present: &[Needs]) -> Result<Fate, String> {
    let command = line.command.as_str();
    if STEPS_OF_CI.contains(&command) {
        let ci = fs::read_to_string(root().join(".ci/run")).map_err(|error| error.to_string())?;
        return match ci.lines().any(|step| step == format!("step {command}")) {
            true => Ok(Fate::Held),
            false => Err("it is no step of .ci/run".to_owned()),
        };
    }
    if LONG_CHECKS.contains(&command) {
        return match line.needs {
            Some(Needs::Hours) => Ok(Fate::Held),
            _ => Err("it takes long; mark it with needs: hours".to_owned()),
        };
    }
    if command == ".ci/run" && root().join(command).is_file() {
        return Ok(Fate::Held);
    }
    if let Some(part) = command.strip_prefix("cargo test -p ") {
        return part_of_tests(part).map(|()| Fate::Held);
    }
    // Building once more takes minutes: only where there are hours.
    if command == INSTALL && !present.contains(&Needs::Hours) {
        let path = root().join("crates/sampler-cli/src/main.rs");
        return match path.is_file() && root().join("Cargo.lock").is_file() {
            true => Ok(Fate::Held),
            false => Err("there is no program to install".to_owned()),
        };
    }
    match line.needs {
        Some(needs) if present.contains(&needs) => Ok(Fate::Run(command.to_owned())),
        Some(_) => Ok(Fate::Exempt),
        None => as_built(command).map(Fate::Run),
    }
}

/// Looks up that a package, and the test target that may be named after it, is a
/// part of `cargo test --workspace`.
fn part_of_tests(words: &str) -> Result<(), String> {
    let mut words = words.split_whitespace();
    let package = words.next().unwrap_or_default();
    let folders = [root().join("crates").join(package), root().join(package)];
    let folder = folders
        .iter()
        .find(|path| path.join("Cargo.toml").is_file());
    let folder = folder.ok_or_else(|| format!("there is no package {package}"))?;
    if words.next() != Some("--test") {
        return Ok(());
    }
    let test = folder.join("tests").join(words.next().unwrap_or_default());
    match test.join("main.rs").is_file() || test.with_extension("rs").is_file() {
        true => Ok(()),
        false => Err(format!("{package} has no such test")),
    }
}

/// A line with cargo's words replaced by the programs that are built already.
///
/// # Errors
/// Names a line that builds something else.
fn as_built(command: &str) -> Result<String, String> {
    let sampler = "cargo run --release -p sampler-cli";
    if command == sampler {
        return Ok("sampler-cli".to_owned());
    }
    let replaced = [
        (sampler, " -- ", "sampler-cli"),
        ("cargo xtask", " ", "xtask"),
    ]
    .iter()
    .find_map(|(words, between, program)| {
        let arguments = command.strip_prefix(words)?.strip_prefix(between)?;
        Some(format!("{program} {arguments}"))
    });
    match replaced {
        Some(replaced) => Ok(replaced),
        None if command.contains("cargo ") && command != INSTALL => Err(
            "it builds something; mark it with what it needs, or add it to the steps of CI".into(),
        ),
        None => Ok(command.to_owned()),
    }
}

/// The kinds that `DOCS_NEEDS` names.
fn present() -> Vec<Needs> {
    let names = env::var("DOCS_NEEDS").unwrap_or_default();
    let names = names.split(',').filter(|name| !name.is_empty());
    let needs = |name| Needs::parse(name).unwrap_or_else(|| panic!("DOCS_NEEDS: {name:?}"));
    names.map(needs).collect()
}

/// Types the lines of one file and gives what went wrong.
fn failures(file: &Path, lines: &[Line], files: &[PathBuf], programs: &Path) -> Vec<String> {
    let present = present();
    let mut workplace = None;
    let mut failures = Vec::new();
    for line in lines {
        let place = format!("{}:{}: {}", file.display(), line.number, line.command);
        let command = match fate(line, &present) {
            Ok(Fate::Run(command)) => command,
            Ok(Fate::Held | Fate::Exempt) => continue,
            Err(what) => {
                failures.push(format!("{place}: {what}"));
                continue;
            }
        };
        let workplace = workplace.get_or_insert_with(|| Workplace::new(files, programs));
        let start = Instant::now();
        let output = workplace.run(&command);
        println!("{:5.1} s  {place}", start.elapsed().as_secs_f64());
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            failures.push(format!("{place}: {}\n{said}", output.status));
        }
    }
    failures
}

#[test]
fn every_command_line_of_the_documentation_succeeds() {
    let programs = workplace::build();
    let files = workplace::files();
    let documents = files
        .iter()
        .filter(|file| file.extension() == Some("md".as_ref()));
    let mut wrong = Vec::new();
    let mut count = 0;
    for document in documents {
        let text = fs::read_to_string(root().join(document)).unwrap();
        match extract::lines(&text) {
            Ok(lines) => {
                count += lines.len();
                wrong.extend(failures(document, &lines, &files, &programs));
            }
            Err(error) => wrong.push(format!("{}:{error}", document.display())),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(count > 0, "no command line was found");
}

#[test]
fn lines_are_run_held_or_exempt() {
    let fate = |command: &str, needs| {
        let line = Line {
            number: 1,
            command: command.to_owned(),
            needs,
        };
        fate(&line, &[Needs::Slurm])
    };
    let run = |command: &str| Ok(Fate::Run(command.to_owned()));
    assert_eq!(
        fate("cargo run --release -p sampler-cli", None),
        run("sampler-cli")
    );
    assert_eq!(
        fate("cargo run --release -p sampler-cli -- inspect", None),
        run("sampler-cli inspect")
    );
    assert_eq!(fate("cargo xtask tidy", None), run("xtask tidy"));
    assert_eq!(fate("ls | wc", None), run("ls | wc"));
    assert_eq!(fate("srun ls", Some(Needs::Slurm)), run("srun ls"));
    assert_eq!(fate("ls", Some(Needs::Gpu)), Ok(Fate::Exempt));
    assert_eq!(fate("cargo test --workspace", None), Ok(Fate::Held));
    assert!(
        fate("cargo test", None)
            .unwrap_err()
            .contains("builds something")
    );
    assert!(fate("cargo xtask long-checks", None).is_err());
    assert_eq!(
        fate("cargo test -p tests --test docs", None),
        Ok(Fate::Held)
    );
    assert!(fate("cargo test -p tests --test doc", None).is_err());
    assert!(fate("cargo test -p test", None).is_err());
}
