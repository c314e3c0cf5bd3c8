use netfile::{Description, Dtype, TensorData};
use serde_json::json;

use super::*;

/// Four channels of 2x3 and six labelled units over them, with quantiles at
/// the levels 0, 50 and 100 for some of both.
fn classifier() -> (NetworkFile, Network) {
    let description: Description = serde_json::from_value(json!({
        "version": 1,
        "name": "birds",
        "input": {"name": "data", "shape": [1, 2, 3]},
        "layers": [
            {"name": "conv1", "op": {"convolution": {"outputs": 4, "kernel": [1, 1]}}, "inputs": ["data"]},
            {"name": "relu1", "op": {"relu": {}}, "inputs": ["conv1"]},
            {"name": "fc2", "op": {"inner_product": {"outputs": 6}}, "inputs": ["relu1"]},
            {"name": "prob", "op": "softmax", "inputs": ["fc2"]}
        ],
        "labels": {"fc2": [
            {"id": "n0", "name": "crane"},
            {"id": "n1", "name": "Crane"},
            {"id": "n2", "name": "maillot, tank suit"},
            {"id": "n3", "name": "maillot"},
            {"id": "n4", "name": "Ankle boot"},
            {"id": "n5", "name": "toilet tissue, toilet paper, Bathroom Tissue"}
        ]},
        "quantiles": {
            "fc2": {"levels": [0.0, 50.0, 100.0], "images": "made up", "by_label": true},
            "conv1": {"levels": [0.0, 50.0, 100.0], "images": "made up", "by_label": false},
            "conv1@max": {"levels": [25.0, 95.0], "images": "made up", "by_label": false}
        },
        "origin": {"source": "made up", "licence": "MIT"}
    }))
    .unwrap();
    let tensor = |name: &str, shape: &[usize], value: &dyn Fn(usize) -> f32| TensorData {
        name: name.into(),
        dtype: Dtype::F32,
        shape: shape.into(),
        values: (0..shape.iter().product()).map(value).collect(),
    };
    // Row `unit` of a table with three levels: 10 unit + 0, 4, 8.
    let ladder = |i: usize| (10 * (i / 3) + 4 * (i % 3)) as f32;
    let tensors = [
        tensor("conv1.weight", &[4, 1, 1, 1], &|_| 1.0),
        tensor("conv1.bias", &[4], &|_| 0.0),
        tensor("fc2.weight", &[6, 24], &|_| 1.0),
        tensor("fc2.bias", &[6], &|_| 0.0),
        tensor("quantiles.fc2.p", &[6, 3], &ladder),
        tensor("quantiles.fc2.c", &[6, 3], &|i| ladder(i) + 100.0),
        tensor("quantiles.conv1.p", &[24, 3], &ladder),
        tensor("quantiles.conv1@max.p", &[4, 2], &|i| i as f32 / 3.0),
    ];
    let file = NetworkFile::from_bytes(netfile::to_bytes(&description, &tensors).unwrap()).unwrap();
    let network = Network::load(&file, &engine::Device::cpu(Some(1)).unwrap()).unwrap();
    (file, network)
}

fn resolve(text: &str) -> Result<Neuron, Error> {
    let (file, network) = classifier();
    Neuron::resolve(&text.parse()?, text, &file, &network)
}

