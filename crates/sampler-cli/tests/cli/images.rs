//! The forms in which images are stored, and going on with a run of each.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::SafeTensors;

use crate::program::{assert_fails, run, stderr, stdout, tree};

const FORMS: [&str; 3] = ["png", "tensor", "none"];

type Files = BTreeMap<String, Vec<u8>>;

/// The command line of a run in that form, into a folder of that name.
fn line(form: &str) -> String {
    format!(
        "sample --pair tiny --neuron fc8:volcano=c25..c75 -n 22 --batch 4 --images {form} --out {form}"
    )
}

/// The files of a finished run; the log is taken away.
fn finished(folder: &Path, form: &str) -> Files {
    let output = run(folder, &line(form));
    assert!(output.status.success(), "{form}: {}", stderr(&output));
    let mut files = tree(&folder.join(form));
    files.remove("log.jsonl");
    files
}

/// A tensor of a run's samples.
fn tensor(files: &Files, name: &str) -> Option<Vec<u8>> {
    let file = SafeTensors::deserialize(&files["samples.safetensors"]).unwrap();
    Some(file.tensor(name).ok()?.data().to_vec())
}

#[test]
fn every_form_holds_the_same_samples() {
    let folder = tempfile::tempdir().unwrap();
    let [png, tensors, none] = FORMS.map(|form| finished(folder.path(), form));
    for name in ["hashes", "activations", "codes", "encodings"] {
        let expected = tensor(&png, name);
        assert!(expected.is_some(), "{name}");
        assert!(tensor(&tensors, name) == expected, "{name}");
        assert!(tensor(&none, name) == expected, "{name}");
    }
    assert!(tensor(&png, "images").is_some());
    assert!(tensor(&png, "images") == tensor(&tensors, "images"));
    assert!(tensor(&none, "images").is_none());

    // Without images, the generator made those of the contact sheet again.
    assert!(png["grid.png"] == tensors["grid.png"] && png["grid.png"] == none["grid.png"]);

    let manifest = |files: &Files| -> serde_json::Value {
        let mut manifest: serde_json::Value =
            serde_json::from_slice(&files["manifest.json"]).unwrap();
        for sample in manifest["samples"].as_array_mut().unwrap() {
            let file = sample.as_object_mut().unwrap().remove("file");
            assert_eq!(file.is_some(), files.contains_key("samples/"));
        }
        manifest
    };
    assert_eq!(manifest(&tensors), manifest(&png));
    assert_eq!(manifest(&none), manifest(&png));
    assert!(png.contains_key("samples/00021.png"));
    assert!(!tensors.contains_key("samples/") && !none.contains_key("samples/"));
}

#[test]
fn the_form_belongs_to_the_run() {
    let folder = tempfile::tempdir().unwrap();
    finished(folder.path(), "none");
    let other = line("png").replace("--out png", "--out none");
    let complaint = "none: holds another run";
    assert_fails("another form", &run(folder.path(), &other), 2, complaint);
    let again = run(folder.path(), &line("none"));
    let told = stdout(&again);
    assert!(told.contains("finished before"), "{told}");
    assert!(
        told.contains("samples.safetensors  codes of 22 images\n"),
        "{told}"
    );
}

/// Runs until a limit on evaluations, after some batches and before others.
fn interrupted(folder: &Path, form: &str, whole: &Files) {
    let manifest: serde_json::Value = serde_json::from_slice(&whole["manifest.json"]).unwrap();
    let limit = (0.8 * manifest["evaluations"]["total"].as_f64().unwrap()) as u64;
    let output = run(folder, &format!("{} --max-evals {limit}", line(form)));
    assert_fails(form, &output, 1, "evaluations");
    let batches = fs::read_dir(folder.join(form).join("batches"))
        .unwrap()
        .count();
    assert!((2..6).contains(&batches), "{form}: {batches} batches");
}

#[test]
fn a_run_of_any_form_goes_on_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for form in FORMS {
        let expected = finished(whole.path(), form);
        interrupted(folder.path(), form, &expected);
        let beyond = folder.path().join(form).join("batches/000077.safetensors");
        fs::write(beyond, "not part of the state").unwrap();
        let found = finished(folder.path(), form);
        assert!(
            found.keys().eq(expected.keys()),
            "{form}: {:?}",
            found.keys()
        );
        for (name, bytes) in &expected {
            assert!(found[name] == *bytes, "{form}: {name}");
        }
    }
}

#[test]
fn a_run_whose_batches_are_spoilt_does_not_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let form = "tensor";
    let whole = finished(folder.path(), form);
    fs::remove_dir_all(folder.path().join(form)).unwrap();
    interrupted(folder.path(), form, &whole);

    let second = folder.path().join("tensor/batches/000001.safetensors");
    fs::write(&second, &whole["batches/000001.safetensors"][..99]).unwrap();
    let complaint = "tensor/batches/000001.safetensors: is damaged (";
    assert_fails("cut off", &run(folder.path(), &line(form)), 2, complaint);

    // The last batch of the whole run has 2 samples, the others 4.
    fs::write(&second, &whole["batches/000005.safetensors"]).unwrap();
    let complaint = "tensor/state.safetensors: is damaged (the batches hold ";
    assert_fails(
        "another batch",
        &run(folder.path(), &line(form)),
        2,
        complaint,
    );

    fs::remove_file(&second).unwrap();
    let complaint = "reading tensor/batches/000001.safetensors: ";
    assert_fails("no batch", &run(folder.path(), &line(form)), 1, complaint);
}
