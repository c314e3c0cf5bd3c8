//! Plans: atlases that are sampled in shards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::atlas::{NEURONS, done};
use crate::hostile::{LABEL, hostile, is_control};
use crate::interrupted::{all_but_logs, assert_equal, signal, start, wait_for_batch};
use crate::networks::{tiny, weights};
use crate::program::{assert_fails, program, run, stderr, stdout, tree};

#[test]
fn shards_in_any_order_make_the_bytes_of_one_process() {
    let folder = tempfile::tempdir().unwrap();
    done(folder.path(), &format!("{NEURONS} --out whole"));
    let planned = format!("{NEURONS} --out sharded --plan plan.json --shards 3");
    let told = done(folder.path(), &planned);
    assert!(!folder.path().join("sharded").exists());
    for line in [
        "  sbatch --array=0-2 docs/slurm/atlas.sbatch plan.json\n",
        "  seq 0 2 | parallel -q sampler-cli atlas --run plan.json --shard {} --threads 1 --quiet\n",
        "  sampler-cli atlas --merge plan.json\n",
    ] {
        assert!(told.contains(line), "{told}");
    }

    // GNU parallel would put numbers in place of braces.
    let told = done(folder.path(), &planned.replace("plan.json", "{}.json"));
    assert!(
        told.contains("atlas.sbatch '{}.json'\n") && !told.contains("parallel -q"),
        "{told}"
    );

    for shard in [2, 0] {
        done(
            folder.path(),
            &format!("atlas --run plan.json --shard {shard}"),
        );
    }
    let merge = "atlas --merge plan.json";
    let output = run(folder.path(), merge);
    let complaint = "3 of 8 neurons are not done; run shard 1 again, then merge again";
    assert_fails(merge, &output, 1, complaint);
    let told = stdout(&output);
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(told.starts_with("not done: fc8:1 ("), "{told}");
    assert!(told.lines().all(|line| line.ends_with(", of shard 1")));
    let page = fs::read_to_string(folder.path().join("sharded/report.html")).unwrap();
    assert_eq!(page.matches("Not sampled yet.").count(), 3);
    assert_eq!(page.matches("<img class=\"strip").count(), 5);

    done(folder.path(), "atlas --run plan.json --shard 1");
    let again = done(folder.path(), "atlas --run plan.json --shard 1");
    assert!(
        again.starts_with("this shard was finished before"),
        "{again}"
    );
    done(folder.path(), merge);
    let files = |name: &str| all_but_logs(&folder.path().join(name));
    assert_equal(&files("sharded"), &files("whole"));
}

#[test]
fn a_plan_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let line = "atlas --pair tiny --neurons fc8:all -n 2 --out atlas --plan plan.json --shards 3";
    done(folder.path(), line);
    let text = fs::read(folder.path().join("plan.json")).unwrap();
    let plan: Value = serde_json::from_slice(&text).unwrap();
    let changed = |place: &str, value: Value| {
        let mut plan = plan.clone();
        *plan.pointer_mut(place).unwrap() = value;
        plan.to_string().into_bytes()
    };
    let other = "0".repeat(64);
    let cases = [
        (changed("/version", json!(2)), "of version 2, expected 1"),
        (text[..text.len() / 2].to_vec(), "plan.json: that is none ("),
        (b"[]".to_vec(), "plan.json: that is none ("),
        (changed("/shards", json!(7)), "7 shards, expected 1 to 6"),
        (changed("/shards", json!(0)), "0 shards, expected 1 to 6"),
        (changed("/out", json!("atlas")), "is no absolute path"),
        (
            changed("/request/classifier/sha256", json!(other)),
            "looking for tiny classifier",
        ),
        (changed("/request/neurons", json!([])), "neurons"),
        (changed("/request/samples", json!(0)), "0"),
        (
            changed("/request/neurons/1/hi", json!(1e9)),
            "\"fc8:1\" means",
        ),
        (changed("/request/clamp", json!("no")), "plan.json: "),
    ];
    for (bytes, complaint) in cases {
        fs::write(folder.path().join("plan.json"), bytes).unwrap();
        for line in ["atlas --run plan.json --shard 0", "atlas --merge plan.json"] {
            assert_fails(line, &run(folder.path(), line), 2, complaint);
        }
    }
    fs::write(folder.path().join("plan.json"), &text).unwrap();
    let before = tree(folder.path());
    for (line, status, complaint) in [
        (
            "atlas --run plan.json --shard 3",
            2,
            "shard 3: the plan has 3, 0 to 2",
        ),
        ("atlas --run plan.json", 2, "--shard <I>"),
        ("atlas --run nowhere.json --shard 0", 1, "nowhere.json"),
        (
            "atlas --run plan.json --shard 0 -n 3",
            2,
            "cannot be used with",
        ),
        ("atlas --merge plan.json --seed 3", 2, "cannot be used with"),
        (
            "atlas --merge plan.json --neurons fc8:0",
            2,
            "cannot be used with",
        ),
        (
            "atlas --merge plan.json --run plan.json --shard 0",
            2,
            "cannot be used with",
        ),
        (
            "atlas --run plan.json --shard 0 --pair fashion",
            2,
            "classifier",
        ),
        (
            "atlas --pair tiny --neurons fc8:all --plan other.json --shards 7",
            2,
            "7 shards of 6 neurons: expected 1 to 6",
        ),
        (
            "atlas --pair tiny --neurons fc8:all --shards 2",
            2,
            "--plan <PLAN>",
        ),
    ] {
        assert_fails(line, &run(folder.path(), line), status, complaint);
        assert!(tree(folder.path()) == before, "{line}");
    }
}

