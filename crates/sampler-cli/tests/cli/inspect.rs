//! What `inspect` shows, and to whom.

use crate::program::{program, run, stderr, stdout};

#[test]
fn shows_layers_units_and_neurons() {
    let folder = tempfile::tempdir().unwrap();
    for (options, parts) in [
        (
            "",
            &[
                "tiny classifier",
                "tiny generator",
                "input",
                "17x15",
                "transposed_convolution",
                "encoder: relu6",
            ][..],
        ),
        (
            "--layer fc8",
            &[
                "fc8: 6 units",
                "2     n09472597  volcano",
                "china cabinet, china closet",
            ],
        ),
        (
            "--layer conv5",
            &["conv5: 24 channels of 2x2", "CHANNEL@Y,X"],
        ),
        ("--layer fc7", &["fc7: 32 units", "0 to 31"]),
        (
            "--neuron fc8:volcano",
            &["fc8:2 (volcano, id n09472597)", "all images  its label's"],
        ),
        (
            "--neuron conv5:3@max=p75..",
            &["conv5:3@max", "all images\n"],
        ),
        (
            "--neuron relu6:1=0.5..2",
            &["relu6:1", "0.5..2", "no quantiles"],
        ),
    ] {
        let output = run(
            folder.path(),
            format!("inspect --pair tiny {options}").trim_end(),
        );
        assert!(output.status.success(), "{options}: {}", stderr(&output));
        let stdout = stdout(&output);
        for part in parts {
            assert!(
                stdout.contains(part),
                "{options}: {part:?} is not in {stdout}"
            );
        }
        assert!(
            stdout.lines().all(|line| line.chars().count() <= 80),
            "{stdout}"
        );
    }
}

#[test]
fn explains_itself() {
    let folder = tempfile::tempdir().unwrap();
    for (line, part) in [
        ("--help", "Usage: sampler-cli"),
        ("--version", env!("CARGO_PKG_VERSION")),
        ("sample --help", "Examples:"),
        ("inspect --help", "Examples:"),
    ] {
        let output = run(folder.path(), line);
        assert!(output.status.success(), "{line}");
        assert!(
            stdout(&output).contains(part),
            "{line}: {}",
            stdout(&output)
        );
    }
}

/// `sampler-cli inspect | head -1` is no failure.
#[test]
fn a_closed_pipe_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let inspect = program(folder.path());
    let output = std::process::Command::new(inspect.get_program())
        .args(["inspect", "--pair", "tiny"])
        .stdout(writer)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}
