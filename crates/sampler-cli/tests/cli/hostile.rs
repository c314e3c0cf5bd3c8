//! Labels that are markup, escapes of a terminal or formulas of a spreadsheet
//! are told, and do nothing.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::compare::{TINY_COMPARISON, prepared};
use crate::networks::{spoil, tiny};
use crate::program::{run, stderr, stdout, tree};

pub(crate) const LABEL: &str = "</script><script>alert(1)</script>\u{1b}]0;title\u{7}\r\n\",=1+1";

/// The tiny pair with that one for every label of its classifier.
pub(crate) fn hostile(folder: &Path, name: &str) {
    spoil(
        &tiny("classifier"),
        &folder.join("hostile.safetensors"),
        |description, _| {
            let mut network: Value = serde_json::from_str(description).unwrap();
            for labels in network["labels"].as_object_mut().unwrap().values_mut() {
                for label in labels.as_array_mut().unwrap() {
                    label["name"] = name.into();
                }
            }
            *description = network.to_string();
        },
    );
    fs::copy(tiny("generator"), folder.join("generator.safetensors")).unwrap();
}

/// What a terminal could obey.
pub(crate) fn is_control(byte: &u8) -> bool {
    *byte < b' ' && !b"\n".contains(byte) || *byte == 0x7f
}

#[test]
fn labels_are_told_and_do_nothing() {
    let folder = prepared();
    hostile(folder.path(), LABEL);
    let networks = "--classifier hostile.safetensors --generator generator.safetensors";
    let comparison = TINY_COMPARISON.replace("--pair tiny", networks);
    let comparison = comparison.replace("volcano", "2");
    let lines = [
        format!("sample {networks} --neuron fc8:2 -n 4 --out sampled"),
        format!("levels {networks} --neuron fc8:2 --levels 2 -n 3 --out levels"),
        format!("atlas {networks} --neurons fc8:2 --neurons fc8:1=9999.. -n 3 --out atlas"),
        format!("atlas {networks} --neurons fc8:2 --plan plan.json"),
        format!("{comparison} --out compared"),
        format!("sample {networks} --neuron fc8:2 -n 4 --json --out told"),
        format!("inspect {networks}"),
        format!("inspect {networks} --layer fc8"),
        format!("inspect {networks} --neuron fc8:2"),
        "verify sampled --classifier hostile.safetensors".to_owned(),
        "report sampled --classifier hostile.safetensors".to_owned(),
        format!("scan sampled/samples {networks} --neuron fc8:2 --out scanned"),
    ];
    for line in &lines {
        let output = run(folder.path(), line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        let bytes = [output.stdout.clone(), output.stderr.clone()].concat();
        let control = bytes.iter().find(|byte| is_control(byte));
        assert_eq!(control, None, "{line}: {}", stdout(&output));
    }
    let mut kinds = [0; 3];
    for (file, bytes) in tree(folder.path()) {
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        match Path::new(&file).extension().and_then(|end| end.to_str()) {
            Some("html") => {
                kinds[0] += 1;
                assert!(!text.contains("<script>alert"), "{file}");
                // The data and the script are the only ones; that of an atlas
                // has no data.
                let scripts = if file == "atlas/report.html" { 1 } else { 2 };
                assert_eq!(text.matches("</script>").count(), scripts, "{file}");
                let told = text.contains("&#60;/script&#62;&#60;script&#62;alert(1)");
                assert!(told || file.starts_with("run/"), "{file}");
            }
            Some("json") => {
                kinds[1] += 1;
                let value: Value = serde_json::from_str(&text).unwrap();
                assert!(value.is_object(), "{file}");
            }
            Some("csv") => {
                kinds[2] += 1;
                for line in text.lines().skip(1) {
                    assert!(!line.starts_with(['=', '+', '-', '@']), "{file}: {line}");
                }
            }
            _ => continue,
        }
        assert_eq!(text.bytes().find(is_control), None, "{file}");
    }
    assert!(kinds.iter().all(|&count| count > 0), "{kinds:?}");
    let record = fs::read(folder.path().join("sampled/run.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["neurons"][0]["label"]["name"], LABEL);
}
