//! Whatever is wrong with the input: one clear line, the right exit status,
//! and nothing left behind.

use std::fs;

use crate::networks::{spoil, tiny};
use crate::program::{assert_fails, run, tree};

/// Options of `sample --pair tiny`, exit status, part of the message.
const REQUESTS: &[(&str, i32, &str)] = &[
    (
        "--neuron fc9:1=0..1",
        2,
        r#"has no layer "fc9"; did you mean "fc6", "fc7" or "fc8"?"#,
    ),
    ("--neuron fc8:6=0..1", 2, "fc8 has 6 units, 0 to 5; found 6"),
    (
        "--neuron fc8:volcanoe=0..1",
        2,
        r#"did you mean "volcano"?"#,
    ),
    (
        "--neuron fc8:crane=0..1",
        2,
        "fc8:0 (crane, id n02012849) or fc8:1 (crane, id n03126707)",
    ),
    (
        "--neuron conv5:3=0..1",
        2,
        "try conv5:3@max, conv5:3@mean or conv5:3@1,1",
    ),
    (
        "--neuron conv5:24@max=0..1",
        2,
        "conv5 has 24 channels, 0 to 23; found 24",
    ),
    (
        "--neuron conv5:3@2,0=0..1",
        2,
        "conv5 has 2 rows, 0 to 1; found 2",
    ),
    (
        "--neuron fc8:2@max=0..1",
        2,
        "fc8 has 6 units and no planes",
    ),
    (
        "--neuron fc8:volcano=2..1",
        2,
        "lower end 2 lies above its upper end 1",
    ),
    ("--neuron fc8:volcano=1..1", 2, "zero width"),
    ("--neuron fc8:volcano=1..1.0000001", 2, "too narrow"),
    ("--neuron fc8:volcano=1..nan", 2, "not a finite number"),
    ("--neuron fc8:volcano=5", 2, "two ends"),
    ("--neuron fc6:2=c25..c75", 2, "try p25"),
    ("--neuron relu6:2", 2, "give its range in numbers"),
    ("--neuron fc8", 2, "expected LAYER:UNIT[=LO..HI]"),
    (
        "--neuron 'fc8:a\nb'",
        2,
        r#"no unit with the label or id "a\nb""#,
    ),
    (
        "--neuron fc8:volcano=100000..200000",
        3,
        "the values reached lie in [",
    ),
    (
        "--neuron fc8:volcano=..-100000 --neuron fc8:lemon=0..",
        3,
        "the values reached lie in [",
    ),
    ("", 2, "name one as in --neuron fc8:3"),
    ("--neuron fc8:volcano --encoder fc9", 2, "fc9"),
    (
        "--neuron fc8:volcano -n 0",
        2,
        "'0' for '--samples <N>': expected a whole number, at least 1",
    ),
    ("--neuron fc8:volcano -n -5", 2, "unexpected argument '-5'"),
    ("--neuron fc8:volcano --batch 0", 2, "at least 1"),
    (
        "--neuron fc8:volcano --batch 100000000000000",
        2,
        "running tiny generator on 100000000000000 samples",
    ),
    ("--neuron fc8:volcano --threads 0", 2, "at least 1"),
    ("--neuron fc8:volcano --max-evals 0", 2, "at least 1"),
    ("--neuron fc8:volcano --seed x", 2, "invalid value 'x'"),
    (
        "--neuron fc8:volcano --device gpu",
        2,
        "expected auto, cpu, cuda or cuda:N",
    ),
    (
        "--neuron fc8:volcano --clamp free",
        2,
        "[possible values: straight-inward, hard]",
    ),
    (
        "--neuron fc8:volcano --encoder fc66",
        2,
        "did you mean \"fc6\"",
    ),
    (
        "--neuron fc8:volcano --sead 1",
        2,
        "a similar argument exists: '--seed'",
    ),
    (
        "--neuron fc8:volcano --classifier a --generator b",
        2,
        "cannot be used with",
    ),
];

#[test]
fn requests_are_refused() {
    for &(options, status, complaint) in REQUESTS {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("sample --pair tiny --out results/run {options}");
        let output = run(folder.path(), line.trim_end());
        assert_fails(options, &output, status, complaint);
        assert!(
            tree(folder.path()).is_empty(),
            "{options}: {:?}",
            tree(folder.path()).keys()
        );
    }
}

