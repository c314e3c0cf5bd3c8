//! `cargo xtask count-instructions`: what a step of the demo pair costs, without
//! a stopwatch.
//!
//! Callgrind counts the instructions of the engine's benchmark as it makes one
//! step, and two; the difference is one step's. On the AVX2 path, because
//! Valgrind knows no AVX-512.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::commands::{engine_benchmark, output, words};

/// Where the count is kept, relative to the root.
const RECORD: &str = "crates/engine/benches/instructions.toml";

const HEADING: &str = "\
# Instructions of one step of the demo pair, 10 codes, one thread, AVX2, as
# callgrind counts them. Written by `cargo xtask count-instructions --record`,
# held by `cargo xtask count-instructions`.

";

/// How many times more instructions than recorded are too many.
const WORSE: f64 = 1.05;

/// What the file holds.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// The compiler, which has its share in the count.
    compiler: String,
    instructions: u64,
}

/// Counts, and holds the count to the recorded one or records it.
///
/// # Errors
/// Fails if there are too many, or if Valgrind cannot be run.
pub(crate) fn run(root: &Path, record: bool) -> Result<()> {
    let benchmark = engine_benchmark(root)?;
    let [one, two] = [1, 2].map(|steps| count(root, &benchmark, steps));
    let (one, two) = (one?, two?);
    ensure!(two > one, "two steps took {two} instructions, one {one}");
    let found = Record {
        compiler: output(Command::new("rustc").arg("--version"))?
            .trim()
            .into(),
        instructions: two - one,
    };
    println!("{} instructions in a step", found.instructions);
    let path = root.join(RECORD);
    let trouble = || path.display().to_string();
    if record {
        let text = format!("{HEADING}{}", toml::to_string(&found)?);
        return fs::write(&path, text).with_context(trouble);
    }
    let recorded: Record =
        toml::from_str(&fs::read_to_string(&path).with_context(trouble)?).with_context(trouble)?;
    let ratio = found.instructions as f64 / recorded.instructions as f64;
    println!(
        "{ratio:.4} times the recorded {} ({})",
        recorded.instructions, recorded.compiler
    );
    if ratio > WORSE {
        bail!(
            "expected at most {WORSE} times the recorded instructions, found {ratio:.4}; \
             if the step does more than it did, or the compiler is another ({}), \
             record with `cargo xtask count-instructions --record` and say why",
            found.compiler
        );
    }
    Ok(())
}

/// Instructions of a process that loads the demo pair and makes some steps.
fn count(root: &Path, benchmark: &Path, steps: usize) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(benchmark).arg("--pair");
    valgrind.arg(root.join("weights/fashion"));
    valgrind.args(["--k", "10", "--threads", "1", "--instructions", "avx2"]);
    valgrind.args(["--steps", &steps.to_string()]);
    let run = valgrind.output().with_context(|| {
        format!(
            "running {}; Valgrind is in Debian's package of that name",
            words(&valgrind)
        )
    })?;
    let said = String::from_utf8_lossy(&run.stderr);
    ensure!(run.status.success(), "{}: {said}", words(&valgrind));
    let counted = said.lines().find_map(|line| {
        let (_, count) = line.split_once("Collected : ")?;
        count.trim().parse().ok()
    });
    counted.with_context(|| format!("expected a count of instructions, found {said}"))
}
