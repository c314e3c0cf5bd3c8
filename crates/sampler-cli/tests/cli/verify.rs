//! Finished runs, whole and tampered with.

use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::networks::{spoil, tiny};
use crate::program::{assert_fails, run, stderr, stdout, tree};

/// Samples into `out` of the folder.
fn sample(folder: &Path, out: &str, options: &str) {
    let line = format!("sample --pair tiny -n 10 --batch 4 --seed 7 --out {out} {options}");
    let output = run(folder, &line);
    assert!(output.status.success(), "{line}: {}", stderr(&output));
}

/// Changes a JSON file.
fn edit(path: &Path, change: impl Fn(&mut Value)) {
    let mut value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

/// Changes the bytes of a tensor where they lie.
fn edit_tensor(path: &Path, name: &str, change: impl Fn(&mut [u8])) {
    let mut bytes = fs::read(path).unwrap();
    let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let (from, to) = metadata.info(name).unwrap().data_offsets;
    let body = &mut bytes[size_of::<u64>() + header..];
    change(&mut body[from..to]);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_run_of_any_form_holds_and_is_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let neurons = "--neuron fc8:volcano=c25..c75 --neuron conv5:2@mean=..p90";
    for (form, told) in [
        ("png", "read from PNG files"),
        ("tensor", "read from samples.safetensors"),
        ("none", "not stored: made again from the codes"),
    ] {
        sample(folder.path(), form, &format!("{neurons} --images {form}"));
        let before = tree(folder.path());
        for networks in ["", "--pair tiny --threads 1"] {
            let line = format!("verify {form} {networks}");
            let output = run(folder.path(), line.trim_end());
            assert!(output.status.success(), "{line}: {}", stderr(&output));
            let table = stdout(&output);
            for part in [
                "neuron   fc8:2 (volcano, id n09472597)\nneuron   conv5:2@mean\n",
                "samples  10, all of them hold\n",
                told,
                "least margin  worst sample\n",
            ] {
                assert!(table.contains(part), "{part:?} is not in {table}");
            }
            assert!(table.lines().all(|line| line.len() <= 80), "{table}");
        }
        assert!(tree(folder.path()) == before);
    }
    sample(
        folder.path(),
        "pixels",
        "--neuron fc8:2=0.. --space pixels --images none",
    );
    let output = run(folder.path(), "verify pixels");
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn the_least_margin_is_that_of_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path(), "run", "--neuron fc8:volcano=c25..c75");
    let json = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.path().join("run").join(name)).unwrap()).unwrap()
    };
    let (record, manifest) = (json("run.json"), json("manifest.json"));
    let end = |end: &str| record["neurons"][0][end].as_f64().unwrap();
    let margins = manifest["samples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sample| {
            let z = sample["activations"][0].as_f64().unwrap();
            (
                (z - end("lo")).min(end("hi") - z),
                sample["file"].as_str().unwrap(),
            )
        });
    let (least, file) = margins.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    let table = stdout(&run(folder.path(), "verify run"));
    let cells: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(cells[4], file, "{table}");
    let found: f64 = cells[3].parse().unwrap();
    assert!((found - least).abs() < 1e-4, "{found}, expected {least}");
}

#[test]
fn levels_are_verified_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let line = "levels --pair tiny --neuron fc8:volcano=p5..100000 --levels 2 -n 2 --out out";
    assert!(run(folder.path(), line).status.success());
    // The second level cannot be reached.
    let output = run(folder.path(), "verify out");
    assert!(output.status.success(), "{}", stderr(&output));
    let table = stdout(&output);
    assert!(table.contains("samples  2, all of them hold\n"), "{table}");
    assert!(!table.contains("level-001"), "{table}");

    fs::remove_file(folder.path().join("out/level-000/samples/00001.png")).unwrap();
    let complaint = "1 of 2 samples do not hold: out/level-000/samples/00001.png cannot be read";
    assert_fails(line, &run(folder.path(), "verify out"), 1, complaint);
    edit(&folder.path().join("out/levels.json"), |record| {
        record.as_object_mut().unwrap().remove("levels");
    });
    let complaint = "out/levels.json: holds no levels yet";
    assert_fails(line, &run(folder.path(), "verify out"), 2, complaint);
}

