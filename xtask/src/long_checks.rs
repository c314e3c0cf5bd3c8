//! `cargo xtask long-checks`: what is too slow for CI.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// One check: commands that must all succeed, run from the repository's root.
struct Check {
    name: String,
    commands: Vec<Vec<String>>,
}

fn checks(temporary: &Path) -> Vec<Check> {
    let run = temporary.join("ankle-boots").display().to_string();
    let sample = "cargo run --release --package sampler-cli -- sample -n 500 --neuron";
    let verify = "tests/verify/python.sh tests/verify/verify.py \
                  weights/fashion/classifier.safetensors";
    let judge = "--judge=weights/fashion/judge.safetensors";
    let mut checks = vec![
        Check {
            name: "500 ankle boots, looked at again by the verifier".into(),
            commands: vec![
                words(sample, &["fc8:\"Ankle boot\"=c25..c75", "--out", &run]),
                words(
                    verify,
                    &[&run, judge, "--judge-class=9", "--judge-share=0.85"],
                ),
            ],
        },
        Check {
            name: "CaffeNet and its generator at full size".into(),
            commands: vec![words(
                "cargo run --release --package xtask -- full-size-check",
                &[],
            )],
        },
    ];
    checks.push(bars(&temporary.join("compare").display().to_string()));
    checks.extend((0..10).map(|unit| {
        let run = temporary
            .join(format!("class-{unit}"))
            .display()
            .to_string();
        let neuron = format!("fc8:{unit}=c25..c75");
        Check {
            name: format!("250 samples of fc8:{unit}, looked at again by the verifier"),
            commands: vec![
                words(
                    "cargo run --release --package sampler-cli -- sample -n 250 --neuron",
                    &[&neuron, "--out", &run],
                ),
                words(verify, &[&run]),
            ],
        }
    }));
    checks.push(Check {
        name: "100,000 samples in constant time and memory".into(),
        commands: vec![
            words("cargo build --release --package sampler-cli", &[]),
            words(
                "python3 tests/scale/long_run.py target/release/sampler-cli",
                &[&temporary.join("long").display().to_string()],
            ),
        ],
    });
    checks.extend(FUZZ_TARGETS.map(fuzzing));
    checks
}

/// All methods on all neurons of fc8, held to the bars.
fn bars(directory: &str) -> Check {
    let compare = "cargo run --release --package sampler-cli -- \
                   compare --neuron fc8:all -n 250 --seeds 5 --out";
    Check {
        name: "the bars of diversity and realism".into(),
        commands: vec![
            words(compare, &[directory]),
            words("cargo xtask bars", &[directory]),
        ],
    }
}

/// The fuzz targets of `tests/fuzz`.
const FUZZ_TARGETS: [&str; 5] = ["caffemodel", "prototxt", "onnx", "torch", "network"];

/// Ten minutes of one fuzz target, which needs a nightly compiler and
/// cargo-fuzz.
fn fuzzing(target: &str) -> Check {
    let folders = ["corpus", "seeds"].map(|folder| format!("tests/fuzz/{folder}/{target}"));
    let [corpus, seeds] = &folders;
    let fuzz = "cargo +nightly fuzz run --fuzz-dir tests/fuzz";
    Check {
        name: format!("ten minutes of fuzzing: {target}"),
        commands: vec![
            words("mkdir -p", &[corpus]),
            words(
                fuzz,
                &[
                    target,
                    corpus,
                    seeds,
                    "--",
                    "-max_total_time=600",
                    "-timeout=10",
                ],
            ),
        ],
    }
}

/// A command in words, then arguments that may hold blanks.
fn words(command: &str, arguments: &[&str]) -> Vec<String> {
    let words = command.split_whitespace().chain(arguments.iter().copied());
    words.map(str::to_owned).collect()
}

/// Runs all checks one after another and closes with a table. Fails if one of
/// them failed.
pub(crate) fn run(root: &Path) -> Result<()> {
    let temporary = std::env::temp_dir().join(format!("long-checks-{}", std::process::id()));
    std::fs::create_dir_all(&temporary)
        .with_context(|| format!("creating {}", temporary.display()))?;
    let mut rows = Vec::new();
    for check in checks(&temporary) {
        println!("== {}", check.name);
        let start = Instant::now();
        let done = check
            .commands
            .iter()
            .try_for_each(|command| execute(root, command));
        if let Err(error) = &done {
            println!("{error:#}");
        }
        rows.push((check.name, done.is_ok(), start.elapsed()));
    }
    std::fs::remove_dir_all(&temporary)
        .with_context(|| format!("removing {}", temporary.display()))?;
    report(&rows)
}

fn execute(root: &Path, command: &[String]) -> Result<()> {
    let text = command.join(" ");
    println!("$ {text}");
    let status = Command::new(&command[0])
        .args(&command[1..])
        .current_dir(root)
        .status()
        .with_context(|| format!("running {text}"))?;
    if !status.success() {
        bail!("{text}: {status}");
    }
    Ok(())
}

fn report(rows: &[(String, bool, Duration)]) -> Result<()> {
    println!("\n{:<6} {:>8}  check", "result", "seconds");
    for (name, passed, time) in rows {
        let result = if *passed { "ok" } else { "FAILED" };
        println!("{result:<6} {:>8.1}  {name}", time.as_secs_f64());
    }
    let failed = rows.iter().filter(|(_, passed, _)| !passed).count();
    if failed > 0 {
        bail!("{failed} of {} checks failed", rows.len());
    }
    Ok(())
}