#[test]
fn networks_may_have_moved_if_they_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let networks = folder.path().join("networks");
    fs::create_dir(&networks).unwrap();
    for part in ["classifier", "generator"] {
        fs::copy(tiny(part), networks.join(format!("{part}.safetensors"))).unwrap();
    }
    let line = "atlas --classifier networks/classifier.safetensors \
        --generator networks/generator.safetensors --neurons fc8:0 -n 2 --plan plan.json";
    done(folder.path(), line);
    let alone = |line: &str| {
        let mut program = program(folder.path());
        let output = program.env_remove("INVERSE_SET_WEIGHTS");
        output.args(line.split(' ')).output().unwrap()
    };
    let (shard, moved) = ("atlas --run plan.json --shard 0", "moved");
    fs::rename(&networks, folder.path().join(moved)).unwrap();
    assert_fails(shard, &alone(shard), 2, "looking for tiny classifier");
    let given = "--classifier moved/classifier.safetensors --generator moved/generator.safetensors";
    let output = alone(&format!("{shard} {given}"));
    assert!(output.status.success(), "{}", stderr(&output));

    // Under other names they are what they were.
    fs::remove_dir_all(folder.path().join("runs")).unwrap();
    for part in ["classifier", "generator"] {
        let from = folder
            .path()
            .join("moved")
            .join(format!("{part}.safetensors"));
        fs::rename(from, folder.path().join(part)).unwrap();
    }
    let output = alone(&format!(
        "{shard} --classifier classifier --generator generator"
    ));
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Types a line into a shell in which the programs that it names are there:
/// those of a cluster and GNU parallel in the least that this line asks of them.
fn typed(folder: &Path, line: &str) -> Vec<u8> {
    let functions = r#"
        sampler-cli() { "$SAMPLER" "$@"; }
        sbatch() { SLURM_ARRAY_TASK_ID=0 bash "$2" "$3"; }
        parallel() { shift; while read -r i; do "${@//\{\}/$i}"; done; }
    "#;
    let program = program(folder);
    let output = Command::new("bash")
        .args(["-euc", &format!("{functions}\n{line}")])
        .current_dir(folder)
        .env("SAMPLER", program.get_program())
        .env("INVERSE_SET_WEIGHTS", weights())
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {}", stderr(&output));
    [output.stdout, output.stderr].concat()
}

/// The names of all that lies below a folder, its own part left out.
fn names(folder: &Path) -> Vec<String> {
    let paths = tree(folder).into_keys();
    let parts = paths.flat_map(|path| path.split('/').map(str::to_owned).collect::<Vec<_>>());
    parts.collect()
}

