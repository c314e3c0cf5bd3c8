//! A small file system that fills up, and gets room again.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::networks::weights;
use crate::program::{program, run, stderr, tree};

const LINE: &str =
    "sample --pair tiny --neuron fc8:volcano -n 12 --batch 4 --images tensor --out run";

/// Runs the line where there is room for so many KiB, and again where there is
/// enough. What each told, its exit status and the directory come out.
const SCRIPT: &str = r#"
set -u
size=$1 program=$2 out=$3 disk=$4
shift 4
mount -t tmpfs -o size="$size"k none "$disk"
cd "$disk"
"$program" "$@" >"$out/stdout" 2>"$out/first"
echo $? >"$out/status"
cp -r "$disk" "$out/left"
mount -o remount,size=64m "$disk"
"$program" "$@" >"$out/stdout" 2>"$out/second" || exit 1
cp -r "$disk/run" "$out/run"
"#;

/// With a file system of its own: as root, or as one in a name space.
fn with_room(kibibytes: usize, out: &Path, disk: &Path) -> Output {
    let unshared = |options: &str| {
        let mut command = Command::new("unshare");
        command.arg(options);
        command
    };
    let possible = |options: &&str| {
        let mut probe = unshared(options);
        let mount = ["sh", "-c", "mount -t tmpfs none \"$0\""];
        probe.args(mount).arg(disk);
        probe.output().is_ok_and(|output| output.status.success())
    };
    let options = ["-m", "-Urm"].into_iter().find(possible);
    let options =
        options.expect("this test needs to mount a tmpfs: as root, or in a user name space");
    unshared(options)
        .args(["sh", "-c", SCRIPT, "sh", &kibibytes.to_string()])
        .arg(program(out).get_program())
        .args([out, disk])
        .args(LINE.split(' '))
        .env("INVERSE_SET_WEIGHTS", weights())
        .output()
        .unwrap()
}

#[test]
fn a_run_outlives_a_disk_that_was_full() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), LINE).status.success());
    let mut whole = tree(&folder.path().join("run"));
    whole.remove("log.jsonl");
    // A file takes whole pages, and a folder none.
    let pages: usize = whole.values().map(|bytes| bytes.len().div_ceil(4096)).sum();
    let (mut kept, mut lost) = (0, 0);
    for page in (1..=pages).step_by(2) {
        let [out, disk] = [(), ()].map(|()| tempfile::tempdir().unwrap());
        let output = with_room(4 * page, out.path(), disk.path());
        assert!(output.status.success(), "{page} pages: {}", stderr(&output));
        let told = |name: &str| fs::read_to_string(out.path().join(name)).unwrap();
        let first = told("first");
        if told("status") == "0\n" {
            continue;
        }
        assert_eq!(told("status"), "1\n", "{page} pages: {first}");
        let error = first.lines().last().unwrap();
        assert!(error.starts_with("error: "), "{page} pages: {first}");
        assert!(
            error.contains("No space left on device"),
            "{page} pages: {error}"
        );
        let left = tree(&out.path().join("left"));
        match left.contains_key("run/run.json") {
            true => {
                kept += 1;
                let end = "what was accepted is kept; go on with sampler-cli resume run";
                assert!(error.ends_with(end), "{page} pages: {error}");
            }
            false => {
                lost += 1;
                assert!(left.is_empty(), "{page} pages: {:?}", left.keys());
            }
        }
        for (name, bytes) in &left {
            let name = name.trim_start_matches("run/");
            let is_result = !name.is_empty() && !["log.jsonl", "state.safetensors"].contains(&name);
            assert!(
                !is_result || whole.get(name) == Some(bytes),
                "{page} pages: {name} is not what it should be"
            );
        }
        let mut found = tree(&out.path().join("run"));
        found.remove("log.jsonl");
        assert!(found == whole, "{page} pages: {:?}", found.keys());
    }
    assert!(
        kept > 3 && lost > 0,
        "{kept} runs kept something, {lost} nothing"
    );
}
