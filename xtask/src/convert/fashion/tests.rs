//! Converts networks with the layers of the real ones and fewer units.

use netfile::NetworkFile;
use safetensors::tensor::{Dtype as Stored, TensorView};

use super::*;

const CODE: usize = 8;

type Tensors = Vec<(String, Vec<usize>)>;

fn weight_and_bias(layer: &str, weight: &[usize], outputs: usize) -> Tensors {
    vec![
        (format!("{layer}.weight"), weight.to_vec()),
        (format!("{layer}.bias"), vec![outputs]),
    ]
}

fn classifier_tensors() -> Tensors {
    [
        weight_and_bias("conv1", &[4, 1, 5, 5], 4),
        weight_and_bias("conv2", &[6, 2, 5, 5], 6),
        weight_and_bias("conv3", &[4, 6, 3, 3], 4),
        weight_and_bias("conv4", &[4, 2, 3, 3], 4),
        weight_and_bias("conv5", &[2, 2, 3, 3], 2),
        weight_and_bias("fc6", &[CODE, 2 * 4 * 4], CODE),
        weight_and_bias("fc7", &[5, CODE], 5),
        weight_and_bias("fc8", &[10, 5], 10),
    ]
    .concat()
}

fn generator_tensors() -> Tensors {
    [
        weight_and_bias("defc7", &[6, CODE], 6),
        weight_and_bias("defc6", &[6, 6], 6),
        weight_and_bias("defc5", &[3 * 4 * 4, 6], 3 * 4 * 4),
        weight_and_bias("deconv5", &[3, 2, 4, 4], 2),
        weight_and_bias("conv5_1", &[2, 2, 3, 3], 2),
        weight_and_bias("deconv4", &[2, 3, 4, 4], 3),
        weight_and_bias("conv4_1", &[3, 3, 3, 3], 3),
        weight_and_bias("deconv3", &[3, 2, 4, 4], 2),
        weight_and_bias("conv3_1", &[2, 2, 3, 3], 2),
        weight_and_bias("deconv0", &[2, 1, 3, 3], 1),
    ]
    .concat()
}

fn judge_tensors() -> Tensors {
    let mut tensors = weight_and_bias("fc", &[10, 2], 10);
    for number in 1..=6 {
        let channels = if number == 1 { 1 } else { 2 };
        tensors.push((format!("conv{number}.weight"), vec![2, channels, 3, 3]));
        for part in ["weight", "bias", "running_mean", "running_var"] {
            tensors.push((format!("bn{number}.{part}"), vec![2]));
        }
    }
    tensors
}

fn statistics_tensors() -> Tensors {
    let mut tensors = Tensors::new();
    for name in [
        "image.mean",
        "image.std",
        "judge.image.mean",
        "judge.image.std",
    ] {
        tensors.push((name.into(), vec![1]));
    }
    for name in ["code.lower", "code.upper", "code.mean", "code.std"] {
        tensors.push((name.into(), vec![CODE]));
    }
    tensors.push(("quantiles.levels".into(), vec![3]));
    for (key, units) in [
        ("conv5.p", 2 * 8 * 8),
        ("conv5@max.p", 2),
        ("conv5@mean.p", 2),
        ("fc6.p", CODE),
        ("fc7.p", 5),
        ("fc8.p", 10),
        ("fc8.c", 10),
    ] {
        tensors.push((format!("quantiles.{key}"), vec![units, 3]));
    }
    tensors
}

fn mixture_tensors() -> Tensors {
    vec![
        ("code.mixture.weight".into(), vec![2]),
        ("code.mixture.mean".into(), vec![2, CODE]),
        ("code.mixture.factors".into(), vec![2, CODE, 1]),
        ("code.mixture.noise".into(), vec![2, CODE]),
    ]
}

/// Value `i` of every tensor is `i + 1`, so that levels increase and nothing
/// is zero.
fn write_raw(path: &Path, tensors: &Tensors) {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, shape)| {
            let values = (1..=shape.iter().product()).map(|i: usize| i as f32);
            values.flat_map(f32::to_le_bytes).collect()
        })
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape), bytes)| {
        let view = TensorView::new(Stored::F32, shape.clone(), bytes).unwrap();
        (name, view)
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn write_reference(path: &Path, shape: [usize; 3]) {
    let images = vec![7; shape.iter().product()];
    let views = [
        (
            "labels",
            TensorView::new(Stored::U8, vec![3], &[0, 9, 4]).unwrap(),
        ),
        (
            "images",
            TensorView::new(Stored::U8, shape.into(), &images).unwrap(),
        ),
    ];
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn raw_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, tensors) in [
        ("classifier", classifier_tensors()),
        ("generator", generator_tensors()),
        ("judge", judge_tensors()),
        ("statistics", statistics_tensors()),
        ("codes", mixture_tensors()),
    ] {
        write_raw(&folder.path().join(format!("{name}.safetensors")), &tensors);
    }
    write_reference(&folder.path().join("reference.safetensors"), [3, 28, 28]);
    folder
}

