//! `cargo xtask gpu-checks`: all that can be checked where there is a GPU.

use std::path::Path;

use super::{Check, words};

/// The tools of NVIDIA's compute-sanitizer, which comes with the CUDA toolkit.
const SANITIZERS: [&str; 4] = ["memcheck", "racecheck", "initcheck", "synccheck"];

/// All of them; what they write goes to a folder.
pub(super) fn checks(temporary: &Path) -> Vec<Check> {
    let run = temporary.join("ankle-boots").display().to_string();
    let required = "env REQUIRE_CUDA=1";
    let conformance = "cargo test --package engine --test conformance -- cuda_";
    let mut checks = vec![
        Check {
            name: "every op against its meaning, on the GPU".into(),
            commands: vec![words(&format!("{required} {conformance}"), &[])],
        },
        Check {
            name: "networks and runs on the GPU".into(),
            commands: vec![words(
                &format!("{required} cargo test --package tests --test cuda"),
                &[],
            )],
        },
        Check {
            name: "500 ankle boots from the GPU, looked at again by the verifier".into(),
            commands: vec![
                words(
                    "cargo run --release --package sampler-cli -- sample --device cuda -n 500 --out",
                    &[&run],
                ),
                words(
                    "tests/verify/python.sh tests/verify/verify.py \
                     weights/fashion/classifier.safetensors",
                    &[&run],
                ),
            ],
        },
    ];
    checks.extend(SANITIZERS.map(|tool| {
        let sanitizer =
            format!("compute-sanitizer --tool {tool} --target-processes all --error-exitcode 1");
        Check {
            name: format!("every op under compute-sanitizer's {tool}"),
            commands: vec![words(&format!("{required} {sanitizer} {conformance}"), &[])],
        }
    }));
    checks.push(Check {
        name: "what the kernels take".into(),
        commands: vec![words("cargo bench --package kernels", &[])],
    });
    checks
}
