//! Run directories that somebody else prepared: links that lead out of them, and
//! files that never end.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::program::{assert_fails, program, run, stderr, tree, words};

const LINE: &str = "sample --pair tiny --neuron fc8:volcano -n 6 --batch 2 --out run";

/// A folder with an unfinished run, and with another folder that no run may
/// touch.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), LINE).status.success());
    let directory = folder.path().join("run");
    fs::remove_file(directory.join("manifest.json")).unwrap();
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["000007.safetensors", "00000.png", ".a.b.7.part", "text"] {
        fs::write(outside.join(name), name).unwrap();
    }
    folder
}

/// Puts something else in the place of a file or a folder.
fn replace(path: &Path, make: impl FnOnce(&Path)) {
    match path.is_dir() {
        true => fs::remove_dir_all(path).unwrap(),
        // What is not there is made all the same.
        false => drop(fs::remove_file(path)),
    }
    make(path);
}

fn link_to(target: &'static str) -> impl FnOnce(&Path) {
    move |path| symlink(target, path).unwrap()
}

#[test]
fn links_out_of_a_run_are_not_followed() {
    for (name, target) in [
        ("batches", "../outside"),
        ("samples", "../outside"),
        ("log.jsonl", "../outside/text"),
        (".lock", "../outside/text"),
    ] {
        let folder = prepared();
        let before = tree(&folder.path().join("outside"));
        replace(&folder.path().join("run").join(name), link_to(target));
        for line in [LINE, "resume run"] {
            let output = run(folder.path(), line);
            let complaint = format!("run/{name}: is a symbolic link");
            assert_fails(name, &output, 1, &complaint);
        }
        assert!(tree(&folder.path().join("outside")) == before, "{name}");
    }
}

#[test]
fn links_in_the_place_of_files_are_replaced() {
    for name in [
        "state.safetensors",
        "samples.safetensors",
        "grid.png",
        "report.html",
        "manifest.json",
        "samples/00003.png",
        "batches/.000003.safetensors.7.part",
    ] {
        let folder = prepared();
        let outside = folder.path().join("outside/text");
        let path = folder.path().join("run").join(name);
        let target = outside.clone();
        replace(&path, |path| symlink(target, path).unwrap());
        let output = run(folder.path(), "resume run");
        assert_eq!(fs::read(&outside).unwrap(), b"text", "{name}");
        match name {
            // It is read before it is written.
            "state.safetensors" => assert_fails(name, &output, 2, "its state is damaged"),
            // It says that the run is finished.
            "manifest.json" => assert_fails(name, &output, 2, "is damaged"),
            _ => {
                assert!(output.status.success(), "{name}: {}", stderr(&output));
                assert!(!path.is_symlink(), "{name}");
            }
        }
    }
}

#[test]
fn levels_that_lie_elsewhere_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let line = "levels --pair tiny --neuron fc8:volcano=p5..p60 --levels 2 -n 2 --out run --quiet";
    assert!(run(folder.path(), line).status.success());
    let level = folder.path().join("run/level-001");
    fs::rename(&level, folder.path().join("outside")).unwrap();
    fs::remove_file(folder.path().join("outside/manifest.json")).unwrap();
    symlink("../outside", &level).unwrap();
    let before = tree(&folder.path().join("outside"));
    let output = run(folder.path(), line);
    assert_fails(line, &output, 1, "run/level-001: is a symbolic link");
    assert!(tree(&folder.path().join("outside")) == before);
}

#[test]
fn pipes_in_the_place_of_files_are_not_waited_for() {
    let names = [
        "run.json",
        "state.safetensors",
        "batches/000001.safetensors",
        "manifest.json",
        "samples.safetensors",
    ];
    for name in names {
        let folder = prepared();
        let path = folder.path().join("run").join(name);
        replace(&path, |path| {
            mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).unwrap();
        });
        for line in [LINE, "resume run", "verify run", "report run"] {
            let mut command = program(folder.path());
            command.args(words(line)).timeout(Duration::from_secs(20));
            let output = command.output().unwrap();
            // One that is only written is replaced.
            let is_replaced = name == "samples.safetensors" && [LINE, "resume run"].contains(&line);
            assert!(output.status.code().is_some(), "{line}, {name}: it hangs");
            if !is_replaced && !path.is_file() {
                assert!(!output.status.success(), "{line}, {name}");
            }
        }
    }
}
