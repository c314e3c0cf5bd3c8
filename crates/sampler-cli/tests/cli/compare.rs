//! Comparisons of methods on the tiny pair. Its judge is its classifier, and
//! its reference images are samples.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::networks::tiny;
use crate::program::{assert_fails, run, stderr, stdout, tree};

const METHODS: [&str; 11] = [
    "inverse-set",
    "paper",
    "ppgn",
    "ppgn-published",
    "dgn-am",
    "dgn-am-published",
    "activation-max",
    "random",
    "start",
    "dataset",
    "reconstruction",
];

const TWO: &str = "compare --pair tiny --reference run/samples.safetensors \
    --judge judge.safetensors --judge-layer relu7 --batch 4 -n 8 --seeds 2 \
    --neuron fc8:volcano=c25..c75 --neuron fc8:4=p0..p100";

/// A comparison in the folder that is prepared for it.
pub(crate) const TINY_COMPARISON: &str = "compare --pair tiny \
    --reference run/samples.safetensors --judge judge.safetensors --judge-layer relu7 \
    --batch 4 -n 8 --seeds 1 --neuron fc8:volcano=c25..c75 \
    --methods inverse-set,start,dataset,random";

/// A folder with a judge, and 36 images that two neurons have in range.
pub(crate) fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(tiny("classifier"), folder.path().join("judge.safetensors")).unwrap();
    let line = "sample --pair tiny --neuron fc8:volcano=c25..c75 --neuron fc8:4=p0..p100 \
        -n 36 --images tensor --out run";
    let output = run(folder.path(), line);
    assert!(output.status.success(), "{}", stderr(&output));
    folder
}

fn compared(folder: &Path, more: &str) -> String {
    let output = run(folder, &format!("{TWO} {more}"));
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

/// `compare.json` without seconds, which differ from run to run.
fn record(folder: &Path, out: &str) -> Value {
    let bytes = fs::read(folder.join(out).join("compare.json")).unwrap();
    let mut record = serde_json::from_slice(&bytes).unwrap();
    forget_seconds(&mut record);
    record
}

fn forget_seconds(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !key.starts_with("seconds"));
            map.values_mut().for_each(forget_seconds);
        }
        Value::Array(list) => list.iter_mut().for_each(forget_seconds),
        _ => {}
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

