//! Atlases: many neurons, sampled in one process.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::events::{events, named};
use crate::interrupted::{all_but_logs, assert_equal, signal, start, wait_for_batch};
use crate::program::{assert_fails, run, stderr, stdout, tree};

/// Neurons of both kinds: foretold ones, and channels that are not.
pub(crate) const NEURONS: &str =
    "atlas --pair tiny --neurons fc8:all --neurons 'conv5:0..1@max' -n 4 --batch 2";

/// One that is reached and one that cannot be.
const ONE_MISSED: &str = "atlas --pair tiny --neurons fc8:0 --neurons fc8:2=100000..200000 -n 2";

pub(crate) fn done(folder: &Path, line: &str) -> String {
    let output = run(folder, line);
    assert!(output.status.success(), "{line}: {}", stderr(&output));
    stdout(&output)
}

/// The record of the atlas in a directory.
fn record(directory: &Path) -> Value {
    serde_json::from_slice(&fs::read(directory.join("atlas.json")).unwrap()).unwrap()
}

#[test]
fn every_neuron_has_the_run_that_sample_makes() {
    let folder = tempfile::tempdir().unwrap();
    let table = done(folder.path(), &format!("{NEURONS} --out atlas"));
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    assert!(table.contains("neurons    8\n"), "{table}");
    let rows = record(&folder.path().join("atlas"));
    let rows = rows["neurons"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    for (index, neuron) in [(2, "fc8:2"), (7, "conv5:1@max")] {
        let line = format!("sample --pair tiny --neuron {neuron} -n 4 --batch 2 --out {index}");
        done(folder.path(), &line);
        let directory = rows[index]["directory"].as_str().unwrap();
        assert!(
            directory.starts_with(&format!("{index:05}-")),
            "{directory}"
        );
        let found = all_but_logs(&folder.path().join("atlas").join(directory));
        assert_equal(
            &found,
            &all_but_logs(&folder.path().join(index.to_string())),
        );
        assert_eq!(rows[index]["samples"], 4);
    }

    let before = tree(folder.path());
    assert_eq!(
        done(folder.path(), &format!("{NEURONS} --out atlas")),
        table
    );
    assert!(tree(folder.path()) == before);
}

#[test]
fn an_interrupted_atlas_is_gone_on_with() {
    let line = "atlas --pair tiny --neurons fc8:0..2 -n 60 --batch 2 --out run";
    let whole = tempfile::tempdir().unwrap();
    done(whole.path(), line);
    let folder = tempfile::tempdir().unwrap();
    let child = start(folder.path(), &format!("{line} --json"), "told");
    wait_for_batch(folder.path(), "told");
    signal(&child, Signal::TERM);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(told.starts_with("stopped with "), "{told}");
    assert!(
        told.ends_with("; go on with sampler-cli resume run\n"),
        "{told}"
    );
    assert_eq!(record(&folder.path().join("run"))["neurons"], Value::Null);
    let limited = "resume run --max-evals 5";
    let output = run(folder.path(), limited);
    assert_fails(limited, &output, 2, "an atlas keeps its --max-evals");

    done(folder.path(), "resume run");
    let files = |folder: &Path| all_but_logs(&folder.join("run"));
    assert_equal(&files(folder.path()), &files(whole.path()));
}

#[test]
fn a_neuron_out_of_reach_is_recorded_and_not_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{ONE_MISSED} --out atlas");
    let told = done(folder.path(), &line);
    assert!(told.contains("neurons    2, 1 of them missed\n"), "{told}");
    let why = "fc8:2 (volcano, id n09472597) was missed: reaching fc8:2 ";
    assert!(told.contains(why), "{told}");
    let rows = record(&folder.path().join("atlas"))["neurons"].clone();
    assert_eq!(rows[0]["missed"], Value::Null);
    assert_eq!(rows[1]["samples"], 0);
    let why = rows[1]["missed"].as_str().unwrap();
    assert!(why.starts_with("reaching fc8:2"), "{why}");
    let page = fs::read_to_string(folder.path().join("atlas/report.html")).unwrap();
    assert!(page.contains("<b>Missed.</b> reaching fc8:2"), "{page}");

    let before = tree(folder.path());
    for line in [format!("{line} --json"), "resume atlas --json".to_owned()] {
        let events = events(folder.path(), &line);
        assert_eq!(named(&events, "outcome")[1]["missed"], rows[1]["missed"]);
        assert!(named(&events, "seeds").is_empty(), "it was tried again");
        assert!(tree(folder.path()) == before, "{line}");
    }
}

#[test]
fn where_no_neuron_is_reached_the_status_is_3() {
    let folder = tempfile::tempdir().unwrap();
    let line = "atlas --pair tiny --neurons fc8:1..2=100000..200000 -n 2 --out atlas";
    // The second time nothing is tried.
    for line in [line, line, "resume atlas"] {
        let output = run(folder.path(), line);
        assert_fails(line, &output, 3, "none of 2 neurons reached its range");
        assert!(stdout(&output).contains("neurons    2, 2 of them missed\n"));
        assert!(folder.path().join("atlas/report.html").exists());
    }
}

