//! Descriptions that contradict themselves, one small case for each way.

use serde_json::{Value, json};

use crate::fixture::{check_field, document};

#[test]
fn names_and_arrows() {
    let inputs = "inputs among the earlier layers, found";
    let later = "which comes later or is the layer itself: a cycle or a wrong order";
    check_field(
        "/layers",
        json!([]),
        "layers: expected at least one layer, found none",
    );
    check_field(
        "/layers/2/name",
        json!(""),
        "layer number 3: expected a name, found an empty one",
    );
    check_field(
        "/layers/2/name",
        json!("plane"),
        "layer plane: expected a name of its own, \
         found that of layer number 1 again, at layer number 3",
    );
    check_field(
        "/layers/2/name",
        json!("feat"),
        "layer feat: expected a name of its own, found the input's again, at layer number 3",
    );
    check_field(
        "/layers/2/inputs",
        json!(["conv9"]),
        &format!("layer relu1: expected {inputs} `conv9`, which does not exist"),
    );
    check_field(
        "/layers/1/inputs",
        json!(["pool1"]),
        &format!("layer conv1: expected {inputs} `pool1`, {later}"),
    );
    check_field(
        "/layers/1/inputs",
        json!(["conv1"]),
        &format!("layer conv1: expected {inputs} `conv1`, {later}"),
    );
    check_field(
        "/layers/1/inputs",
        json!(["plane", "plane"]),
        "layer conv1: expected one input of convolution, found 2",
    );
    check_field(
        "/layers/1/inputs",
        json!([]),
        "layer conv1: expected one input of convolution, found 0",
    );
    check_field(
        "/layers/5/inputs",
        json!(["conv1"]),
        "layer sum: expected two or more inputs of eltwise, found 1",
    );
    check_field(
        "/encoder",
        json!("relu9"),
        "encoder: expected the name of a layer, found `relu9`",
    );
    check_field(
        "/labels",
        json!({"fc9": []}),
        "labels of fc9: expected the name of a layer, found `fc9`",
    );
    check_field(
        "/labels",
        json!({"fc2": []}),
        "labels of fc2: expected one for each of the 2 units, found 0",
    );
}

