//! What `inspect` shows, and to whom.

use crate::networks::tiny;
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
                "conv5       convolution    24x2x2        3,480         13,824\n",
                "total                                   14,622        195,552\n",
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
            "--layer fc8 --search VOLC",
            &["neuron  id         label\nfc8:2   n09472597  volcano\n"],
        ),
        ("--search n0947", &["fc8:2   n09472597  volcano\n"]),
        (
            "--layer conv5",
            &["conv5: 24 channels of 2x2", "CHANNEL@Y,X"],
        ),
        ("--layer fc7", &["fc7: 32 units", "0 to 31"]),
        (
            "--neuron fc8:volcano",
            &[
                "fc8:2 (volcano, id n09472597)",
                "all images (p)  its label's images (c)\n",
                "typical  half of its label's images lie in -0.5183..-0.2917, c25..c75\n",
                "         half of all images lie in -0.846..-0.4914, p25..p75\n",
                "reached  -",
                "in codes of tiny generator: 400 evaluations;",
                "try      sampler-cli sample --neuron fc8:2=c25..c75 --pair tiny\n",
            ],
        ),
        (
            "--neuron conv5:3@max=p75..",
            &[
                "conv5:3@max",
                "all images (p)\n",
                "=0.240537.. --pair tiny\n",
            ],
        ),
        (
            "--neuron relu6:1=0.5..2",
            &["relu6:1", "0.5..2", "no quantiles", "=0.5..2 --pair"],
        ),
        (
            "--neuron relu6:1",
            &["none by default", "no quantiles", "reached  0..", "=0."],
        ),
        (
            "--neuron fc8:volcano=1000..",
            &["the range lies beyond", "try      sampler-cli sample"],
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

/// Both ends and the neuron that is tried are those of the pixels.
#[test]
fn probes_pixels_where_there_is_no_generator() {
    let folder = tempfile::tempdir().unwrap();
    let classifier = tiny("classifier");
    let classifier = classifier.display();
    let line = format!("inspect --classifier {classifier} --neuron fc8:volcano");
    let output = run(folder.path(), &line);
    assert!(output.status.success(), "{}", stderr(&output));
    let shown = stdout(&output);
    assert!(shown.contains("in pixels: 400 evaluations"), "{shown}");
    let try_this = format!("--classifier {classifier} --space pixels\n");
    assert!(shown.ends_with(&try_this), "{shown}");
    assert_eq!(shown, stdout(&run(folder.path(), &line)));
}

/// What was reached, by any number of threads.
#[test]
fn a_probe_repeats_and_what_it_suggests_can_be_sampled() {
    let folder = tempfile::tempdir().unwrap();
    let line = "inspect --pair tiny --neuron fc8:volcano=1000..";
    let shown = stdout(&run(folder.path(), &format!("{line} --threads 1")));
    assert_eq!(
        shown,
        stdout(&run(folder.path(), &format!("{line} --threads 2")))
    );
    let command = shown.split("try      sampler-cli ").nth(1).unwrap().trim();
    let output = run(folder.path(), &format!("{command} -n 2 --out run"));
    assert!(output.status.success(), "{command}: {}", stderr(&output));
}

/// A generator that does not fit is shown, and told of in one line.
#[test]
fn a_pair_that_cannot_be_probed_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let classifier = tiny("classifier");
    let classifier = classifier.display();
    let line =
        format!("inspect --classifier {classifier} --generator {classifier} --neuron fc8:volcano");
    let output = run(folder.path(), &line);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("\nreached  not probed: "),
        "{}",
        stdout(&output)
    );
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
