//! Levels of a neuron.

use std::fs;

use serde_json::Value;

use crate::program::{assert_fails, run, stderr, stdout, tree};
use crate::sample::assert_holds;

fn record(folder: &tempfile::TempDir, out: &str) -> Value {
    let path = folder.path().join(out).join("levels.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_level_is_a_run_and_they_are_adjacent_up_to_the_highest() {
    let folder = tempfile::tempdir().unwrap();
    let line = "levels --pair tiny --neuron fc8:volcano --levels 3 -n 4 --out out";
    let output = run(folder.path(), line);
    assert!(output.status.success(), "{}", stderr(&output));
    let table = stdout(&output);
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    assert!(folder.path().join("out/levels.png").exists());

    let found = record(&folder, "out");
    let levels = found["levels"].as_array().unwrap();
    assert_eq!(levels.len(), 3);
    assert_eq!(levels[0]["hi"], levels[1]["lo"]);
    assert_eq!(levels[1]["hi"], levels[2]["lo"]);
    let highest = found["span"]["hi"].as_f64().unwrap();
    assert!((levels[2]["hi"].as_f64().unwrap() - highest).abs() < 1e-3);
    assert!(found["span"]["evaluations"].as_f64().unwrap() <= 200.0);
    for (index, level) in levels.iter().enumerate() {
        if level["missed"].is_null() {
            assert_eq!(level["samples"], 4);
            assert_holds(&folder.path().join(format!("out/level-{index:03}")), 4);
        }
    }

    let before = tree(folder.path());
    let again = run(folder.path(), line);
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(stdout(&again), table);
    assert!(tree(folder.path()) == before);
}

#[test]
fn without_quantiles_the_lowest_level_is_that_of_starting_images() {
    let folder = tempfile::tempdir().unwrap();
    let line = "levels --pair tiny --neuron relu6:1=..1.75 --levels 2 -n 2 --out out";
    let output = run(folder.path(), line);
    assert!(output.status.success(), "{}", stderr(&output));
    let found = record(&folder, "out");
    assert_eq!(found["span"]["hi"], 1.75);
    assert_eq!(found["span"]["evaluations"], 50.0);
}

#[test]
fn a_level_out_of_reach_is_told_and_the_others_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let line = "levels --pair tiny --neuron fc8:volcano=p5..100000 --levels 2 -n 2 --out out";
    let output = run(folder.path(), line);
    assert!(output.status.success(), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(
        told.contains("level 1 was missed: reaching fc8:2 (volcano"),
        "{told}"
    );
    let found = record(&folder, "out");
    assert_eq!(found["levels"][0]["samples"], 2);
    assert_eq!(found["levels"][1]["samples"], 0);
    assert!(!folder.path().join("out/level-001").exists());
}

#[test]
fn mistakes_are_one_line_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), b"").unwrap();
    let before = tree(folder.path());
    for (options, status, complaint) in [
        (
            "--neuron fc8:2=100000..200000 --levels 2 -n 2",
            3,
            "reaching fc8:2",
        ),
        ("--neuron fc8:2=5..1", 2, "lies above"),
        ("--neuron fc8:2=1000000..", 2, "into 8 levels"),
        ("--neuron fc9:2", 2, "has no layer \"fc9\""),
        ("--neuron fc8:2 --levels 0", 2, "from 1 to 100"),
        ("--neuron fc8:2 --out file", 1, "file"),
        ("", 2, "--neuron <NEURON>"),
    ] {
        let line = format!("levels {options} --pair tiny");
        let mut output = run(folder.path(), line.replace("  ", " ").trim());
        let progress = |line: &&str| !line.starts_with("level ") && !line.starts_with("finding ");
        let told = stderr(&output);
        output.stderr = told
            .lines()
            .filter(progress)
            .collect::<Vec<_>>()
            .join("\n")
            .into();
        assert_fails(&line, &output, status, complaint);
        assert!(tree(folder.path()) == before, "{line}");
    }
}
