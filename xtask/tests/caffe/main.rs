//! Networks of Caffe, converted by the built program, against what OpenCV
//! computed (`tests/caffe/README.md`) and against what was worked out by hand.

mod by_hand;
mod converted;

use std::collections::BTreeMap;
use std::fs;

use safetensors::SafeTensors;

use converted::{Converted, convert, fixture};

/// Activations, relative to the greatest magnitude of their layer (or 1).
const CLOSE: f64 = 1e-4;

/// Whether the `.caffemodel` alone is enough.
enum Structure {
    /// It holds all of the structure.
    Whole,
    /// It is that of training, which has no input: its shape is given, or told
    /// by a layer of data. There is a loss in the place of `prob`.
    Training(&'static [&'static str]),
    /// It holds weights alone.
    Absent,
}

use Structure::{Absent, Training, Whole};

const NETWORKS: [(&str, Structure); 11] = [
    ("caffenet", Training(&["--input", "3,35,35"])),
    ("alexnet", Whole),
    ("generator", Whole),
    ("vgg", Training(&[])),
    ("inception", Whole),
    ("resnet", Whole),
    ("squeezenet", Training(&["--input", "3,27,27"])),
    ("convolutions", Absent),
    ("deconvolutions", Whole),
    ("pools", Whole),
    ("joins", Whole),
];

#[test]
fn with_a_prototxt_every_layer_computes_what_opencv_computed() {
    for (name, _) in NETWORKS {
        let prototxt = fixture(&format!("{name}.prototxt"));
        let network = convert(name, &["--prototxt", &prototxt]).unwrap();
        compare(name, network, |_| true);
    }
}

#[test]
fn the_structure_inside_a_file_computes_the_same() {
    for (name, structure) in NETWORKS {
        match structure {
            Whole => compare(name, convert(name, &[]).unwrap(), |_| true),
            Training(options) => {
                let network = convert(name, options).unwrap();
                compare(name, network, |layer| layer != "prob");
            }
            Absent => continue,
        }
    }
}

#[test]
fn a_file_of_weights_alone_asks_for_a_prototxt() {
    let error = convert("convolutions", &[]).unwrap_err();
    assert!(error.contains("prototxt"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn a_prototxt_of_another_network_is_an_error_that_names_a_layer() {
    let prototxt = fixture("vgg.prototxt");
    let error = convert("caffenet", &["--prototxt", &prototxt]).unwrap_err();
    assert!(error.contains("conv1_1"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn layers_of_training_are_left_out() {
    for (name, structure) in NETWORKS {
        let Training(options) = structure else {
            continue;
        };
        let network = convert(name, options).unwrap();
        let layers = network.layers();
        for layer in ["data", "label", "accuracy", "loss"] {
            assert!(!layers.contains(&layer.into()), "{name}: {layers:?}");
        }
    }
}

#[test]
fn the_golden_file_was_made_with_the_files_beside_it() {
    let bytes = fs::read(fixture("golden.safetensors")).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let files = &header.metadata().as_ref().unwrap()["files"];
    let checksums: BTreeMap<String, String> = serde_json::from_str(files).unwrap();
    assert_eq!(checksums.len(), 2 * (NETWORKS.len() + 1));
    for (file, checksum) in checksums {
        let found = netfile::sha256(&fs::read(fixture(&file)).unwrap());
        assert_eq!(found, checksum, "{file} has changed: run make_nets.py");
    }
}

/// Runs the input of the golden file and compares its layers, those that are
/// `wanted`.
fn compare(name: &str, mut network: Converted, wanted: impl Fn(&str) -> bool) {
    let bytes = fs::read(fixture("golden.safetensors")).unwrap();
    let golden = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |tensor: &str| -> Vec<f32> {
        let view = golden.tensor(tensor).unwrap();
        let number = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        view.data().chunks_exact(4).map(number).collect()
    };
    let input = format!("{name}.input");
    network.run(&floats(&input));
    let prefix = format!("{name}.");
    let names = golden.names();
    let layers = names
        .iter()
        .filter_map(|tensor| tensor.strip_prefix(&prefix))
        .filter(|&layer| layer != "input" && wanted(layer));
    let mut compared = 0;
    for layer in layers {
        let expected: Vec<f64> = floats(&format!("{name}.{layer}"))
            .into_iter()
            .map(f64::from)
            .collect();
        network.assert_close(layer, &expected, CLOSE);
        compared += 1;
    }
    assert!(compared > 5, "{name}: only {compared} layers were compared");
}
