//! The pages of runs, of levels and of comparisons.

use std::fs;
use std::path::Path;

use crate::compare::{TINY_COMPARISON, prepared};
use crate::networks::tiny;
use crate::program::{assert_fails, run, stderr, stdout, tree, words};

/// Runs a line that succeeds.
fn done(folder: &Path, line: &str) -> String {
    let output = run(folder, line);
    assert!(output.status.success(), "{line}: {}", stderr(&output));
    stdout(&output)
}

fn page(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref().join("report.html")).unwrap()
}

/// The command at the foot of a page, as a shell takes it.
fn command(page: &str) -> String {
    let from = page.find("<code>sampler-cli ").unwrap() + "<code>sampler-cli ".len();
    let line = &page[from..from + page[from..].find("</code>").unwrap()];
    line.replace("&#39;", "'").replace("&#34;", "\"")
}

#[test]
fn a_page_is_complete_in_itself() {
    let folder = tempfile::tempdir().unwrap();
    let neurons = "--neuron fc8:volcano=c25..c75 --neuron conv5:2@mean=..p90";
    done(
        folder.path(),
        &format!("sample --pair tiny -n 10 --batch 4 --out run {neurons}"),
    );
    let page = page(folder.path().join("run"));
    for address in page.split(" src=\"").skip(1) {
        assert!(
            address.starts_with("data:image/png;base64,"),
            "{}",
            &address[..80]
        );
    }
    for link in page.split("href=\"").skip(1) {
        assert!(link.starts_with("data:,"), "{}", &link[..80]);
    }
    assert_eq!(
        page.matches("<button type=\"button\" data-sample=").count(),
        10 + 10
    );
    for (i, sample) in page.split("{\"name\":\"Sample ").skip(1).enumerate() {
        assert!(
            sample.starts_with(&format!("{i}\",\"origin\":\"batch {}", i / 4)),
            "{i}"
        );
        assert!(
            sample.contains(&format!("\"file\":\"samples/{i:05}.png\"")),
            "{i}"
        );
    }
    for part in [
        "default-src 'none'; img-src data:; style-src 'sha256-",
        "<h1>volcano and conv5:2@mean</h1>",
        "<span>n09472597</span>",
        "of at most ",
        "tiny classifier, classifier.safetensors",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let home = folder.path().to_str().unwrap();
    assert!(!page.contains(home) && !page.contains(env!("CARGO_MANIFEST_DIR")));
}

#[test]
fn a_page_is_written_again_to_the_same_bytes() {
    let folder = prepared();
    for line in [
        "sample --pair tiny --neuron fc8:volcano -n 6 --batch 4 --images none --out none",
        "levels --pair tiny --neuron fc8:volcano --levels 3 -n 4 --out levels",
        "atlas --pair tiny --neurons fc8:0..2 -n 3 --images none --out atlas",
        &format!("{TINY_COMPARISON} --out compared"),
    ] {
        done(folder.path(), line);
    }
    for (name, pages) in [("none", 1), ("levels", 4), ("atlas", 4), ("compared", 1)] {
        let directory = folder.path().join(name);
        let before = tree(&directory);
        for (file, _) in before
            .iter()
            .filter(|(file, _)| file.ends_with("report.html"))
        {
            fs::remove_file(directory.join(file)).unwrap();
        }
        let told = done(folder.path(), &format!("report {name} --pair tiny"));
        assert_eq!(told.lines().count(), pages, "{told}");
        assert!(tree(&directory) == before, "{name}");
        // Networks beside it, or in the folders of weights, are found.
        assert_eq!(done(folder.path(), &format!("report {name}")), told);
    }
}

#[test]
fn the_command_at_the_foot_makes_the_same_again() {
    let folder = prepared();
    for part in ["classifier", "generator"] {
        let name = format!("{part}.safetensors");
        fs::copy(tiny(part), folder.path().join(name)).unwrap();
    }
    for (name, line) in [
        (
            "codes",
            "sample --pair tiny --neuron 'fc8:\"volcano\"=c25..c75' --neuron conv5:2@mean=..p90 -n 6 --batch 4 --seed 3 --clamp hard --images tensor --max-evals 100000",
        ),
        (
            "pixels",
            "sample --classifier classifier.safetensors --space pixels --distance pixels --neuron fc8:2 -n 3",
        ),
        (
            "atlas",
            "atlas --pair tiny --neurons fc8:1..2 --neurons 'conv5:0@max=p60..p95' -n 3 --batch 4 --images tensor --max-evals 10000",
        ),
        (
            "levels",
            "levels --pair tiny --neuron fc8:volcano=..2 --levels 2 -n 3 --seed 5",
        ),
    ] {
        done(folder.path(), &format!("{line} --out {name}"));
        let command = command(&page(folder.path().join(name)));
        let output = crate::program::program(folder.path())
            .args(words(&command))
            .args(["--out", "again"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {}", stderr(&output));
        let files = |out: &str| {
            let mut files = tree(&folder.path().join(out));
            files.retain(|file, _| !file.ends_with("log.jsonl") && !file.ends_with(".html"));
            files
        };
        let (first, again) = (files(name), files("again"));
        let differing: Vec<&String> = first
            .keys()
            .filter(|f| again.get(*f) != first.get(*f))
            .collect();
        assert!(
            differing.is_empty() && first.len() == again.len(),
            "{command}: {differing:?}"
        );
        fs::remove_dir_all(folder.path().join("again")).unwrap();
    }
}

#[test]
fn of_many_samples_representatives_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    done(
        folder.path(),
        "sample --pair tiny --neuron fc8:volcano -n 520 --batch 40 --images tensor --out run",
    );
    let page = page(folder.path().join("run"));
    assert!(page.contains("500 of 520 samples, chosen to be far from each other."));
    assert_eq!(page.matches("\"origin\":\"batch ").count(), 500);
    // The histogram counts all of them.
    assert!(page.contains("Histogram of the activations of 520 samples"));
    assert!(page.len() < 10_000_000);
}

#[test]
fn a_directory_that_is_damaged_is_told_in_one_line() {
    let folder = prepared();
    done(
        folder.path(),
        "sample --pair tiny --neuron fc8:volcano -n 4 --out whole",
    );
    done(
        folder.path(),
        "levels --pair tiny --neuron fc8:volcano --levels 2 -n 3 --out levels",
    );
    done(folder.path(), &format!("{TINY_COMPARISON} --out compared"));
    let spoiled = |file: &str, bytes: &[u8], line: &str, complaint: &str| {
        let path = folder.path().join(file);
        let kept = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let page = path.parent().unwrap().join("report.html");
        let before = fs::read(&page).unwrap();
        let output = run(folder.path(), line);
        assert_fails(line, &output, 2, complaint);
        assert!(fs::read(&page).unwrap() == before, "{file}");
        fs::write(&path, kept).unwrap();
    };
    spoiled(
        "whole/run.json",
        b"{",
        "report whole",
        "run.json: is damaged",
    );
    spoiled(
        "whole/manifest.json",
        b"[]",
        "report whole",
        "manifest.json: is damaged",
    );
    spoiled(
        "whole/samples.safetensors",
        b"no",
        "report whole",
        "samples.safetensors: is damaged",
    );
    spoiled(
        "levels/levels.json",
        b"{}",
        "report levels",
        "levels.json: is damaged",
    );
    spoiled(
        "compared/compare.json",
        b"{}",
        "report compared",
        "compare.json: is damaged",
    );
    spoiled(
        "compared/figure.safetensors",
        b"no",
        "report compared",
        "figure.safetensors: is damaged",
    );
    assert_fails(
        "report nothing",
        &run(folder.path(), "report nothing"),
        2,
        "holds no run",
    );
}
