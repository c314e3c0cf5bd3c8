//! Tables that are missing or do not fit the description.

use serde_json::json;

use crate::fixture::{
    Stored, check_bytes, check_field, check_tensor, document, stored, unchecked_network,
};

#[test]
fn quantiles() {
    let levels = "quantiles of fc2: expected levels that increase within 0 and 100, found";
    for spoilt in [
        "[]",
        "[50.0, 50.0, 100.0]",
        "[0.0, 50.0, 101.0]",
        "[-1.0, 50.0, 100.0]",
    ] {
        let value = serde_json::from_str(spoilt).unwrap();
        check_field(
            "/quantiles/fc2/levels",
            value,
            &format!("{levels} {spoilt}"),
        );
    }
    check_field(
        "/quantiles",
        json!({"conv9@mean": {"levels": [50.0], "images": "", "by_label": false}}),
        "quantiles of conv9@mean: expected the name of a layer, found `conv9`",
    );
    check_field(
        "/quantiles/fc2/levels",
        json!([25.0, 75.0]),
        "tensor quantiles.fc2.p: expected shape [2, 2], found [2, 3]",
    );
    check_tensor(
        Stored::new("quantiles.fc2.p", &[3, 3], &[0.0; 9]),
        "tensor quantiles.fc2.p: expected shape [2, 3], found [3, 3]",
    );
    check_tensor(
        Stored::new("quantiles.fc2.c", &[6], &[0.0; 6]),
        "tensor quantiles.fc2.c: expected shape [2, 3], found [6]",
    );
    check_tensor(
        Stored::new("quantiles.conv1@max.p", &[5, 2], &[0.0; 10]),
        "tensor quantiles.conv1@max.p: expected shape [6, 2], found [5, 2]",
    );
    check_tensor(
        Stored::new("quantiles.fc2.c", &[2, 3], &[0.0, 0.0, 0.0, 1.0, 2.0, 1.5]),
        "tensor quantiles.fc2.c: expected quantiles that never decrease, \
         found decreasing ones of unit 1",
    );
}

#[test]
fn codes() {
    let shape = "shape [6], one value for each input of the network";
    check_tensor(
        Stored::new("code.mean", &[5], &[0.0; 5]),
        &format!("tensor code.mean: expected {shape}, found [5]"),
    );
    check_tensor(
        Stored::new("code.lower", &[6], &[0.0, 0.0, 5.0, 0.0, 0.0, 0.0]),
        "tensor code.lower: expected at most 4 at unit 2, as in code.upper, found 5",
    );
    check_tensor(
        Stored::new("code.std", &[6], &[0.0, -0.5, 5.0, 0.0, 0.0, 0.0]),
        "tensor code.std: expected no negative value at unit 1, found -0.5",
    );
}

#[test]
fn mixtures_of_codes() {
    for (spoilt, message) in [
        (
            Stored::new("code.mixture.mean", &[2, 5], &[0.0; 10]),
            "tensor code.mixture.mean: expected shape [2, 6], found [2, 5]",
        ),
        (
            Stored::new("code.mixture.noise", &[3, 6], &[0.0; 18]),
            "tensor code.mixture.noise: expected shape [2, 6], found [3, 6]",
        ),
        (
            Stored::new("code.mixture.factors", &[12], &[0.0; 12]),
            "tensor code.mixture.factors: expected shape [components, units, rank] \
             beside a weight for each component, found [12] beside [2]",
        ),
        (
            Stored::new("code.mixture.weight", &[2], &[0.5, -0.5]),
            "tensor code.mixture.weight: expected no negative value, found -0.5 at index 1",
        ),
        (
            Stored::new("code.mixture.weight", &[2], &[0.0, 0.0]),
            "tensor code.mixture.weight: expected a positive weight, found none",
        ),
    ] {
        check_tensor(spoilt, message);
    }
}

#[test]
fn missing_tables() {
    for name in [
        "code.mixture.weight",
        "code.mixture.mean",
        "code.mixture.factors",
        "code.mixture.noise",
        "code.lower",
        "code.upper",
        "code.mean",
        "code.std",
        "quantiles.fc2.p",
        "quantiles.fc2.c",
        "quantiles.conv1@max.p",
    ] {
        let mut tensors = stored();
        tensors.retain(|t| t.name != name);
        check_bytes(
            unchecked_network(&document().to_string(), &tensors),
            &format!("tensor {name}: expected this tensor, found none of this name"),
        );
    }
}

#[test]
fn mean_images() {
    let mut tensors = stored();
    tensors.push(Stored::new("image.mean", &[1, 2, 2], &[0.0; 4]));
    check_bytes(
        unchecked_network(&document().to_string(), &tensors),
        "tensor image.mean: expected shape [3, height, width], found [1, 2, 2]",
    );
}
