//! `cargo xtask long-checks`: what is too slow for CI.

use std::path::Path;

use super::{Check, words};
use crate::tidy::MANIFESTS;

/// All of them; what they write goes to a folder.
pub(super) fn checks(temporary: &Path) -> Vec<Check> {
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
    checks.push(Check {
        name: "command lines of the documentation that take hours, or Slurm".into(),
        commands: vec![words(
            "env DOCS_NEEDS=hours,slurm tests/slurm/cluster.sh cargo test -p tests --test docs",
            &[],
        )],
    });
    checks.extend(interruption(temporary));
    checks.extend(on_simulated_device());
    checks.push(tools());
    checks.push(dependencies());
    checks.extend(["address", "thread"].map(sanitized));
    checks.extend(FUZZ_TARGETS.map(fuzzing));
    checks
}

/// Runs that are killed, and many of them: on one machine and on a cluster.
fn interruption(temporary: &Path) -> [Check; 3] {
    let load = temporary.join("load").display().to_string();
    let killed = "env KILLS=200 cargo test -p sampler-cli --test cli -- a_run_that_is_killed";
    [
        Check {
            name: "a run that is killed 200 times".into(),
            commands: vec![words(killed, &[])],
        },
        Check {
            name: "an atlas on a real Slurm, with tasks killed and a node drained".into(),
            commands: vec![words("tests/slurm/run.sh", &[])],
        },
        Check {
            name: "an atlas of hundreds of neurons in constant time and memory".into(),
            commands: vec![
                words("cargo build --release --package sampler-cli", &[]),
                words(
                    "python3 tests/scale/atlas_load.py target/release/sampler-cli",
                    &[&load],
                ),
            ],
        },
    ]
}

/// The CUDA kernels on the simulated device, in every way to run them there.
fn on_simulated_device() -> [Check; 4] {
    let conformance = "-p engine --test conformance -- cuda_";
    let check = |name: &str, commands: &[&str]| Check {
        name: name.into(),
        commands: commands.iter().map(|command| words(command, &[])).collect(),
    };
    [
        check(
            "conformance of CUDA kernels: compiled and interpreted, three thread orders",
            &[&format!(
                "env CUDA_CONFORMANCE=all cargo test {conformance}"
            )],
        ),
        check(
            "networks and runs on CUDA: compiled and interpreted, three thread orders",
            &["env CUDA_CHECKS=all cargo test -p tests --test cuda"],
        ),
        check(
            "CUDA kernels under the sanitizers for addresses and undefined behaviour",
            &[
                "crates/cuda-sim/sanitize.sh address",
                &format!(
                    "env CUDA_CONFORMANCE=compiled crates/cuda-sim/sanitize.sh address {conformance}"
                ),
            ],
        ),
        check(
            "CUDA kernels under the sanitizer for threads",
            &[
                "crates/cuda-sim/sanitize.sh thread",
                &format!(
                    "env CUDA_CONFORMANCE=compiled crates/cuda-sim/sanitize.sh thread {conformance}"
                ),
            ],
        ),
    ]
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

/// The crates that are not in the toolchain, installed where they are missing.
fn tools() -> Check {
    Check {
        name: "cargo-deny and cargo-fuzz are there".into(),
        commands: vec![words(
            "cargo install --locked --quiet --root target/tools cargo-deny cargo-fuzz",
            &[],
        )],
    }
}

/// Dependencies of every workspace, held to `deny.toml`. Advisories need a
/// database from the network and are left to whoever has one.
fn dependencies() -> Check {
    let deny = |manifest: &str| {
        words(
            "target/tools/bin/cargo-deny --config deny.toml --all-features --manifest-path",
            &[manifest, "check", "licenses", "bans", "sources"],
        )
    };
    Check {
        name: "licences and sources of dependencies".into(),
        commands: MANIFESTS.map(deny).into(),
    }
}

/// Unsafe code and what runs on it, which needs a nightly compiler with rust-src.
fn sanitized(sanitizer: &str) -> Check {
    Check {
        name: format!("kernels of the CPU and mapped files under a sanitizer: {sanitizer}"),
        commands: vec![words("tests/sanitize.sh", &[sanitizer])],
    }
}

/// The fuzz targets of `tests/fuzz`.
const FUZZ_TARGETS: [&str; 12] = [
    "caffemodel",
    "prototxt",
    "onnx",
    "torch",
    "safetensors",
    "labels",
    "network",
    "description",
    "neuron",
    "picture",
    "plan",
    "run_directory",
];

/// Ten minutes of one fuzz target, which needs a nightly compiler.
fn fuzzing(target: &str) -> Check {
    let folders = ["corpus", "seeds"].map(|folder| format!("tests/fuzz/{folder}/{target}"));
    let [corpus, seeds] = &folders;
    let fuzz = "env RUSTUP_TOOLCHAIN=nightly target/tools/bin/cargo-fuzz run --fuzz-dir tests/fuzz";
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
                    "-rss_limit_mb=1024",
                ],
            ),
        ],
    }
}