#[test]
fn finds_units_by_number_label_and_id() {
    const INF: f64 = f64::INFINITY;
    for (text, shown, range) in [
        ("fc2:4", "fc2:4 (Ankle boot, id n4)", [142.0, 146.0]),
        (
            "fc2:Ankle boot",
            "fc2:4 (Ankle boot, id n4)",
            [142.0, 146.0],
        ),
        (
            "fc2:ankle BOOT=1..2",
            "fc2:4 (Ankle boot, id n4)",
            [1.0, 2.0],
        ),
        ("fc2:n1=1..2", "fc2:1 (Crane, id n1)", [1.0, 2.0]),
        ("fc2:crane=1..2", "fc2:0 (crane, id n0)", [1.0, 2.0]),
        ("fc2:maillot=1..2", "fc2:3 (maillot, id n3)", [1.0, 2.0]),
        (
            "fc2:tank suit=8..",
            "fc2:2 (maillot, tank suit, id n2)",
            [8.0, INF],
        ),
        (
            "fc2:bathroom tissue=..8",
            "fc2:5 (toilet tissue, toilet paper, Bathroom Tissue, id n5)",
            [-INF, 8.0],
        ),
        (
            "fc2:4=c25..c75",
            "fc2:4 (Ankle boot, id n4)",
            [142.0, 146.0],
        ),
        ("fc2:4=p0..p100", "fc2:4 (Ankle boot, id n4)", [40.0, 48.0]),
        ("fc2:4=-0.5..p75", "fc2:4 (Ankle boot, id n4)", [-0.5, 46.0]),
        ("prob:1=0.1..0.2", "prob:1", [0.1, 0.2]),
        ("conv1:3@1,2=p0..p50", "conv1:3@1,2", [230.0, 234.0]),
        ("conv1:3@1,2", "conv1:3@1,2", [236.0, 237.6]),
        ("conv1:1@max=p25..p95", "conv1:1@max", [0.666667, 1.0]),
        ("conv1:1@mean=0..1", "conv1:1@mean", [0.0, 1.0]),
    ] {
        let neuron = resolve(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(neuron.to_string(), shown, "{text}");
        assert_eq!([neuron.lo, neuron.hi], range, "{text}");
        assert_eq!(neuron.expression, text);
    }
}

#[test]
fn explains_what_it_cannot_find() {
    for (text, complaint) in [
        ("fc3:4", r#"birds has no layer "fc3"; did you mean "fc2"?"#),
        ("data:4", r#"birds has no layer "data""#),
        ("fc2:6", "fc2 has 6 units, 0 to 5; found 6"),
        (
            "fc2:boot heel",
            r#"fc2 has no unit with the label or id "boot heel""#,
        ),
        (
            "fc2:boots",
            r#"fc2 has no unit with the label or id "boots""#,
        ),
        ("fc2:boot", r#"did you mean "Ankle boot"?"#),
        ("fc2:ankel boot", r#"did you mean "Ankle boot"?"#),
        (
            "fc2:CRANE",
            r#""CRANE" may mean fc2:0 (crane, id n0) or fc2:1 (Crane, id n1); name one"#,
        ),
        ("prob:Ankle boot", "prob has no labels"),
        (
            "fc2:3@max",
            "fc2 has 6 units and no planes; name a unit by its number, as in fc2:3",
        ),
        ("conv1:3", "try conv1:3@max, conv1:3@mean or conv1:3@1,1"),
        ("conv1:4@max", "conv1 has 4 channels, 0 to 3; found 4"),
        ("conv1:3@2,0", "conv1 has 2 rows, 0 to 1; found 2"),
        ("conv1:3@1,3", "conv1 has 3 columns, 0 to 2; found 3"),
        (
            "fc2:4=2..1",
            "lower end 2 lies above its upper end 1; try =1..2",
        ),
        (
            "fc2:4=c75..c25",
            "lower end 146 lies above its upper end 142",
        ),
        ("fc2:4=2..2", "the range 2..2 has zero width"),
        ("fc2:4=p25..p25", "zero width"),
        (
            "prob:1=p25..p75",
            "tells no quantiles of this neuron; give its range in numbers",
        ),
        (
            "prob:1",
            "tells no quantiles of this neuron; give its range in numbers",
        ),
        (
            "conv1:3@1,2=c25..c75",
            "c25 needs quantiles over a label of the neuron's own",
        ),
        (
            "conv1:3@max=p5..p75",
            "outside of the table's levels 25 to 95",
        ),
    ] {
        let error = resolve(text).expect_err(text);
        assert!(matches!(error, Error::Request(_)), "{text}: {error:?}");
        let message = error.to_string();
        assert!(message.contains(complaint), "{text}: {message}");
        assert!(
            message.starts_with(&format!("neuron {text:?}: ")),
            "{message}"
        );
    }
}

#[test]
fn is_the_same_however_it_was_written() {
    let neuron = resolve("fc2:4=c25..c75").unwrap();
    assert_eq!(neuron, resolve("fc2:Ankle boot=142..146").unwrap());
    for other in [
        "fc2:5=142..146",
        "prob:4=142..146",
        "fc2:4=142..147",
        "fc2:4=141..146",
    ] {
        assert_ne!(neuron, resolve(other).unwrap(), "{other}");
    }
}

/// The form in `run.json`, which other programs read.
#[test]
fn has_a_decided_json() {
    for (text, json) in [
        (
            "fc2:4=8..",
            json!({"layer": "fc2", "unit": {"kind": "unit", "index": 4},
                "label": {"id": "n4", "name": "Ankle boot"},
                "lo": 8.0, "hi": null, "expression": "fc2:4=8.."}),
        ),
        (
            "conv1:3@1,2=..0.1",
            json!({"layer": "conv1", "unit": {"kind": "position", "channel": 3, "y": 1, "x": 2},
                "label": null, "lo": null, "hi": 0.1, "expression": "conv1:3@1,2=..0.1"}),
        ),
        (
            "conv1:1@max",
            json!({"layer": "conv1", "unit": {"kind": "max", "channel": 1},
                "label": null, "lo": 0.904762, "hi": 1.0, "expression": "conv1:1@max"}),
        ),
        (
            "conv1:1@mean=0..1",
            json!({"layer": "conv1", "unit": {"kind": "mean", "channel": 1},
                "label": null, "lo": 0.0, "hi": 1.0, "expression": "conv1:1@mean=0..1"}),
        ),
    ] {
        let neuron = resolve(text).unwrap();
        assert_eq!(serde_json::to_value(&neuron).unwrap(), json, "{text}");
        let text = serde_json::to_string(&neuron).unwrap();
        assert_eq!(
            serde_json::from_str::<Neuron>(&text).unwrap(),
            neuron,
            "{text}"
        );
    }
}

#[test]
fn is_read_from_its_layer() {
    for (text, readout) in [
        ("fc2:4", Readout::Unit(4)),
        ("conv1:3@1,2", Readout::Unit(23)),
        ("conv1:1@max", Readout::Max(1)),
        ("conv1:1@mean=0..1", Readout::Mean(1)),
    ] {
        let (file, network) = classifier();
        let neuron = Neuron::resolve(&text.parse().unwrap(), text, &file, &network).unwrap();
        let shape = network.shape(network.node(&neuron.layer).unwrap());
        assert_eq!(neuron.readout(shape), readout, "{text}");
    }
}

#[test]
fn makes_safe_file_names() {
    for (text, slug) in [
        ("fc2:4", "fc2-4-ankle-boot-142..146"),
        (
            "fc2:5=-3..1e300",
            "fc2-5-toilet-tissue-toilet-pap--3..1e300",
        ),
        ("conv1:3@1,2=0.25..", "conv1-3-at-1-2-0.25.."),
        ("conv1:1@max=..2.5", "conv1-1-max-..2.5"),
        ("conv1:1@mean=0..1", "conv1-1-mean-0..1"),
    ] {
        assert_eq!(resolve(text).unwrap().slug(), slug, "{text}");
    }
    assert_eq!(file_safe("../../T-shirt/top\n<é>"), "t-shirt-top");
}

#[test]
fn shows_control_characters_instead_of_sending_them() {
    let neuron = Neuron {
        label: Some(Label {
            id: "\u{7}".into(),
            name: "a\u{1b}[2Jb\nc".into(),
        }),
        ..resolve("fc2:4").unwrap()
    };
    assert_eq!(neuron.to_string(), r"fc2:4 (a\u{1b}[2Jb\nc, id \u{7})");
}