#[test]
fn every_method_is_compared_within_the_cost_of_inverse_set() {
    let folder = prepared();
    let folder = folder.path();
    let printed = compared(folder, "--out a");
    assert!(printed.lines().all(|line| line.chars().count() <= 80));
    let record = record(folder, "a");
    assert_eq!(record["setup"]["version"], 2);
    assert_eq!(record["setup"]["reference"]["images"], 36);
    assert_eq!(list(&record["neurons"]).len(), 2);
    for neuron in list(&record["neurons"]) {
        assert_eq!(
            (&neuron["compared"], &neuron["references"]),
            (&8.into(), &18.into())
        );
        let methods = list(&neuron["methods"]);
        let names: Vec<&Value> = methods.iter().map(|method| &method["method"]).collect();
        assert_eq!(names, METHODS);
        for method in methods {
            let runs = list(&method["runs"]).iter().zip(list(&methods[0]["runs"]));
            for (seed, (run, rival)) in runs.enumerate() {
                let case = format!("{}: {run}", method["method"]);
                let number = |key: &str| run[key].as_f64();
                assert_eq!(run["seed"], seed, "{case}");
                assert!(number("found") <= Some(8.0), "{case}");
                assert!(number("in_range") <= number("proposed"), "{case}");
                assert!(
                    number("evaluations") <= rival["evaluations"].as_f64(),
                    "{case}"
                );
                let compared = run["compared"].as_u64().unwrap();
                assert_eq!(run["fidelity"].is_null(), compared <= 5, "{case}");
                assert_eq!(run["diversity"].is_null(), compared <= 1, "{case}");
            }
        }
        assert_eq!(methods[0]["runs"][0]["found"], 8);
        assert!(!methods[0]["runs"][0]["judged"].is_null());
        let picture = folder.join("a").join(neuron["picture"].as_str().unwrap());
        assert_eq!(&fs::read(picture).unwrap()[1..4], b"PNG");
    }
    let csv = fs::read_to_string(folder.join("a/compare.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * 2 * METHODS.len());
    let commas = |line: &str| line.rsplit('"').next().unwrap().matches(',').count();
    let header = commas(csv.lines().next().unwrap());
    assert!(csv.lines().skip(1).all(|line| commas(line) == header));
}

#[test]
fn a_finished_comparison_is_shown_again_and_an_unfinished_one_goes_on() {
    let folder = prepared();
    let folder = folder.path();
    let methods = "--methods inverse-set,random,dataset";
    let printed = compared(folder, &format!("{methods} --threads 1 --out a"));
    let files = tree(&folder.join("a"));
    assert_eq!(
        compared(folder, &format!("{methods} --threads 2 --out a")),
        printed
    );
    assert!(
        tree(&folder.join("a")) == files,
        "a finished comparison was changed"
    );

    let path = folder.join("a/compare.json");
    let mut half: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let whole = record(folder, "a");
    half["neurons"].as_array_mut().unwrap().truncate(1);
    fs::write(&path, serde_json::to_vec(&half).unwrap()).unwrap();
    compared(folder, &format!("{methods} --threads 2 --out a"));
    assert_eq!(record(folder, "a"), whole);

    let other = format!("{TWO} {methods} --seed 1 --out a");
    assert_fails(
        &other,
        &run(folder, &other),
        2,
        "a: holds another comparison",
    );
}

#[test]
fn all_stands_for_every_unit_of_a_layer() {
    let folder = prepared();
    let line = "compare --pair tiny --reference run/samples.safetensors --judge judge.safetensors \
        --judge-layer relu7 --methods dataset --seeds 1 -n 4 --out a --neuron fc8:all=-1e9..1e9";
    let output = run(folder.path(), line);
    assert!(output.status.success(), "{}", stderr(&output));
    let printed = stdout(&output);
    for unit in 0..6 {
        assert!(
            printed.contains(&format!("neuron  fc8:{unit} (")),
            "{printed}"
        );
    }
    assert!(printed.contains("mean over 6 neurons"), "{printed}");
}

#[test]
fn mistakes_are_one_line() {
    let folder = prepared();
    let folder = folder.path();
    fs::create_dir(folder.join("full")).unwrap();
    fs::write(folder.join("full/letter.txt"), "mine").unwrap();
    let judged = "--judge judge.safetensors --judge-layer relu7";
    let real = "--reference run/samples.safetensors";
    let neuron = "--neuron fc8:volcano=c25..c75";
    for (options, complaint) in [
        (format!("{judged} {real}"), "--neuron"),
        (
            format!("{neuron} {judged} {real} --methods inverse-set,ppgm"),
            "method \"ppgm\": expected one of inverse-set, paper, ppgn,",
        ),
        (
            format!("{neuron} {judged} {real} --methods random,inverse-set,random"),
            "random is given twice",
        ),
        (
            format!("{neuron} {neuron} {judged} {real}"),
            "fc8:2 (volcano, id n09472597) is given twice",
        ),
        (
            format!("{neuron} {judged} {real} --methods dataset,random"),
            "random gets what inverse-set spends; add inverse-set",
        ),
        (
            format!("{neuron} {judged} {real} --evals-per-sample 0"),
            "--evals-per-sample 0: expected a number above 0",
        ),
        (
            format!("{neuron} {real}"),
            "there is no judge.safetensors beside the classifier; give --judge",
        ),
        (
            format!("{neuron} {judged}"),
            "there is no reference.safetensors beside the classifier; give --reference",
        ),
        (
            format!("{neuron} {judged} --reference missing.safetensors"),
            "--reference missing.safetensors: there is no such file",
        ),
        (
            format!("{neuron} {judged} --reference judge.safetensors"),
            "judge.safetensors: it has no tensor named images",
        ),
        (
            format!("{neuron} --judge judge.safetensors --judge-layer relu8 {real}"),
            "has no layer \"relu8\"; did you mean",
        ),
        (
            format!("--neuron fc9:all {judged} {real}"),
            "neuron \"fc9:all\": tiny classifier has no layer \"fc9\"",
        ),
        (
            format!("{neuron} {judged} {real} --out full"),
            "writing the results (--out): full: is not empty and holds no comparison",
        ),
    ] {
        let line = format!("compare --pair tiny {options}");
        assert_fails(&line, &run(folder, &line), 2, complaint);
    }
}

#[test]
fn a_range_without_references_leaves_no_directory() {
    let folder = prepared();
    let folder = folder.path();
    let line = "compare --pair tiny --reference run/samples.safetensors \
        --judge judge.safetensors --judge-layer relu7 --neuron fc8:volcano=1e6.. --out b/c";
    let output = run(folder, line);
    assert_eq!(output.status.code(), Some(2));
    let complaint = "error: comparing: fc8:2 (volcano, id n09472597): 0 of the even-numbered \
        reference images lie in 1000000.., expected at least 6";
    let stderr = stderr(&output);
    assert!(
        stderr.lines().last().unwrap().starts_with(complaint),
        "{stderr}"
    );
    assert!(!folder.join("b").exists());
}
