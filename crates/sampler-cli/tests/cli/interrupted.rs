//! Runs that are killed, interrupted or started twice.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{assert_fails, program, run, stderr, stdout, tree, words};

/// Many small batches: most of the time something is being written.
const VOLCANOES: &str = "sample --pair tiny --neuron fc8:volcano -n 60 --batch 2 --out run --json";

/// Kills per test, unless the environment says otherwise.
const KILLS: usize = 20;

/// The files of a finished run but the log.
fn saved(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = tree(&folder.join("run"));
    files.remove("log.jsonl");
    files
}

/// All below a folder but the logs, which tell times.
pub(crate) fn all_but_logs(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = tree(folder);
    files.retain(|name, _| !name.ends_with("log.jsonl"));
    files
}

pub(crate) fn assert_equal(found: &BTreeMap<String, Vec<u8>>, whole: &BTreeMap<String, Vec<u8>>) {
    assert!(found.keys().eq(whole.keys()), "{:?}", found.keys());
    for (name, bytes) in whole {
        assert!(found[name] == *bytes, "{name} differs");
    }
}

/// Starts a command that goes on while the test does.
pub(crate) fn start(folder: &Path, line: &str, told: &str) -> Child {
    let program = program(folder);
    let mut command = Command::new(program.get_program());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .args(words(line))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(File::create(folder.join(told)).unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The numbers of samples that a command told, one for each batch.
fn accepted(folder: &Path, told: &str) -> Vec<u64> {
    let text = fs::read_to_string(folder.join(told)).unwrap();
    // A line may have been cut off.
    let events = text
        .lines()
        .map_while(|line| serde_json::from_str(line).ok());
    let batches = events.filter(|event: &Value| event["event"] == "batch");
    batches
        .map(|event| event["accepted"].as_u64().unwrap())
        .collect()
}

/// As good as random.
fn next(state: &mut u64) -> f64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1);
    (*state >> 11) as f64 / (1_u64 << 53) as f64
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_as_if_it_was_not() {
    let wanted = std::env::var("KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let whole = tempfile::tempdir().unwrap();
    let began = Instant::now();
    assert!(run(whole.path(), VOLCANOES).status.success());
    let seconds = began.elapsed().as_secs_f64();
    let whole = saved(whole.path());

    let (mut kills, mut state) = (0, 20_261_125);
    while kills < wanted {
        let folder = tempfile::tempdir().unwrap();
        let mut before = 0;
        loop {
            // Half of the time by the command that goes on with what is there.
            let is_there = folder.path().join("run/run.json").exists();
            let line = match is_there && next(&mut state) < 0.5 {
                true => "resume run --json",
                false => VOLCANOES,
            };
            let mut child = start(folder.path(), line, "told");
            thread::sleep(Duration::from_secs_f64(seconds * next(&mut state)));
            let ended = child.try_wait().unwrap();
            if ended.is_none() {
                child.kill().unwrap();
                kills += 1;
            }
            let output = child.wait_with_output().unwrap();
            let accepted = accepted(folder.path(), "told");
            if let Some(&first) = accepted.first() {
                assert!(first > before, "{before} were accepted, and then {first}");
            }
            before = accepted.last().copied().unwrap_or(before);
            if ended.is_some() {
                assert!(output.status.success(), "{}", stderr(&output));
                break;
            }
        }
        assert_equal(&saved(folder.path()), &whole);
    }
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits until a command has told of a batch.
pub(crate) fn wait_for_batch(folder: &Path, told: &str) {
    let began = Instant::now();
    while accepted(folder, told).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "no batch");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_process_at_a_time_works_in_a_directory_and_ctrl_c_leaves_it_to_the_next() {
    let line = VOLCANOES.replace("-n 60", "-n 400");
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path(), &line, "told");
    wait_for_batch(folder.path(), "told");

    for second in [line.as_str(), "resume run"] {
        let output = run(folder.path(), second);
        let who = format!("run: process {} on ", first.id());
        assert_fails(second, &output, 2, &who);
        assert!(
            stderr(&output).contains("works in it"),
            "{}",
            stderr(&output)
        );
    }

    signal(&first, Signal::INT);
    let output = first.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let accepted = *accepted(folder.path(), "told").last().unwrap();
    assert!(accepted < 400, "it was too fast to be interrupted");
    let told = format!(
        "stopped with {accepted} of 400 samples; all that was accepted is saved; go on with sampler-cli resume run\n"
    );
    assert_eq!(stderr(&output), told);
    assert!(!folder.path().join("run/.lock").exists());

    let output = run(folder.path(), "resume run");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("samples      400\n"),
        "{}",
        stdout(&output)
    );
    let whole = tempfile::tempdir().unwrap();
    assert!(run(whole.path(), &line).status.success());
    assert_equal(&saved(folder.path()), &saved(whole.path()));

    let output = run(folder.path(), "resume run");
    assert!(
        stdout(&output).contains("finished before"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_second_signal_ends_at_once() {
    let line = VOLCANOES.replace("-n 60", "-n 4000");
    let folder = tempfile::tempdir().unwrap();
    let child = start(folder.path(), &line, "told");
    wait_for_batch(folder.path(), "told");
    signal(&child, Signal::STOP);
    // Both are there when it wakes up.
    signal(&child, Signal::INT);
    signal(&child, Signal::TERM);
    signal(&child, Signal::CONT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(stderr(&output), "", "it stopped by itself");
}

#[test]
fn levels_go_on_too() {
    let line = "levels --pair tiny --neuron fc8:volcano=p5..p60 --levels 3 -n 40 --out run";
    let folder = tempfile::tempdir().unwrap();
    let child = start(folder.path(), &format!("{line} --json"), "told");
    wait_for_batch(folder.path(), "told");
    signal(&child, Signal::TERM);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).ends_with("; go on with sampler-cli resume run\n"));
    let output = run(folder.path(), "resume run");
    assert!(output.status.success(), "{}", stderr(&output));

    let whole = tempfile::tempdir().unwrap();
    assert!(run(whole.path(), line).status.success());
    let files = |folder: &TempDir| all_but_logs(&folder.path().join("run"));
    assert_equal(&files(&folder), &files(&whole));
}

#[test]
fn what_cannot_be_gone_on_with_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for (line, complaint) in [
        ("resume nowhere", "nowhere: holds no run"),
        ("resume empty", "empty: holds no run"),
    ] {
        assert_fails(line, &run(folder.path(), line), 2, complaint);
    }
    assert!(run(folder.path(), VOLCANOES).status.success());
    let record = folder.path().join("run/run.json");
    let text = fs::read_to_string(&record).unwrap();
    for (from, to, complaint) in [
        ("\"volcano\"", "\"volcan\"", "run: "),
        (
            "\"clamp\": \"",
            "\"clamp\": \"x",
            "is damaged (the unknown clamp",
        ),
        ("\"samples\": 60", "\"samples\": 0", "sampling 0 images"),
        (
            "\"version\": 2",
            "\"version\": 3",
            "run.json: is damaged (version 3",
        ),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        fs::write(&record, changed).unwrap();
        assert_fails(to, &run(folder.path(), "resume run"), 2, complaint);
    }
}
