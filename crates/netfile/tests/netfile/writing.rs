//! What must not be written, and files that are written whole or not at all.

use std::fs;

use netfile::{
    BatchNorm, Description, Dtype, Error, Layer, Lrn, NetworkFile, Op, Relu, TensorData,
    replace_file, to_bytes, write,
};

use crate::fixture::{description, tensors};

/// Spoils a valid network by `spoil` and compares what the writer says.
#[track_caller]
fn check(message: &str, spoil: impl FnOnce(&mut Description, &mut Vec<TensorData>)) {
    let (mut description, mut tensors) = (description(), tensors());
    spoil(&mut description, &mut tensors);
    let error = to_bytes(&description, &tensors).unwrap_err();
    assert_eq!(error.to_string(), format!("network in memory: {message}"));
}

#[test]
fn what_could_not_be_read_is_not_written() {
    check(
        "tensor conv1.bias: expected as many values as its shape [6] holds, found 5 values",
        |_, tensors| {
            tensors[1].values.pop();
        },
    );
    check(
        "tensor conv1.bias: expected a size that fits in memory, \
         found shape [9223372036854775808, 2]",
        |_, tensors| tensors[1].shape = vec![1 << 63, 2],
    );
    check(
        "tensor conv1.weight: expected this name once, found it twice",
        |_, tensors| tensors.push(tensors[0].clone()),
    );
    check(
        "tensor conv1.weight: expected finite numbers, found NaN or an infinity at index 2",
        |_, tensors| {
            assert_eq!(tensors[0].dtype, Dtype::F16);
            tensors[0].values[2] = 65520.0;
        },
    );
    check(
        "description: expected version 1, found version 7",
        |description, _| description.version = 7,
    );
    check(
        "layer prob: expected inputs among the earlier layers, found `fc9`, which does not exist",
        |description, _| description.layers[7].inputs[0] = "fc9".into(),
    );
}

#[test]
fn variances_must_be_positive() {
    check(
        "tensor bn.variance: expected more than -0.5 at channel 1, found -0.75",
        |description, tensors| {
            let op = Op::BatchNorm(BatchNorm { epsilon: 0.5 });
            description.layers.push(Layer::new("bn", op, &["prob"]));
            tensors.push(TensorData {
                name: "bn.variance".into(),
                dtype: Dtype::F32,
                shape: vec![2],
                values: vec![0.0, -0.75],
            });
        },
    );
}

#[test]
fn attributes_must_be_finite() {
    for (value, found) in [
        (f32::INFINITY, "inf"),
        (f32::NEG_INFINITY, "-inf"),
        (f32::NAN, "NaN"),
    ] {
        let lrn = |beta| Lrn {
            size: 5,
            alpha: 1.0,
            beta,
            k: 1.0,
        };
        let slope = Op::Relu(Relu {
            negative_slope: value,
        });
        for (layer, op, expected) in [
            (2, slope, "layer relu1: expected a finite negative_slope"),
            (
                3,
                Op::Lrn(lrn(value)),
                "layer norm1: expected a finite beta",
            ),
        ] {
            check(&format!("{expected}, found {found}"), |description, _| {
                description.layers[layer].op = op;
            });
        }
        check(
            &format!("image: expected 3 finite numbers as mean, found [{found}, 0.0, 0.0]"),
            |description, _| description.image.as_mut().unwrap().mean = vec![value, 0.0, 0.0],
        );
    }
}

#[test]
fn a_file_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.safetensors");
    fs::write(&path, "something else").unwrap();
    write(&path, &description(), &tensors()).unwrap();
    assert!(NetworkFile::open(&path).is_ok());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_refused_network_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.safetensors");
    fs::write(&path, "something else").unwrap();
    let error = write::<TensorData>(&path, &description(), &[]).unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }));
    assert!(error.to_string().starts_with(path.to_str().unwrap()));
    assert_eq!(fs::read_to_string(&path).unwrap(), "something else");
}

#[test]
fn a_failed_writing_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::create_dir_all(taken.join("by a folder")).unwrap();
    let error = replace_file(&taken, b"contents").unwrap_err();
    assert!(matches!(error, Error::Io { .. }));
    assert_eq!(
        error.to_string(),
        format!("cannot write {}", taken.display())
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn only_regular_files_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("nowhere"), folder.path().to_owned()] {
        let error = NetworkFile::open(&path).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read {}", path.display()));
    }
}

#[test]
fn an_empty_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty");
    fs::write(&path, "").unwrap();
    assert_eq!(
        NetworkFile::open(&path).unwrap_err().to_string(),
        format!(
            "{}: header: expected a complete safetensors file, \
             found 0 bytes, which end within the header",
            path.display()
        )
    );
}