/// The error of a conversion, without the folder.
#[track_caller]
fn failure(folder: &tempfile::TempDir) -> String {
    let error = convert(folder.path()).err().expect("the conversion fails");
    let prefix = format!("{}/", folder.path().display());
    format!("{error:#}").replace(&prefix, "")
}

#[test]
fn networks_are_converted() {
    let folder = raw_folder();
    let products = convert(folder.path()).unwrap();
    let paths: Vec<_> = products.iter().map(|product| product.path).collect();
    assert_eq!(
        paths,
        [
            CLASSIFIER,
            GENERATOR,
            JUDGE,
            "fashion/reference.safetensors"
        ]
    );
    let file = |i: usize| NetworkFile::from_bytes(products[i].bytes.clone()).unwrap();

    let classifier = file(0);
    let names: Vec<_> = classifier
        .description()
        .layers
        .iter()
        .map(|l| l.name.as_str())
        .collect();
    let expected = "conv1 relu1 pool1 norm1 conv2 relu2 pool2 norm2 conv3 relu3 conv4 relu4 conv5 \
                    relu5 pool5 fc6 relu6 drop6 fc7 relu7 drop7 fc8 prob";
    assert!(
        names.iter().copied().eq(expected.split_whitespace()),
        "{names:?}"
    );
    assert_eq!(classifier.description().encoder.as_deref(), Some("relu6"));
    assert_eq!(classifier.description().labels["fc8"][9].name, "Ankle boot");
    let by_label = classifier.description().quantiles.iter();
    let by_label: Vec<_> = by_label
        .map(|(key, q)| (key.as_str(), q.by_label))
        .collect();
    let expected = [
        ("conv5", false),
        ("conv5@max", false),
        ("conv5@mean", false),
        ("fc6", false),
        ("fc7", false),
        ("fc8", true),
    ];
    assert_eq!(by_label, expected);
    assert_eq!(classifier.tensor("conv2.weight").unwrap().dtype, Dtype::F32);

    let generator = file(1);
    assert_eq!(
        generator.description().code.as_ref().unwrap().layer,
        "relu6"
    );
    assert_eq!(
        generator.tensor("deconv5.weight").unwrap().dtype,
        Dtype::F16
    );
    assert_eq!(generator.tensor("code.upper").unwrap().dtype, Dtype::F32);

    let judge = file(2);
    assert_eq!(judge.description().encoder.as_deref(), Some("pool6"));
    assert_eq!(judge.floats("bn6.variance").unwrap(), [1.0, 2.0]);
    assert_eq!(judge.floats("scale6.weight").unwrap(), [1.0, 2.0]);
}

#[test]
fn a_missing_tensor_is_named() {
    let folder = raw_folder();
    let mut tensors = generator_tensors();
    tensors.retain(|(name, _)| name != "conv4_1.weight");
    write_raw(&folder.path().join("generator.safetensors"), &tensors);
    assert_eq!(
        failure(&folder),
        "generator.safetensors: expected a tensor conv4_1.weight, found none"
    );
}

#[test]
fn an_unknown_tensor_is_named() {
    let folder = raw_folder();
    let mut tensors = judge_tensors();
    tensors.push(("conv7.weight".into(), vec![1]));
    write_raw(&folder.path().join("judge.safetensors"), &tensors);
    assert_eq!(
        failure(&folder),
        "judge.safetensors: expected no other tensors, found conv7.weight"
    );
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let folder = raw_folder();
    let mut tensors = classifier_tensors();
    let fc7 = tensors.iter_mut().find(|(name, _)| name == "fc7.weight");
    fc7.unwrap().1 = vec![5, CODE + 1];
    write_raw(&folder.path().join("classifier.safetensors"), &tensors);
    let failure = failure(&folder);
    assert!(
        failure.starts_with("making fashion/classifier.safetensors: "),
        "{failure}"
    );
    assert!(failure.contains("fc7.weight"), "{failure}");
}

#[test]
fn planes_that_are_not_square_are_refused() {
    let folder = raw_folder();
    let mut tensors = generator_tensors();
    tensors[4] = ("defc5.weight".into(), vec![3 * 4 * 5, 6]);
    write_raw(&folder.path().join("generator.safetensors"), &tensors);
    assert_eq!(
        failure(&folder),
        "layer defc5: expected 3 square planes for deconv5, found 60 units"
    );
}

#[test]
fn reference_images_of_another_size_are_refused() {
    let folder = raw_folder();
    write_reference(&folder.path().join("reference.safetensors"), [3, 32, 32]);
    assert_eq!(
        failure(&folder),
        "converting reference.safetensors: expected images [n, 28, 28] and labels [n], \
         found [3, 32, 32] and [3]"
    );
}