#[test]
fn programs_are_told_of_every_neuron() {
    let folder = tempfile::tempdir().unwrap();
    let events = events(folder.path(), &format!("{ONE_MISSED} --out atlas --json"));
    let started = &events[0];
    assert_eq!(started["command"], "atlas");
    assert_eq!(started["directory"], "atlas");
    assert_eq!([&started["neurons"], &started["samples"]], [2, 2]);
    let begun = named(&events, "neuron");
    let ended = named(&events, "outcome");
    for (index, units) in [0, 2].into_iter().enumerate() {
        assert_eq!([&begun[index]["index"], &begun[index]["of"]], [index, 2]);
        assert_eq!(begun[index]["neuron"]["unit"]["index"], units);
        assert_eq!(ended[index]["index"], index);
    }
    assert_eq!(ended[0]["sampled"]["samples"], 2);
    assert_eq!(ended[1]["sampled"], Value::Null);
    let finished = &events[events.len() - 1];
    for (index, row) in finished["neurons"].as_array().unwrap().iter().enumerate() {
        for field in ["index", "sampled", "missed"] {
            assert_eq!(row[field], ended[index][field], "{field}");
        }
    }
}

#[test]
fn verify_and_report_take_an_atlas() {
    let folder = tempfile::tempdir().unwrap();
    done(
        folder.path(),
        &format!("{ONE_MISSED} --neurons fc8:1 --out atlas"),
    );
    let told = done(folder.path(), "verify atlas");
    assert!(told.contains("all of them hold"), "{told}");

    let before = tree(folder.path());
    let is_page = |name: &&String| name.ends_with("report.html");
    let pages: Vec<&String> = before.keys().filter(is_page).collect();
    // That of the atlas and those of two neurons; the third has no run.
    assert_eq!(pages.len(), 3, "{pages:?}");
    for page in &pages {
        fs::remove_file(folder.path().join(page)).unwrap();
    }
    let told = done(folder.path(), "report atlas");
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(tree(folder.path()) == before);

    let samples = pages[1].replace("report.html", "samples/00000.png");
    let other = samples.replace("00000.png", "00001.png");
    fs::copy(folder.path().join(other), folder.path().join(samples)).unwrap();
    let output = run(folder.path(), "verify atlas");
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
}

#[test]
fn neurons_that_lie_elsewhere_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let line = "atlas --pair tiny --neurons fc8:0..1 -n 2 --out atlas";
    done(folder.path(), &format!("{line} --plan plan.json"));
    done(folder.path(), line);
    let directory = record(&folder.path().join("atlas"))["neurons"][1]["directory"].clone();
    let directory = folder
        .path()
        .join("atlas")
        .join(directory.as_str().unwrap());
    let outside = folder.path().join("outside");
    fs::rename(&directory, &outside).unwrap();
    fs::remove_file(outside.join("manifest.json")).unwrap();
    symlink("../outside", &directory).unwrap();
    let before = tree(&outside);
    for line in [
        line,
        "resume atlas",
        "atlas --run plan.json --shard 1",
        "atlas --merge plan.json",
    ] {
        let output = run(folder.path(), line);
        assert_fails(line, &output, 1, ": is a symbolic link");
        assert!(tree(&outside) == before, "{line}");
    }
}

#[test]
fn mistakes_are_one_line_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    write("bad.txt", b"# two of them\n\nfc8:0\n  fc8:nobody  \n");
    write("none.txt", b"# nothing\n\n");
    write("binary.txt", b"\xff\xfe");
    let before = tree(folder.path());
    for (options, complaint) in [
        ("--neurons bad.txt", "bad.txt, line 4: "),
        ("--neurons none.txt", "none.txt: it names no neuron"),
        ("--neurons binary.txt", "binary.txt: it is no text in UTF-8"),
        (
            "--neurons missing.txt",
            "\"missing.txt\": neither a file nor",
        ),
        ("--neurons fc8:0 --neurons fc8:0..1", "fc8:0"),
        ("--neurons fc8:0..6", "fc8:0..6"),
        ("--neurons fc8:3..1", "3 lies above 1"),
        ("--neurons conv5:all", "conv5:all@max"),
        ("--neurons fc9:all", "no layer \"fc9\""),
        ("--neurons fc8:0 --out bad.txt/atlas", "bad.txt"),
        ("", "--neurons <NEURONS|FILE>"),
    ] {
        let line = format!("atlas {options} --pair tiny").replace("  ", " ");
        let output = run(folder.path(), &line);
        let status = if options.contains("--out") { 1 } else { 2 };
        assert_fails(&line, &output, status, complaint);
        assert!(tree(folder.path()) == before, "{line}");
    }
}
