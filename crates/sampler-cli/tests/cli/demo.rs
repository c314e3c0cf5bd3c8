//! The demo pair that the program holds, in folders without any weights.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::networks::{tiny, weights};
use crate::program::{assert_fails, program, program_alone, stderr, stdout, tree, words};

/// Runs the program with nothing but what it holds.
fn alone(folder: &Path, line: &str) -> String {
    let output = program_alone(folder).args(words(line)).output().unwrap();
    assert!(output.status.success(), "{line}: {}", stderr(&output));
    stdout(&output)
}

/// Every file of a run but its log.
fn files(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = tree(run);
    assert!(files.remove("log.jsonl").is_some());
    files
}

#[test]
fn the_embedded_pair_gives_the_bytes_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let line = "sample --neuron fc8:Coat -n 12 --batch 6 --out";
    alone(folder.path(), &format!("{line} embedded"));
    let file = |part: &str| weights().join("fashion").join(part);
    let output = program_alone(folder.path())
        .args(words(&format!("{line} files")))
        .arg("--classifier")
        .arg(file("classifier.safetensors"))
        .arg("--generator")
        .arg(file("generator.safetensors"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let [embedded, from_files] = ["embedded", "files"].map(|run| files(&folder.path().join(run)));
    assert!(embedded.contains_key("run.json") && embedded.len() > 12);
    assert!(embedded.keys().eq(from_files.keys()));
    for (name, bytes) in &embedded {
        assert!(from_files[name] == *bytes, "{name}");
    }

    let page = folder.path().join("embedded/report.html");
    fs::remove_file(&page).unwrap();
    assert!(alone(folder.path(), "verify embedded").contains("all of them hold"));
    alone(folder.path(), "report embedded");
    assert!(fs::read(page).unwrap() == from_files["report.html"]);
}

#[test]
fn the_judge_and_the_real_images_are_in_the_program_too() {
    let folder = tempfile::tempdir().unwrap();
    let line = "compare --neuron fc8:Coat -n 10 --seeds 1 --methods inverse-set,dataset --out";
    alone(folder.path(), &format!("{line} embedded"));
    let output = program(folder.path())
        .args(words(&format!("{line} files")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let [embedded, files] = ["embedded", "files"].map(|out| {
        let path = folder.path().join(out).join("compare.json");
        serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap()
    });
    assert_eq!(embedded["setup"]["judge"]["file"], "judge.safetensors");
    assert_eq!(embedded["setup"]["reference"]["images"], 10_000);
    assert_eq!(embedded["setup"], files["setup"]);
}

/// `fashion` is the tiny pair in the folders here, which knows volcanoes.
#[test]
fn a_folder_of_pairs_is_preferred_to_the_embedded_one() {
    let folder = tempfile::tempdir().unwrap();
    let volcano = "inspect --neuron fc8:volcano";
    let unknown = program_alone(folder.path())
        .args(words(volcano))
        .output()
        .unwrap();
    assert_fails(volcano, &unknown, 2, "volcano");

    let pairs = folder.path().join("weights");
    fs::create_dir_all(pairs.join("fashion")).unwrap();
    for part in ["classifier", "generator"] {
        let to = pairs.join("fashion").join(part);
        fs::copy(tiny(part), to.with_extension("safetensors")).unwrap();
    }
    let inner = folder.path().join("a/b");
    fs::create_dir_all(&inner).unwrap();
    for place in [folder.path(), &inner] {
        alone(place, volcano);
    }
    // What the environment names comes first.
    let named = program(folder.path())
        .args(words(volcano))
        .output()
        .unwrap();
    assert_fails(volcano, &named, 2, "volcano");
}