/// What is done to a run, and the end of what is then said of it.
type Tampering = (fn(&Path), &'static str);

#[test]
fn samples_that_do_not_hold_are_named() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path(), "whole", "--neuron fc8:volcano=c25..c75");
    let whole = tree(&folder.path().join("whole"));
    let tampered: &[Tampering] = &[
        (
            |run| {
                let path = run.join("samples/00003.png");
                let mut image = image::open(&path).unwrap().into_rgb8();
                image.get_pixel_mut(1, 2).0[0] ^= 1;
                image.save(path).unwrap();
            },
            "1 of 10 samples do not hold: run/samples/00003.png is not the image that was accepted\n",
        ),
        (
            |run| {
                let path = run.join("samples/00003.png");
                image::open(&path).unwrap().into_luma8().save(path).unwrap();
            },
            "run/samples/00003.png is L8 of ",
        ),
        (
            |run| {
                let copied = run.join("samples/00002.png");
                fs::copy(copied, run.join("samples/00009.png")).unwrap();
            },
            "1 of 10 samples do not hold: run/samples/00009.png is the same image as samples/00002.png\n",
        ),
        (
            |run| {
                for file in ["00001", "00004", "00005", "00008"] {
                    let path = run.join("samples").join(file).with_extension("png");
                    let png = fs::read(&path).unwrap();
                    fs::write(path, &png[..png.len() / 2]).unwrap();
                }
            },
            "; and 1 more\n",
        ),
        (
            |run| fs::remove_file(run.join("samples/00000.png")).unwrap(),
            "1 of 10 samples do not hold: run/samples/00000.png cannot be read: No such file",
        ),
        (
            |run| {
                edit(&run.join("manifest.json"), |manifest| {
                    let value = &mut manifest["samples"][6]["activations"][0];
                    *value = json!(value.as_f64().unwrap() + 2e-4);
                });
            },
            ", manifest.json says ",
        ),
        (
            |run| {
                edit(&run.join("manifest.json"), |manifest| {
                    manifest["samples"][6]["file"] = json!("../elsewhere.png");
                });
            },
            "run/samples/00006.png is ../elsewhere.png in manifest.json, expected samples/00006.png\n",
        ),
        (
            |run| {
                edit_tensor(&run.join("samples.safetensors"), "activations", |bytes| {
                    bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes());
                });
            },
            "run/samples/00000.png fc8:2 (volcano, id n09472597) is ",
        ),
        (
            |run| {
                edit_tensor(&run.join("samples.safetensors"), "images", |bytes| {
                    bytes[0] ^= 1
                });
            },
            "run/samples/00000.png is not the image in samples.safetensors\n",
        ),
        (
            |run| {
                edit(&run.join("run.json"), |record| {
                    record["neurons"][0]["lo"] = json!(1e6);
                    record["neurons"][0]["hi"] = Value::Null;
                });
            },
            ", not in 1000000..",
        ),
    ];
    for (tamper, complaint) in tampered {
        let directory = folder.path().join("run");
        write(&directory, &whole);
        tamper(&directory);
        let output = run(folder.path(), "verify run");
        assert_fails(complaint, &output, 1, complaint.trim_end());
        assert!(stderr(&output).contains(complaint), "{}", stderr(&output));
        assert!(stdout(&output).contains(" of them do not hold\n"));
        fs::remove_dir_all(directory).unwrap();
    }
}

#[test]
fn images_made_again_of_other_codes_do_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    sample(
        folder.path(),
        "run",
        "--neuron fc8:volcano=c25..c75 --images none",
    );
    let file = folder.path().join("run/samples.safetensors");
    edit_tensor(&file, "codes", |bytes| bytes[..48 * 4].fill(0));
    let complaint = "1 of 10 samples do not hold: run/samples.safetensors[0] is not the image that was accepted";
    assert_fails("codes", &run(folder.path(), "verify run"), 1, complaint);
}

fn write(directory: &Path, files: &std::collections::BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files {
        let path = directory.join(name);
        match name.ends_with('/') {
            true => fs::create_dir_all(path).unwrap(),
            false => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        }
    }
}