#[test]
fn names_and_labels_are_no_commands() {
    const NAME: &str = "it's \"$(touch owned)\" `touch owned`; touch owned \u{1b}[31m";
    let top = tempfile::tempdir().unwrap();
    let folder = top.path().join(NAME);
    fs::create_dir(&folder).unwrap();
    hostile(&folder, &format!("{NAME}\n{LABEL}"));
    let script = folder.join("docs/slurm");
    fs::create_dir_all(&script).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/slurm/atlas.sbatch");
    fs::copy(shipped, script.join("atlas.sbatch")).unwrap();

    let run = |arguments: &[&str]| {
        let networks = "--classifier hostile.safetensors --generator generator.safetensors";
        let mut command = program(&folder);
        command.arg("atlas").args(networks.split(' '));
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let bytes = [output.stdout.clone(), output.stderr.clone()].concat();
        let control = bytes.iter().find(|byte| is_control(byte));
        assert_eq!(control, None, "{}", stdout(&output));
        stdout(&output)
    };
    let neurons = ["--neurons", "fc8:0..1", "-n", "2", "--batch", "2"];
    let planned = |out: &str, plan: &str| {
        // One that begins with a hyphen is no option of its own.
        let plan = format!("--plan={plan}");
        let options = [&neurons[..], &["--out", out, &plan]].concat();
        run(&options)
    };
    let plan = "-pl'an \"$(touch owned)\" `touch owned`.json";
    let told = planned("$(touch owned)/a 'b", plan);
    let lines = told.lines().filter_map(|line| line.strip_prefix("  "));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 3, "{told}");
    for line in lines {
        let told = typed(&folder, line);
        assert_eq!(told.iter().find(|byte| is_control(byte)), None, "{line}");
    }
    assert!(folder.join("$(touch owned)/a 'b/report.html").exists());

    // A line that would break is told in one, and breaks nothing.
    planned("new\nline \u{7}", "plan\n\u{1b}[31m.json");
    run(&[&neurons[..], &["--out", "whole"]].concat());
    // The name of the results is made of what was asked for.
    let list = "'$(touch owned)'\n.txt";
    fs::write(folder.join(list), "fc8:0\n").unwrap();
    run(&["--neurons", list, "-n", "2"]);
    assert!(folder.join("runs/atlas-touch-owned-n2-0").exists());

    for (name, bytes) in tree(&folder) {
        if [".json", ".html", ".jsonl"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            assert_eq!(bytes.iter().find(|byte| is_control(byte)), None, "{name}");
        }
    }
    for directory in ["whole", "runs", "$(touch owned)/a 'b"] {
        for name in names(&folder.join(directory)) {
            let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            assert!(name.bytes().all(safe), "{name}");
        }
    }
    assert!(!names(top.path()).contains(&"owned".to_owned()));
}

#[test]
fn the_command_that_goes_on_is_one_that_a_shell_takes() {
    let folder = tempfile::tempdir().unwrap();
    let out = "it's $(touch owned)";
    let neurons = "atlas --pair tiny --neurons fc8:0..1 -n 60 --batch 2";
    let plan: PathBuf = folder.path().join("plan $(touch owned).json");
    let mut planning = program(folder.path());
    planning.args(neurons.split(' '));
    planning.args(["--out", out, "--plan"]).arg(&plan);
    assert!(planning.output().unwrap().status.success());

    let line = "atlas --run 'plan $(touch owned).json' --shard 0 --json";
    let child = start(folder.path(), line, "told");
    wait_for_batch(folder.path(), "told");
    signal(&child, Signal::TERM);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let told = stderr(&output);
    let (_, command) = told.split_once("; go on with ").unwrap();
    assert!(
        command.starts_with("sampler-cli atlas --run 'plan "),
        "{told}"
    );
    typed(folder.path(), command);
    for line in [
        "sampler-cli resume \"it's \\$(touch owned)\"",
        "sampler-cli atlas --merge 'plan $(touch owned).json'",
    ] {
        typed(folder.path(), line);
    }
    assert!(!folder.path().join("owned").exists());
    done(folder.path(), &format!("{neurons} --out whole"));
    let files = |name: &str| all_but_logs(&folder.path().join(name));
    assert_equal(&files(out), &files("whole"));
}
