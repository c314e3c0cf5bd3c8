//! Searching pixels, and measuring distances by pixels or by another network.

use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::networks::tiny;
use crate::program::{assert_fails, run, stderr, stdout, tree};
use crate::sample::assert_holds;

const VOLCANO: &str = "--neuron fc8:volcano=c25..c75 -n 6 --batch 4 --seed 7";

/// A folder with the tiny classifier as another network.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(tiny("classifier"), folder.path().join("other.safetensors")).unwrap();
    folder
}

fn record(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("run.json")).unwrap()).unwrap()
}

/// A tensor of a run's samples as numbers.
fn floats(run: &Path, name: &str) -> Vec<f32> {
    let bytes = fs::read(run.join("samples.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (values, _) = file.tensor(name).unwrap().data().as_chunks();
    values.iter().copied().map(f32::from_le_bytes).collect()
}

fn pixels(run: &Path) -> Vec<f32> {
    let bytes = fs::read(run.join("samples.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let images = file.tensor("images").unwrap();
    images
        .data()
        .iter()
        .map(|&b| f32::from(b) / 255.0)
        .collect()
}

/// Options, what `run.json` says of space and encoder, what is printed of them.
fn modes() -> Vec<(&'static str, Value, Value, [&'static str; 2])> {
    let code = json!("code");
    let pixels = json!({ "pixels": { "mean": 0.5, "std": 0.25 } });
    let other = json!({ "network": {
        "layer": "conv3",
        "name": "tiny classifier",
        "file": "other.safetensors",
        "sha256": "that of the classifier",
    } });
    vec![
        (
            "--pair tiny --encoder fc7",
            code.clone(),
            json!("fc7"),
            ["codes of tiny generator\n", " in fc7\n"],
        ),
        (
            "--pair tiny --distance pixels",
            code.clone(),
            json!({ "pixels": {} }),
            ["codes of tiny generator\n", " in pixels\n"],
        ),
        (
            "--pair tiny --encoder other.safetensors:conv3",
            code,
            other.clone(),
            [
                "codes of tiny generator\n",
                " in conv3 of tiny classifier (other.safetensors)\n",
            ],
        ),
        (
            "--pair tiny --space pixels",
            pixels.clone(),
            json!("relu6"),
            ["searched     pixels\n", " in relu6\n"],
        ),
        (
            "--classifier other.safetensors --space pixels --encoder other.safetensors:conv3",
            pixels.clone(),
            other,
            [
                "searched     pixels\n",
                " in conv3 of tiny classifier (other.safetensors)\n",
            ],
        ),
        (
            "--classifier other.safetensors --space pixels --distance pixels --images none",
            pixels,
            json!({ "pixels": {} }),
            ["searched     pixels\n", " in pixels\n"],
        ),
    ]
}

#[test]
fn each_mode_is_recorded_and_gives_the_same_bytes_however_it_runs() {
    for (options, space, encoder, printed) in modes() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        let line = |more: &str| format!("sample {VOLCANO} {options} {more}");
        let output = run(folder.path(), &line("--threads 1 --out one"));
        assert!(output.status.success(), "{options}: {}", stderr(&output));
        let out = stdout(&output);
        for part in printed {
            assert!(out.contains(part), "{options}: {part:?} is not in {out}");
        }
        let mut found = record(&at("one"));
        let sha256 = found["classifier"]["sha256"].clone();
        if let Some(network) = found["encoder"].get_mut("network") {
            assert_eq!(network["sha256"], sha256);
            network["sha256"] = "that of the classifier".into();
        }
        assert_eq!((&found["space"], &found["encoder"]), (&space, &encoder));
        assert_eq!(found["generator"].is_null(), space != json!("code"));
        let one = without_log(&at("one"));

        let output = run(folder.path(), &line("--threads 2 --out two"));
        assert!(output.status.success(), "{options}: {}", stderr(&output));
        assert!(without_log(&at("two")) == one, "{options}: 2 threads");

        // Enough for the first batch and not for the second.
        let spent = total_evaluations(&at("one")) as u64;
        let output = run(
            folder.path(),
            &line(&format!("--max-evals {} --out resumed", spent - 2)),
        );
        assert_fails(options, &output, 1, "evaluations");
        let output = run(folder.path(), &line("--out resumed"));
        assert!(output.status.success(), "{options}: {}", stderr(&output));
        assert!(without_log(&at("resumed")) == one, "{options}: resumed");
    }
}

fn without_log(run: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut files = tree(run);
    files.remove("log.jsonl").unwrap();
    files
}

fn total_evaluations(run: &Path) -> f64 {
    let manifest = fs::read(run.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["evaluations"]["total"].as_f64().unwrap()
}

#[test]
fn in_pixel_space_codes_are_the_images_before_they_are_rounded() {
    let folder = folder();
    let line = format!("sample {VOLCANO} --pair tiny --space pixels --distance pixels --out run");
    let output = run(folder.path(), &line);
    assert!(output.status.success(), "{}", stderr(&output));
    let at = folder.path().join("run");
    assert_holds(&at, 6);
    let (codes, images) = (floats(&at, "codes"), pixels(&at));
    assert_eq!(codes.len(), images.len());
    let half = 0.5 / 255.0 + 1e-6;
    assert!(
        codes
            .iter()
            .zip(&images)
            .all(|(a, b)| (a - b).abs() <= half)
    );
    assert_eq!(floats(&at, "encodings"), images);
}

/// The same layer of the same weights, once in the classifier and once in
/// another file, is the same encoder.
#[test]
fn another_network_encodes_as_the_classifier_does() {
    let folder = folder();
    let [own, other] = ["relu6", "other.safetensors:relu6"].map(|encoder| {
        let out = encoder.replace([':', '.'], "-");
        let line = format!("sample {VOLCANO} --pair tiny --encoder {encoder} --out {out}");
        let output = run(folder.path(), &line);
        assert!(output.status.success(), "{}", stderr(&output));
        let at = folder.path().join(out);
        assert_holds(&at, 6);
        [floats(&at, "encodings"), floats(&at, "codes")]
    });
    for (own, other) in own.iter().zip(&other) {
        assert_eq!(own.len(), other.len());
        // The gradients are added in another order.
        let apart = own.iter().zip(other).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-2);
    }
}

#[test]
fn another_encoder_does_not_go_on_with_a_run() {
    let folder = folder();
    let line = format!("sample {VOLCANO} --out run --pair tiny");
    assert!(run(folder.path(), &line).status.success());
    for other in [
        "--encoder fc7",
        "--encoder other.safetensors:relu6",
        "--distance pixels",
        "--space pixels",
    ] {
        let output = run(folder.path(), &format!("{line} {other}"));
        assert_fails(other, &output, 2, "run: holds another run");
    }
}

#[test]
fn mistakes_are_refused() {
    let folder = folder();
    let judge = tiny("../fashion/judge");
    fs::copy(judge, folder.path().join("judge.safetensors")).unwrap();
    let before = tree(folder.path());
    for (options, complaint) in [
        (
            "--pair tiny --encoder other.safetensors:fc9",
            r#"choosing the encoder: tiny classifier has no layer "fc9"; did you mean"#,
        ),
        (
            "--pair tiny --encoder nonesuch.safetensors:fc6",
            "--encoder nonesuch.safetensors: there is no such file",
        ),
        (
            "--pair tiny --encoder judge.safetensors:pool6",
            "choosing the encoder: fashion judge takes images of 1x32x32, expected 3x17x15 as",
        ),
        ("--pair tiny --encoder :fc6", "expected LAYER or FILE:LAYER"),
        ("--pair tiny --encoder x:", "expected LAYER or FILE:LAYER"),
        (
            "--pair tiny --distance pixels --encoder fc6",
            "--encoder with --distance pixels",
        ),
        (
            "--pair tiny --distance code",
            "[possible values: encoder, pixels]",
        ),
        (
            "--pair tiny --space images",
            "[possible values: code, pixels]",
        ),
        (
            "--classifier other.safetensors",
            "--classifier other.safetensors: no generator; add --generator FILE, or",
        ),
        (
            "--classifier other.safetensors --generator a --space pixels",
            "--generator with --space pixels",
        ),
    ] {
        let line = format!("sample {VOLCANO} --out run {options}");
        assert_fails(&line, &run(folder.path(), &line), 2, complaint);
        assert!(tree(folder.path()) == before, "{line}");
    }
}

#[test]
fn a_classifier_alone_can_be_inspected() {
    let folder = folder();
    let output = run(folder.path(), "inspect --classifier other.safetensors");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("classifier: tiny classifier"));
    assert!(!stdout(&output).contains("generator:"));
}

#[test]
fn an_empty_intersection_says_what_came_nearest() {
    let folder = folder();
    for options in ["-n 1", "-n 30", "-n 30 --max-evals 1000"] {
        let line = format!(
            "sample --pair tiny --neuron fc8:volcano=p90.. --neuron fc8:volcano=..p10 --out run {options}"
        );
        let output = run(folder.path(), &line);
        assert_fails(&line, &output, 3, "no image did in ");
        let message = stderr(&output);
        for part in [
            "; with fc8:2 (volcano, id n09472597) at ",
            " in range, fc8:2 (volcano, id n09472597) was at ",
            ", not in ",
            "nearest to all ranges came fc8:2 at ",
            "widen a range",
        ] {
            assert!(message.contains(part), "{part:?} is not in {message}");
        }
    }
}