/// What is done to a run, the exit status and a part of what is then said.
type Spoiling = (fn(&Path), i32, &'static str);

#[test]
fn directories_that_are_no_finished_run_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path(), "whole", "--neuron fc8:volcano=c25..c75");
    let whole = tree(&folder.path().join("whole"));
    let spoilt: &[Spoiling] = &[
        (
            |run| fs::remove_file(run.join("run.json")).unwrap(),
            2,
            "run: holds no run",
        ),
        (
            |run| fs::remove_file(run.join("manifest.json")).unwrap(),
            2,
            "run: holds an unfinished run",
        ),
        (
            |run| fs::remove_file(run.join("samples.safetensors")).unwrap(),
            1,
            "reading run/samples.safetensors: No such file",
        ),
        (
            |run| fs::write(run.join("run.json"), "{}").unwrap(),
            2,
            "run/run.json: is damaged (missing field",
        ),
        (
            |run| fs::write(run.join("manifest.json"), "{\n").unwrap(),
            2,
            "run/manifest.json: is damaged (EOF",
        ),
        (
            |run| {
                let path = run.join("samples.safetensors");
                let bytes = fs::read(&path).unwrap();
                fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
            },
            2,
            "run/samples.safetensors: is damaged (",
        ),
        (
            |run| {
                edit(&run.join("manifest.json"), |manifest| {
                    manifest["samples"].as_array_mut().unwrap().pop();
                });
            },
            2,
            "run/manifest.json: is damaged (9 samples, run.json says 10)",
        ),
        (
            |run| {
                edit(&run.join("manifest.json"), |manifest| {
                    manifest["samples"][3]["activations"] = json!([]);
                });
            },
            2,
            "0 activations of sample 3, expected 1",
        ),
        (
            |run| {
                edit(&run.join("run.json"), |record| {
                    record["neurons"][0]["unit"]["index"] = json!(99);
                });
            },
            2,
            "run/run.json: is damaged (neuron \"fc8:99=",
        ),
        (
            |run| {
                edit(&run.join("run.json"), |record| {
                    record["neurons"][0]["layer"] = json!("fc9\u{1b}");
                });
            },
            2,
            "has no layer \"fc9\\u{1b}\"",
        ),
    ];
    for &(spoil, status, complaint) in spoilt {
        let directory = folder.path().join("run");
        write(&directory, &whole);
        spoil(&directory);
        assert_fails(
            complaint,
            &run(folder.path(), "verify run"),
            status,
            complaint,
        );
        fs::remove_dir_all(directory).unwrap();
    }
    assert_fails("verify", &run(folder.path(), "verify"), 2, "<DIR>");
}

#[test]
fn only_the_networks_of_the_run_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("mine")).unwrap();
    let generator = tiny("generator");
    let mine = at("mine/net.safetensors");
    spoil(&tiny("classifier"), &mine, |description, _| {
        *description = description.replace("tiny classifier", "my classifier");
    });
    let line = format!(
        "sample --classifier mine/net.safetensors --generator {} --neuron fc8:2 -n 2 --out run",
        generator.display()
    );
    assert!(run(folder.path(), &line).status.success());

    let tiny = tiny("classifier");
    for (line, complaint) in [
        (
            "verify run".to_owned(),
            "looking for my classifier (net.safetensors), sha256 ",
        ),
        (
            "verify run --pair tiny".to_owned(),
            "run: was made with my classifier (net.safetensors, sha256 ",
        ),
        (
            format!("verify run --classifier {}", tiny.display()),
            "), not with tiny classifier; choose it with ",
        ),
        (
            format!(
                "verify run --classifier mine/net.safetensors --generator {}",
                tiny.display()
            ),
            "run: was made with tiny generator (generator.safetensors, sha256 ",
        ),
        (
            "verify run --classifier none".to_owned(),
            "--classifier none: there is no such file",
        ),
        (
            "verify run --classifier a --pair tiny".to_owned(),
            "cannot be used with",
        ),
    ] {
        assert_fails(&line, &run(folder.path(), &line), 2, complaint);
    }
    let named = run(
        folder.path(),
        "verify run --classifier mine/net.safetensors",
    );
    assert!(named.status.success(), "{}", stderr(&named));
    fs::copy(at("mine/net.safetensors"), at("run/net.safetensors")).unwrap();
    let beside = run(folder.path(), "verify run");
    assert!(beside.status.success(), "{}", stderr(&beside));
}
