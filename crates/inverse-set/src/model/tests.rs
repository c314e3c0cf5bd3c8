//! The three kinds of encodings against each other, on the tiny pair.

use std::path::{Path, PathBuf};

use engine::{Device, NodeId};
use sampler::{Observer as _, Wanted};

use super::Classifier;
use crate::Neuron;
use crate::encoding::{Distance, Encoding};
use crate::pair::{Loaded, Pair};

const N: usize = 2;

fn file(part: &str) -> PathBuf {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/tiny");
    weights.join(part).with_extension("safetensors")
}

/// Numbers in [0, 1) without a pattern.
fn ladder(n: usize) -> Vec<f32> {
    (0..n)
        .map(|k| ((k * 7919 + 13) % 101) as f32 / 101.0)
        .collect()
}

/// The encodings of two images, and what a pull makes of cotangents of them
/// and of a neuron (`weight` times 1).
fn look_and_pull(distance: &Distance, weight: f32) -> [Vec<f32>; 2] {
    let device = Device::cpu(Some(1)).unwrap();
    let pair = Pair::of_pixels(file("classifier"), &device).unwrap();
    let Loaded { file, network, .. } = &pair.classifier;
    let text = "fc8:3=0..1";
    let neuron = Neuron::resolve(&text.parse().unwrap(), text, file, network).unwrap();
    let encoding = Encoding::resolve(distance, &pair).unwrap();
    let mut classifier = Classifier::new(&pair, &[neuron], &encoding, N).unwrap();
    let images = ladder(N * network.shape(NodeId::INPUT).len());
    let wanted = Wanted {
        encodings: true,
        own_codes: true,
    };
    let look = classifier.look(&images, N, wanted).unwrap();
    assert!(look.own_codes.is_none(), "there is no generator");
    let encodings = look.encodings.unwrap().clone();
    assert_eq!(encodings.len(), N * encoding.len(network));
    let d_encodings: Vec<f32> = ladder(encodings.len());
    let d_images = classifier.pull(&[weight; N], Some(&d_encodings)).unwrap();
    [encodings, d_images.clone()]
}

fn close(a: &[f32], b: &[f32]) -> bool {
    let scale = b.iter().fold(0.0, |most: f32, b| most.max(b.abs()));
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-5 * scale)
}

#[test]
fn another_network_of_the_same_weights_is_the_same_encoder() {
    for layer in ["relu6", "conv3"] {
        let own = Distance::Layer(layer.to_owned());
        let other = Distance::Network {
            file: file("classifier"),
            layer: layer.to_owned(),
        };
        for weight in [0.0, -0.5] {
            let [encodings, d_images] = look_and_pull(&other, weight);
            let [expected, d_expected] = look_and_pull(&own, weight);
            assert_eq!(encodings, expected, "{layer}");
            assert!(close(&d_images, &d_expected), "{layer} {weight}");
        }
    }
}

#[test]
fn pixels_encode_themselves() {
    let [encodings, d_images] = look_and_pull(&Distance::Pixels, 0.0);
    assert_eq!(encodings, ladder(encodings.len()));
    assert_eq!(d_images, ladder(encodings.len()));
    let [_, with_neuron] = look_and_pull(&Distance::Pixels, 1.0);
    assert!(!close(&with_neuron, &d_images));
}
