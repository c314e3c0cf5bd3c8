//! What runs tell people and programs while they go on.

use std::path::Path;

use serde_json::Value;

use crate::compare::{TINY_COMPARISON, prepared};
use crate::program::{assert_fails, program, run, stderr, stdout, tree, words};

const SAMPLE: &str = "sample --pair tiny --neuron fc8:volcano=c25..c75 -n 10 --batch 4";
const LEVELS: &str = "levels --pair tiny --neuron fc8:volcano=p5..100000 --levels 2 -n 2";

/// The events of a command that succeeds, and tells nothing else.
pub(crate) fn events(folder: &Path, line: &str) -> Vec<Value> {
    let output = run(folder, line);
    assert!(output.status.success(), "{line}: {}", stderr(&output));
    assert_eq!(stderr(&output), "", "{line}");
    let text = stdout(&output);
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let seconds = |event: &Value| event["seconds"].as_f64().unwrap();
    assert!(events.is_sorted_by_key(seconds), "{text}");
    assert_eq!(events[0]["event"], "started");
    assert_eq!(events[0]["version"], 1);
    assert_eq!(events[events.len() - 1]["event"], "finished");
    events
}

/// Events of one name.
pub(crate) fn named<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["event"] == name)
        .collect()
}

#[test]
fn a_run_tells_programs_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{SAMPLE} --out run");
    let events_of = events(folder.path(), &format!("{line} --json"));
    let started = &events_of[0];
    assert_eq!(started["command"], "sample");
    assert_eq!(started["directory"], "run");
    assert_eq!(started["samples"], 10);
    assert_eq!(started["neurons"][0]["label"]["name"], "volcano");

    let seeds = named(&events_of, "seeds");
    assert!(!seeds.is_empty());
    assert_eq!(seeds[seeds.len() - 1]["least"].as_array().unwrap().len(), 1);
    let batches = named(&events_of, "batch");
    let accepted: Vec<u64> = batches
        .iter()
        .map(|batch| batch["accepted"].as_u64().unwrap())
        .collect();
    assert_eq!(accepted, [4, 8, 10]);
    assert!(batches.iter().all(|batch| batch["wanted"] == 10));
    assert_eq!(named(&events_of, "writing").len(), 1);

    let finished = &events_of[events_of.len() - 1];
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("run/manifest.json")).unwrap())
            .unwrap();
    assert_eq!(finished["samples"], 10);
    assert_eq!(finished["already_finished"], false);
    assert_eq!(
        finished["evaluations_per_sample"],
        manifest["evaluations"]["per_sample"]
    );
    assert_eq!(
        finished["mean_pair_distance"],
        manifest["diversity"]["pair_distance_mean"]
    );
    let total = &manifest["evaluations"]["total"];
    assert_eq!(batches[batches.len() - 1]["evaluations"], *total);

    let again = events(folder.path(), &format!("{line} --json"));
    assert_eq!(again.len(), 2);
    assert_eq!(again[1]["already_finished"], true);
}

#[test]
fn levels_tell_programs_which_was_missed() {
    let folder = tempfile::tempdir().unwrap();
    let events = events(folder.path(), &format!("{LEVELS} --out out --json"));
    assert_eq!(events[0]["command"], "levels");
    assert_eq!(events[0]["levels"], 2);
    let levels = named(&events, "level");
    let indices: Vec<&Value> = levels.iter().map(|level| &level["index"]).collect();
    assert_eq!(indices, [0, 1]);
    let finished = &events[events.len() - 1];
    let [low, high] = &finished["levels"].as_array().unwrap()[..] else {
        panic!("{finished}")
    };
    assert_eq!(low["sampled"]["samples"], 2);
    assert_eq!(low["missed"], Value::Null);
    assert_eq!(low["hi"], levels[1]["neuron"]["lo"]);
    assert_eq!(high["sampled"], Value::Null);
    assert!(
        high["missed"]
            .as_str()
            .unwrap()
            .starts_with("reaching fc8:2")
    );
}

