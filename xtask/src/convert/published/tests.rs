//! The presets against the published sizes, and files that are damaged.

use std::fs;
use std::path::{Path, PathBuf};

use caffemodel::read_prototxt;
use netfile::Dtype;

use super::presets::{CAFFENET, DEEPSIM_POOL5, PLACES205, PPGN_FC6, Preset, Role};
use super::source::{self, Contents};
use super::structure::{self, Structure};
use super::{fill, labels};

fn structure(preset: &Preset) -> Structure {
    let net = read_prototxt(preset.prototxt.as_bytes()).unwrap();
    structure::translate(&net, None).unwrap()
}

#[test]
fn presets_have_the_published_sizes() {
    for (preset, weights, output) in [
        (CAFFENET, 60_965_224, &[1000][..]),
        (PPGN_FC6, 56_097_891, &[3, 256, 256]),
        (DEEPSIM_POOL5, 12_702_307, &[3, 256, 256]),
        (PLACES205, 57_708_109, &[205]),
    ] {
        let structure = structure(&preset);
        let tensors = structure.demands.iter().flat_map(|demand| &demand.tensors);
        let count: usize = tensors
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        assert_eq!(count, weights, "{}", preset.name);
        assert_eq!(structure.shapes.last().unwrap().dims(), output);
        assert_eq!(structure.left_out, [""; 0]);
    }
}

#[test]
fn units_of_caffenet_have_their_names() {
    let Role::Classifier { labels } = CAFFENET.role else {
        panic!("CaffeNet is a classifier");
    };
    let labels = labels::parse(labels.as_bytes()).unwrap();
    assert_eq!(
        labels::layer(&structure(&CAFFENET), &labels).unwrap(),
        "fc8"
    );
    for (unit, id, name) in [
        (663, "n03781244", "monastery"),
        (861, "n04447861", "toilet seat"),
        (980, "n09472597", "volcano"),
        (
            999,
            "n15075141",
            "toilet tissue, toilet paper, bathroom tissue",
        ),
    ] {
        assert_eq!((&labels[unit].id[..], &labels[unit].name[..]), (id, name));
    }
}

/// Whatever a damaged file still says, it is translated or refused.
fn survive(bytes: &[u8], given: Option<&[u8]>) {
    let Ok(contents) = source::read(bytes) else {
        return;
    };
    let given = given.and_then(|text| read_prototxt(text).ok());
    let net = match (&given, &contents) {
        (Some(net), _) => net,
        (None, Contents::Model(model)) => &model.net,
        (None, Contents::Tensors(_)) => return,
    };
    if let Ok(structure) = structure::translate(net, None) {
        let _ = fill(&structure, &contents, Dtype::F32);
    }
}

fn fixtures(extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/caffe");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let found: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    assert!(!found.is_empty());
    found
}

/// Changes to bytes that reach both the structure and the numbers.
const PLACES: usize = 400;

#[test]
fn damaged_models_are_translated_or_refused() {
    for path in fixtures("caffemodel") {
        let bytes = fs::read(&path).unwrap();
        for i in 0..PLACES {
            let at = i * bytes.len() / PLACES;
            survive(&bytes[..at], None);
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= change;
                survive(&damaged, None);
            }
        }
    }
}

#[test]
fn damaged_prototxts_are_translated_or_refused() {
    for path in fixtures("prototxt") {
        let text = fs::read(&path).unwrap();
        let model = fs::read(path.with_extension("caffemodel")).unwrap();
        for at in 0..text.len() {
            let mut damaged = text.clone();
            damaged[at] = [b'0', b'9', b'-', b'}'][at % 4];
            survive(&model, Some(&damaged));
        }
    }
}
