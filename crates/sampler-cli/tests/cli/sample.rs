//! Runs that succeed, are repeated, or stop half-way.

use std::fs;
use std::path::Path;

use crate::networks::weights;
use crate::program::{assert_fails, program, run, stderr, stdout, tree};

const VOLCANO: &str = "sample --pair tiny --neuron fc8:volcano=c25..c75 -n 10 --batch 4 --seed 7";

#[test]
fn writes_a_run_directory_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), VOLCANO);
    assert!(output.status.success(), "{}", stderr(&output));

    let runs: Vec<String> = fs::read_dir(folder.path().join("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let [name] = &runs[..] else {
        panic!("{runs:?}")
    };
    assert!(
        name.starts_with("fc8-2-volcano-") && name.ends_with("-n10-7"),
        "{name}"
    );

    let stdout = stdout(&output);
    for part in [
        "fc8:2 (volcano, id n09472597)",
        "samples      10\n",
        " per sample\n",
        "seconds ",
        &format!("runs/{name}\n"),
        "grid.png",
        "samples/",
        "manifest.json",
    ] {
        assert!(stdout.contains(part), "{part:?} is not in {stdout}");
    }
    assert!(
        stdout.lines().all(|line| line.chars().count() <= 80),
        "{stdout}"
    );
    assert!(stderr(&output).starts_with("sampling fc8:2 (volcano, id n09472597) in "));

    let directory = folder.path().join("runs").join(name);
    assert_holds(&directory, 10);
}

/// The files of a finished run, and every activation in its range.
pub(crate) fn assert_holds(directory: &Path, samples: usize) {
    let files = tree(directory);
    let json = |name: &str| -> serde_json::Value { serde_json::from_slice(&files[name]).unwrap() };
    let (record, manifest) = (json("run.json"), json("manifest.json"));
    let manifest = manifest["samples"].as_array().unwrap();
    assert_eq!(manifest.len(), samples);
    let mut names: Vec<String> = ["grid.png", "log.jsonl", "manifest.json", "run.json"]
        .into_iter()
        .chain([
            "report.html",
            "samples.safetensors",
            "state.safetensors",
            "batches/",
            "samples/",
        ])
        .map(str::to_owned)
        .collect();
    let neurons = record["neurons"].as_array().unwrap();
    for sample in manifest {
        let file = sample["file"].as_str().unwrap();
        assert!(files[file].starts_with(b"\x89PNG"), "{file}");
        names.push(file.to_owned());
        let activations = sample["activations"].as_array().unwrap();
        assert_eq!(activations.len(), neurons.len());
        for (neuron, activation) in neurons.iter().zip(activations) {
            let range = neuron["lo"].as_f64().unwrap()..=neuron["hi"].as_f64().unwrap();
            assert!(
                range.contains(&activation.as_f64().unwrap()),
                "{file}: {activation}"
            );
        }
    }
    let batches = files
        .keys()
        .filter(|name| name.starts_with("batches/") && !name.ends_with('/'));
    names.extend(batches.cloned());
    names.sort();
    assert!(files.keys().eq(&names), "{:?}", files.keys());
}

#[test]
fn samples_several_neurons_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let line = "sample --pair tiny --neuron fc7:3=p10..p90 --neuron conv5:2@mean=p10..p90 \
                --neuron conv5:5@1,0=p10..p90 -n 3 --batch 2 --out run";
    let output = run(folder.path(), line);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_holds(&folder.path().join("run"), 3);
}

#[test]
fn a_finished_run_is_not_repeated_nor_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{VOLCANO} --out run");
    let first = run(folder.path(), &line);
    assert!(first.status.success(), "{}", stderr(&first));
    let before = tree(folder.path());

    let again = run(folder.path(), &line);
    assert!(again.status.success(), "{}", stderr(&again));
    assert!(
        stdout(&again).contains("finished before"),
        "{}",
        stdout(&again)
    );
    assert!(tree(folder.path()) == before);

    let otherwise = run(folder.path(), &line.replace("fc8:volcano", "fc8:n09472597"));
    assert!(
        stdout(&otherwise).contains("finished before"),
        "{}",
        stderr(&otherwise)
    );

    let other = run(folder.path(), &line.replace("--seed 7", "--seed 8"));
    assert_fails(
        "another seed",
        &other,
        2,
        "writing the results (--out): run: holds another run; choose another directory",
    );
    assert!(tree(folder.path()) == before);
}

#[test]
fn threads_do_not_change_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["1", "2"].map(|threads| {
        let line = format!("{VOLCANO} --threads {threads} --out {threads}");
        let output = run(folder.path(), &line);
        assert!(output.status.success(), "{}", stderr(&output));
        let mut files = tree(&folder.path().join(threads));
        files.remove("log.jsonl");
        files
    });
    assert!(
        one.keys().eq(two.keys()),
        "{:?} {:?}",
        one.keys(),
        two.keys()
    );
    for (name, bytes) in &one {
        assert!(two[name] == *bytes, "{name}");
    }
}

/// Runs a command whose files may hold so many blocks of 512 bytes, which
/// stands for a disk that fills up: the write fails in the same way.
#[cfg(unix)]
fn run_with_room(folder: &Path, blocks: usize, line: &str) -> std::process::Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let program = program(folder);
    assert_cmd::Command::new("sh")
        .current_dir(folder)
        .env("INVERSE_SET_WEIGHTS", weights())
        .args(["-c", &script])
        .arg(program.get_program())
        .args(line.split(' '))
        .output()
        .unwrap()
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let whole = tempfile::tempdir().unwrap();
    let line = format!("{VOLCANO} --out run");
    assert!(run(whole.path(), &line).status.success());
    let whole = tree(&whole.path().join("run"));

    let folder = tempfile::tempdir().unwrap();
    let output = run_with_room(folder.path(), 1, &line);
    assert_fails("no room at all", &output, 1, "writing run/run.json: ");
    assert!(tree(folder.path()).is_empty());

    let least = whole["samples.safetensors"].len() / 512;
    let output = run_with_room(folder.path(), least, &line);
    assert_fails(
        "no room at the end",
        &output,
        1,
        "writing run/samples.safetensors: ",
    );
    for (name, bytes) in tree(&folder.path().join("run")) {
        assert!(
            name == "log.jsonl" || whole.get(&name) == Some(&bytes),
            "{name}"
        );
    }

    let output = run(folder.path(), &line);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut resumed = tree(&folder.path().join("run"));
    resumed.insert("log.jsonl".into(), whole["log.jsonl"].clone());
    assert!(resumed == whole);
}