#[test]
fn every_event_and_field_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let document = std::fs::read_to_string(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut all = events(folder.path(), &format!("{SAMPLE} --out run --json"));
    all.extend(events(folder.path(), &format!("{LEVELS} --out out --json")));
    // One end is left out, which has to be found.
    let line = "levels --pair tiny --neuron fc8:2 --levels 1 -n 1 --out found --json";
    all.extend(events(folder.path(), line));
    assert_eq!(named(&all, "finding").len(), 2);
    let line = "atlas --pair tiny --neurons fc8:2 -n 1 --out atlas --json";
    all.extend(events(folder.path(), line));
    for event in all {
        let name = event["event"].as_str().unwrap();
        let after = document.split(&format!("\n## `{name}`\n")).nth(1);
        let section = after.unwrap_or_else(|| panic!("no section {name}"));
        let section = section.split("\n## ").next().unwrap();
        for field in event.as_object().unwrap().keys() {
            let common = ["event", "seconds"].contains(&field.as_str());
            assert!(
                common || section.contains(&format!("`{field}`")),
                "{name} says nothing of {field}"
            );
        }
    }
}

#[test]
fn a_quiet_command_tells_people_only_its_results() {
    let folder = prepared();
    let comparison = TINY_COMPARISON.replace("run/", "real/");
    std::fs::rename(folder.path().join("run"), folder.path().join("real")).unwrap();
    for (line, part) in [
        (format!("{SAMPLE} --out run --quiet"), "samples      10\n"),
        (format!("{LEVELS} --out out --quiet"), "level 1 was missed"),
        (
            format!("{comparison} --out compared --quiet"),
            "inverse-set",
        ),
        ("verify run --pair tiny --quiet".into(), "all of them hold"),
        (
            "scan run --pair tiny --neuron fc8:volcano=-100.. --quiet".into(),
            "pictures",
        ),
        (
            "inspect --pair tiny --neuron fc8:volcano --quiet".into(),
            "reached",
        ),
    ] {
        let output = run(folder.path(), &line);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(stderr(&output), "");
        assert!(stdout(&output).contains(part), "{}", stdout(&output));
    }
}

#[test]
fn how_it_is_told_changes_no_byte_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let trees = ["", " --quiet", " --json"].map(|option| {
        let line = format!("{SAMPLE} --out run{option}");
        assert!(run(folder.path(), &line).status.success());
        let mut files = tree(&folder.path().join("run"));
        files.remove("log.jsonl");
        std::fs::remove_dir_all(folder.path().join("run")).unwrap();
        files
    });
    assert!(trees[0] == trees[1] && trees[0] == trees[2]);
}

#[test]
fn a_failure_is_one_line_on_stderr_and_no_finished_event() {
    let folder = tempfile::tempdir().unwrap();
    for (options, status, complaint) in [
        (
            "--neuron fc8:volcano=100000..200000",
            3,
            "the values reached",
        ),
        ("--neuron fc9:1=0..1", 2, "has no layer"),
    ] {
        for output in ["--json", "--quiet", "--json --quiet"] {
            let line = format!("sample --pair tiny {options} --out run {output}");
            let found = run(folder.path(), &line);
            assert_fails(&line, &found, status, complaint);
            assert_eq!(stderr(&found).lines().count(), 1, "{line}");
            let told = stdout(&found);
            assert!(!told.contains("finished"), "{told}");
            assert!(status == 3 || told.is_empty(), "{told}");
        }
    }
}

#[test]
fn what_is_no_terminal_is_sent_no_escapes() {
    let folder = tempfile::tempdir().unwrap();
    for line in [
        format!("{SAMPLE} --out run"),
        format!("{SAMPLE} --out other --json"),
        "verify run".to_owned(),
        "sample --help".to_owned(),
        "sample --sead 1".to_owned(),
    ] {
        let output = program(folder.path())
            .args(words(&line))
            .env("TERM", "xterm-256color")
            .output()
            .unwrap();
        let both = [output.stdout, output.stderr].concat();
        assert!(!both.is_empty(), "{line}");
        assert!(!both.contains(&0x1b), "{line}");
    }
}