#[test]
fn ops() {
    let schema = "expected a layer of the schema, found";
    let check = |pointer: &str, value: Value, message: &str| {
        check_field(&format!("/layers/{pointer}"), value, message);
    };
    check(
        "4/op",
        json!({"magic": {}}),
        &format!(
            "layer pool1: {schema} unknown variant `magic`, expected one of `convolution`, \
             `transposed_convolution`, `inner_product`, `relu`, `pool`, `lrn`, `softmax`, \
             `sigmoid`, `tanh`, `batch_norm`, `scale`, `eltwise`, `concat`, `flatten`, \
             `reshape`, `crop`, `dropout`"
        ),
    );
    check(
        "0",
        json!({"op": "softmax", "inputs": []}),
        &format!("layer number 1: {schema} missing field `name`"),
    );
    check(
        "6/op/inner_product/outputs",
        json!(-1),
        &format!("layer fc2: {schema} invalid value: integer `-1`, expected usize"),
    );
    let convolution = |spoilt: Value| {
        let mut op = json!({"outputs": 6, "kernel": [1, 1]});
        op.as_object_mut()
            .unwrap()
            .extend(spoilt.as_object().unwrap().clone());
        json!({"convolution": op})
    };
    let transposed = json!({"transposed_convolution": {"outputs": 6, "kernel": [1, 0]}});
    let pool = |pad: [usize; 2], stride: [usize; 2]| {
        json!({"pool": {"method": "average", "kernel": [2, 3], "pad": pad, "stride": stride,
                        "rounding": "floor"}})
    };
    let sum = |operation: &str, coefficients: &[f32]| json!({"eltwise": {"operation": operation, "coefficients": coefficients}});
    let padding = "padding less than the kernel, or a window could be empty";
    let coefficients = "no coefficients, or for a sum one for each input";
    let shape = "a shape of one or more positive sizes";
    let cases = [
        (
            1,
            convolution(json!({"outputs": 0})),
            "a positive number of outputs",
            "[0]",
        ),
        (
            1,
            convolution(json!({"kernel": [0, 1]})),
            "a positive kernel",
            "[0, 1]",
        ),
        (
            1,
            convolution(json!({"stride": [1, 0]})),
            "a positive stride",
            "[1, 0]",
        ),
        (
            1,
            convolution(json!({"dilation": [0, 1]})),
            "a positive dilation",
            "[0, 1]",
        ),
        (
            1,
            convolution(json!({"groups": 0})),
            "a positive number of groups",
            "[0]",
        ),
        (
            1,
            convolution(json!({"groups": 4})),
            "outputs that divide evenly into the groups",
            "6 outputs in 4 groups",
        ),
        (1, transposed, "a positive kernel", "[1, 0]"),
        (
            3,
            json!({"lrn": {"size": 4, "alpha": 1.0, "beta": 1.0}}),
            "an odd size, so that the window has a middle",
            "4",
        ),
        (
            3,
            json!({"lrn": {"size": 5, "alpha": -1.0, "beta": 1.0}}),
            "a finite alpha of at least 0",
            "-1",
        ),
        (
            3,
            json!({"lrn": {"size": 5, "alpha": 1.0, "beta": 1.0, "k": 0.0}}),
            "a finite k above 0",
            "0",
        ),
        (
            4,
            pool([0, 3], [1, 1]),
            padding,
            "pad [0, 3], kernel [2, 3]",
        ),
        (4, pool([0, 0], [0, 1]), "a positive stride", "[0, 1]"),
        (
            5,
            sum("sum", &[1.0]),
            coefficients,
            "1 coefficients for 2 inputs",
        ),
        (
            5,
            sum("max", &[1.0, 1.0]),
            coefficients,
            "2 coefficients for 2 inputs",
        ),
        (
            6,
            json!({"inner_product": {"outputs": 0}}),
            "a positive number of outputs",
            "[0]",
        ),
        (
            7,
            json!({"batch_norm": {"epsilon": -1.0}}),
            "a finite epsilon of at least 0",
            "-1",
        ),
        (
            7,
            json!({"crop": {"offset": [0, 0], "size": [0, 1]}}),
            "a positive size",
            "[0, 1]",
        ),
        (7, json!({"reshape": {"shape": []}}), shape, "[]"),
        (7, json!({"reshape": {"shape": [3, 0]}}), shape, "[3, 0]"),
        (
            7,
            json!({"reshape": {"shape": [1_u64 << 63, 2]}}),
            shape,
            "[9223372036854775808, 2]",
        ),
    ];
    for (layer, op, expected, found) in cases {
        let name = document()["layers"][layer]["name"]
            .as_str()
            .unwrap()
            .to_owned();
        let message = format!("layer {name}: expected {expected}, found {found}");
        check(&format!("{layer}/op"), op, &message);
    }
}

#[test]
fn pixels_and_input() {
    check_field(
        "/input/shape",
        json!([]),
        "input: expected a shape of one or more positive sizes, found []",
    );
    check_field(
        "/input/shape",
        json!([0]),
        "input: expected a shape of one or more positive sizes, found [0]",
    );
    check_field(
        "/image/mean",
        json!([1.0]),
        "image: expected 3 finite numbers as mean, found [1.0]",
    );
    check_field(
        "/image/channels",
        json!("grey"),
        "image: expected 1 finite numbers as mean, found [123.5, 117.25, 104.0]",
    );
    check_field(
        "/image/std",
        json!([1.0, 0.0, 1.0]),
        "image: expected a positive std of every channel, found [1.0, 0.0, 1.0]",
    );
    check_field(
        "/image/scale",
        json!(0.0),
        "image: expected a positive scale, found 0",
    );
}
