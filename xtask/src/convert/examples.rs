//! Compares converted networks with what PyTorch computed for a few images, so
//! that a layout or a formula that differs does not go unnoticed.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use engine::reference;
use netfile::{Dtype, ImageEncoding, NetworkFile};

use super::Product;
use super::fashion::{CLASSIFIER, GENERATOR, JUDGE};
use super::raw::Raw;

/// Greatest error, in units of a layer's greatest activation, where weights
/// are stored in single precision.
const SINGLE: f64 = 1e-5;

/// The same where they are stored in half precision: 11 bits, a dozen layers.
const HALF: f64 = 1e-2;

/// Runs the products in double precision on the images of
/// `examples.safetensors` and compares layer by layer.
pub(super) fn check(folder: &Path, products: &[Product]) -> Result<()> {
    let mut examples = Raw::open(&folder.join("examples.safetensors"))?;
    let images = examples.take("images")?;
    let n = images.shape.first().copied().unwrap_or(0);
    let images = widen(&images.values);
    let codes = widen(&examples.take("relu6")?.values);

    let classifier = file(products, CLASSIFIER)?;
    let judge = file(products, JUDGE)?;
    let generator = file(products, GENERATOR)?;
    let of_classifier = [
        ("conv5", "conv5"),
        ("fc6", "fc6"),
        ("fc7", "fc7"),
        ("fc8", "fc8"),
    ];
    let of_judge = [("pool6", "judge.features"), ("fc", "judge.logits")];
    for (file, input, layers) in [
        (
            &classifier,
            encode(&classifier, &images)?,
            &of_classifier[..],
        ),
        (&judge, encode(&judge, &images)?, &of_judge),
        (&generator, codes, &[("deconv0", "generated")]),
    ] {
        let activations = reference::forward(file, &input, n);
        for (layer, example) in layers {
            let node = file
                .description()
                .layers
                .iter()
                .position(|l| l.name == *layer);
            let node = node.with_context(|| format!("no layer {layer}"))? + 1;
            let tolerance = tolerance(file, layer);
            compare(
                &activations[node],
                &widen(&examples.take(example)?.values),
                tolerance,
            )
            .with_context(|| format!("{}, layer {layer}", file.description().name))?;
        }
    }
    examples.finish()
}

fn file(products: &[Product], path: &str) -> Result<NetworkFile> {
    let product = products.iter().find(|product| product.path == path);
    let bytes = &product.with_context(|| format!("no product {path}"))?.bytes;
    Ok(NetworkFile::from_bytes(bytes.clone())?)
}

fn encode(file: &NetworkFile, images: &[f64]) -> Result<Vec<f64>> {
    match &file.description().image {
        Some(ImageEncoding { mean, std, .. }) if mean.len() == 1 => {
            let (mean, std) = (f64::from(mean[0]), f64::from(std[0]));
            Ok(images.iter().map(|pixel| (pixel - mean) / std).collect())
        }
        _ => anyhow::bail!("expected a grey pixel encoding"),
    }
}

fn tolerance(file: &NetworkFile, layer: &str) -> f64 {
    match file.tensor(&format!("{layer}.weight")).map(|t| t.dtype) {
        Some(Dtype::F16) => HALF,
        _ => SINGLE,
    }
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

fn compare(computed: &[f64], expected: &[f64], tolerance: f64) -> Result<()> {
    ensure!(
        computed.len() == expected.len(),
        "expected {} values, found {}",
        expected.len(),
        computed.len()
    );
    let greatest = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    for (i, (computed, expected)) in computed.iter().zip(expected).enumerate() {
        ensure!(
            (computed - expected).abs() <= tolerance * greatest,
            "expected {expected} as PyTorch computed, found {computed} at index {i}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_found() {
        let error = |computed: &[f64]| {
            let compared = compare(computed, &[1.0, 4.0], SINGLE);
            compared.map_err(|error| error.to_string())
        };
        assert_eq!(error(&[1.00003, 4.0]), Ok(()));
        assert!(error(&[1.00005, 4.0]).unwrap_err().contains("at index 0"));
        assert!(error(&[1.0, f64::NAN]).unwrap_err().contains("at index 1"));
        assert_eq!(error(&[1.0]), Err("expected 2 values, found 1".into()));
    }
}