#[test]
fn commands_are_refused() {
    for (line, complaint) in [
        (
            "sampel",
            "unrecognized subcommand 'sampel'; tip: a similar subcommand exists: 'sample'",
        ),
        ("--seed 1", "unexpected argument '--seed'"),
        (
            "inspect --pair tiny --layer fc9",
            r#"did you mean "fc6", "fc7" or "fc8"?"#,
        ),
        ("inspect --pair tiny --neuron fc8:crane", "may mean fc8:0"),
        (
            "inspect --pair tiny --layer fc8 --search volcanoe",
            r#"searching for "volcanoe": no label or id of fc8 contains it; did you mean "volcano"?"#,
        ),
        (
            "inspect --pair tiny --search cabinett",
            r#"did you mean "china cabinet"?"#,
        ),
        (
            "inspect --pair tiny --layer conv5 --search volcano",
            "conv5 has no labels, but fc8 has",
        ),
        (
            "inspect --pair tiny --layer fc9 --search volcano",
            r#"did you mean "fc6", "fc7" or "fc8"?"#,
        ),
        (
            "inspect --pair tiny --neuron fc8:2 --search volcano",
            "cannot be used with",
        ),
        (
            "sample --pair fashon --neuron fc8:0",
            r#"did you mean "fashion"?"#,
        ),
        (
            "sample --pair tiny --neuron fc8:0 --encoder rleu6",
            r#"has no layer "rleu6"; did you mean "relu6"?"#,
        ),
        (
            "compare --pair tiny --neuron fc8:2 --methods ppgm",
            r#"did you mean "ppgn"?"#,
        ),
        (
            "sample --pair tiny --neuron fc8:0 --show sixels",
            "a similar value exists: 'sixel'",
        ),
        (
            "sample --pair tiny --neuron fc8:0 --show sixel --json",
            "cannot be used with",
        ),
        ("sample --generator a", "--classifier <FILE>"),
        ("sample --classifier a --pair tiny", "cannot be used with"),
        (
            "sample --pair nonesuch --neuron fc8:0",
            "no weights/nonesuch/classifier.safetensors",
        ),
        (
            "sample --classifier a --generator b --neuron fc8:0",
            "--classifier a: there is no such file",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        assert_fails(line, &run(folder.path(), line), 2, complaint);
        assert!(tree(folder.path()).is_empty(), "{line}");
    }
}

#[test]
fn spoilt_networks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).with_extension("safetensors");
    for part in ["classifier", "generator"] {
        fs::copy(tiny(part), file(part)).unwrap();
    }
    let whole = fs::read(tiny("classifier")).unwrap();
    fs::write(file("truncated"), &whole[..whole.len() / 2]).unwrap();
    fs::write(file("empty"), b"").unwrap();
    spoil(&tiny("classifier"), &file("misshapen"), |_, tensors| {
        let weight = tensors
            .iter_mut()
            .find(|tensor| tensor.name == "fc7.weight")
            .unwrap();
        weight.shape.reverse();
    });
    spoil(&tiny("classifier"), &file("nan"), |_, tensors| {
        let weight = tensors
            .iter_mut()
            .find(|tensor| tensor.name == "conv1.weight")
            .unwrap();
        weight.bytes[4..8].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    spoil(&tiny("classifier"), &file("incomplete"), |_, tensors| {
        tensors.retain(|tensor| tensor.name != "fc7.bias");
    });
    // The codes have 48 units, relu7 has 32.
    spoil(&tiny("generator"), &file("othercode"), |description, _| {
        *description = description.replace(r#""layer":"relu6""#, r#""layer":"relu7""#);
    });
    let before = tree(folder.path());
    for (classifier, generator, status, complaint) in [
        ("truncated", "generator", 1, "truncated.safetensors: header"),
        ("empty", "generator", 1, "empty.safetensors: header"),
        ("misshapen", "generator", 1, "fc7.weight"),
        ("nan", "generator", 1, "conv1.weight"),
        ("incomplete", "generator", 1, "fc7.bias"),
        ("classifier", "othercode", 2, "relu7"),
        ("classifier", "classifier", 2, "expected an image"),
    ] {
        let line = format!(
            "sample --classifier {classifier}.safetensors --generator {generator}.safetensors --neuron fc8:volcano=c25..c75 --out run"
        );
        assert_fails(&line, &run(folder.path(), &line), status, complaint);
        assert!(tree(folder.path()) == before, "{line}");
    }
}

#[test]
fn directories_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), b"").unwrap();
    fs::create_dir(folder.path().join("occupied")).unwrap();
    fs::write(folder.path().join("occupied/thesis.tex"), b"").unwrap();
    let before = tree(folder.path());
    for (out, status, complaint) in [
        ("file", 1, "file"),
        ("file/run", 1, "file/run"),
        (
            "occupied",
            2,
            "writing the results (--out): occupied: is not empty and holds no run",
        ),
    ] {
        let line = format!("sample --pair tiny --neuron fc8:volcano -n 1 --out {out}");
        assert_fails(&line, &run(folder.path(), &line), status, complaint);
        assert!(tree(folder.path()) == before, "{line}");
    }
}
