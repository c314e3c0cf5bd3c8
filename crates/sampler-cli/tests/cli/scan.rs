//! Scans of folders and of files of pictures.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::networks::tiny;
use crate::program::{assert_fails, run, stderr, stdout, tree};

const SAMPLE: &str =
    "sample --pair tiny --neuron fc8:volcano=c25..c75 -n 6 --batch 3 --seed 7 --out run";

/// A folder with the run of [`SAMPLE`].
fn sampled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), SAMPLE);
    assert!(output.status.success(), "{}", stderr(&output));
    folder
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The activations of a list of pictures, in increasing order.
fn activations(list: &Value) -> Vec<f64> {
    let list = list.as_array().unwrap().iter();
    let mut values: Vec<f64> = list
        .map(|found| found["activations"][0].as_f64().unwrap())
        .collect();
    values.sort_by(f64::total_cmp);
    values
}

#[test]
fn a_run_s_own_images_are_all_in_range_with_the_same_activations() {
    let folder = sampled();
    let expected = activations(&json(&folder.path().join("run/manifest.json"))["samples"]);
    for (pictures, out) in [("run/samples", "a"), ("run/samples.safetensors", "b")] {
        let line = format!("scan {pictures} --pair tiny --neuron fc8:volcano=c25..c75 --out {out}");
        let output = run(folder.path(), &line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        let stdout = stdout(&output);
        assert!(
            stdout.contains("in range     6 of 6 pictures (100.0 %)"),
            "{stdout}"
        );
        assert!(
            stdout.lines().all(|line| line.chars().count() <= 80),
            "{stdout}"
        );

        let directory = folder.path().join(out);
        let files = tree(&directory);
        assert!(
            files.keys().eq(["grid.png", "scan.csv", "scan.json"]),
            "{:?}",
            files.keys()
        );
        let record = json(&directory.join("scan.json"));
        assert_eq!(activations(&record["found"]), expected);
        let table = String::from_utf8(files["scan.csv"].clone()).unwrap();
        assert_eq!(table.lines().next(), Some("file,fc8:2,in_range"));
        assert_eq!(
            table.lines().filter(|line| line.ends_with(",true")).count(),
            6
        );

        let again = run(folder.path(), &line);
        assert!(again.status.success(), "{}", stderr(&again));
        assert!(tree(&directory) == files);
    }
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_scanned() {
    let folder = sampled();
    let samples = folder.path().join("run/samples");
    fs::write(samples.join("broken.png"), b"no picture").unwrap();
    fs::write(samples.join("notes.txt"), b"no picture").unwrap();
    let line = "scan run --pair tiny --neuron fc8:volcano=1000.. --out run/scan";
    let output = run(folder.path(), line);
    assert!(output.status.success(), "{}", stderr(&output));
    let stdout = stdout(&output);
    // The contact sheet of the run is a picture too.
    for part in [
        "in range     0 of 7 pictures (0.0 %)\n",
        "1 could not be read:\n  samples/broken.png: ",
    ] {
        assert!(stdout.contains(part), "{part:?} is not in {stdout}");
    }
    let directory = folder.path().join("run/scan");
    assert!(tree(&directory).keys().eq(["scan.csv", "scan.json"]));
    let record = json(&directory.join("scan.json"));
    assert_eq!(record["unreadable"][0]["file"], "samples/broken.png");
}

#[test]
fn a_classifier_alone_is_enough() {
    let folder = sampled();
    let classifier = tiny("classifier");
    let line = format!(
        "scan run/samples --classifier '{}' --neuron fc8:volcano=c25..c75",
        classifier.display()
    );
    let output = run(folder.path(), &line);
    assert!(output.status.success(), "{}", stderr(&output));
    let out = stdout(&output);
    assert!(
        out.contains("directory    runs/scan-fc8-2-volcano-"),
        "{out}"
    );
}

#[test]
fn mistakes_are_one_line_and_leave_nothing_behind() {
    let folder = sampled();
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::write(folder.path().join("text"), b"no pictures").unwrap();
    let before = tree(folder.path());
    for (options, complaint) in [
        ("none --neuron fc8:2=0..", "there is no such folder or file"),
        ("empty --neuron fc8:2=0..", "no picture is in it"),
        ("text --neuron fc8:2=0..", "it is no safetensors file"),
        ("run", "--neuron <NEURON>"),
        ("run --neuron fc9:2=0..", "has no layer \"fc9\""),
        ("run --neuron fc8:2=0.. -n 0", "from 1 to 1000"),
        ("run --neuron fc8:2=0.. --out run", "holds no scan.json"),
    ] {
        let line = format!("scan {options} --pair tiny");
        assert_fails(&line, &run(folder.path(), &line), 2, complaint);
    }
    assert!(tree(folder.path()) == before);
}
