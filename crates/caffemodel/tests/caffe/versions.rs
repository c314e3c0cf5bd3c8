use caffemodel::{Net, Version, read_caffemodel, read_prototxt};

use crate::samples::*;
use crate::writer::{Writer, message};

/// What every version says: names and kinds of layers, connections, and the
/// convolution's parameters.
fn assert_small(net: &Net, slope: f32) {
    assert_eq!(net.name, "small");
    let layers = match net.inputs.as_slice() {
        [] => {
            assert_eq!(net.layers[0].kind, "Input");
            assert_eq!(net.layers[0].input_shapes().unwrap(), [[1, 2, 4, 4]]);
            &net.layers[1..]
        }
        [input] => {
            assert_eq!(input.name, "data");
            assert_eq!(input.shape.as_deref(), Some([1, 2, 4, 4].as_slice()));
            &net.layers[..]
        }
        more => panic!("{more:?}"),
    };
    let [convolution, relu] = layers else {
        panic!("{layers:?}");
    };
    assert_eq!(
        (convolution.name.as_str(), convolution.kind.as_str()),
        ("conv", "Convolution")
    );
    assert_eq!(
        (&convolution.bottoms[..], &convolution.tops[..]),
        (&["data".to_owned()][..], &["conv".to_owned()][..])
    );
    let parameter = convolution.convolution().unwrap();
    assert_eq!((parameter.num_output, parameter.bias_term), (2, true));
    assert_eq!((parameter.kernel, parameter.pad), ([1, 1], [1, 1]));
    assert_eq!((parameter.stride, parameter.dilation), ([1, 1], [1, 1]));
    assert_eq!((relu.name.as_str(), relu.kind.as_str()), ("relu", "ReLU"));
    assert_eq!(relu.bottoms, relu.tops);
    assert_eq!(relu.relu().unwrap().negative_slope, slope);
}

#[test]
fn every_version_of_a_binary_file_gives_the_same_net_and_numbers() {
    let cases = [
        (v2(), Version::V2, vec![2], 0.25),
        (v1(), Version::V1, vec![1, 1, 1, 2], 0.25),
        (v0(), Version::V0, vec![1, 1, 1, 2], 0.0),
    ];
    for (file, version, bias, slope) in cases {
        let model = read_caffemodel(&file).unwrap();
        assert_eq!(model.version, version);
        assert_small(&model.net, slope);
        let [(name, blobs)] = model.blobs.as_slice() else {
            panic!("{:?}", model.blobs);
        };
        assert_eq!(name, "conv");
        assert_eq!(blobs[0].shape(), [2, 2, 1, 1]);
        assert_eq!(blobs[1].shape(), bias);
        assert_eq!(blobs[0].to_floats(), WEIGHT);
        assert_eq!(blobs[1].to_floats(), BIAS);
    }
}

#[test]
fn every_version_of_a_text_gives_the_same_net() {
    for (text, slope) in [(V2_TEXT, 0.25), (V1_TEXT, 0.25), (V0_TEXT, 0.0)] {
        assert_small(&read_prototxt(text.as_bytes()).unwrap(), slope);
    }
}

#[test]
fn unknown_fields_in_any_order_change_nothing() {
    let noise = |writer: &mut Writer| {
        writer.int(9_999, -1).float(9_998, 1.0).double(9_997, 1.0);
        writer.text(9_996, "noise");
    };
    let file = message(|net| {
        noise(net);
        net.message(100, |layer| {
            layer.message(106, |convolution| {
                noise(convolution);
                convolution.int(4, 3).int(1, 2);
                noise(convolution);
            });
            noise(layer);
            layer.message(7, |blob| {
                noise(blob);
                blob.packed_floats(5, &BIAS);
                noise(blob);
                blob.message(7, |shape| {
                    noise(shape);
                    shape.int(1, 2);
                });
            });
            layer.text(2, "Convolution").text(1, "conv");
        });
        noise(net);
    });
    let model = read_caffemodel(&file.bytes).unwrap();
    assert_eq!(model.net.layers[0].convolution().unwrap().kernel, [3, 3]);
    assert_eq!(model.blobs[0].1[0].to_floats(), BIAS);
}

#[test]
fn singular_fields_that_occur_twice_are_merged() {
    let file = message(|net| {
        net.message(100, |layer| {
            layer
                .text(1, "wrong")
                .text(1, "conv")
                .text(2, "Convolution");
            layer.message(106, |first| {
                first.int(1, 7).int(4, 3).int(5, 2);
            });
            layer.message(106, |second| {
                second.int(1, 8);
            });
        });
    });
    let net = read_caffemodel(&file.bytes).unwrap().net;
    assert_eq!(net.layers[0].name, "conv");
    let parameter = net.layers[0].convolution().unwrap();
    assert_eq!(
        (parameter.num_output, parameter.kernel, parameter.group),
        (8, [3, 3], 2)
    );
}

#[test]
fn mixed_and_empty_files_are_refused() {
    let layer = |layer: &mut Writer| {
        layer.message(1, |v0| {
            v0.text(1, "a").text(2, "relu");
        });
    };
    let both = message(|net| {
        net.message(2, layer).message(100, |_| {});
    });
    let v0_and_v1 = message(|net| {
        net.message(2, layer);
        net.message(2, |v1| {
            v1.text(4, "b").int(5, 18);
        });
    });
    let cases: [(&[u8], &str); 3] = [
        (
            &[],
            "the net: expected layers (fields layer or layers), found none",
        ),
        (&both.bytes, "expected layers of one version"),
        (
            &v0_and_v1.bytes,
            "layer \"b\": expected field layer, as in other layers",
        ),
    ];
    for (file, expected) in cases {
        let error = read_caffemodel(file).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn old_data_layers_tell_their_transformation() {
    let v1 = r#"layers { name: "d" type: DATA data_param { scale: 0.5 crop_size: 227 mean_file: "m" }
        transform_param { scale: 2 mirror: true mean_value: 104 mean_value: 117 } }"#;
    let v0 =
        r#"layers { layer { name: "d" type: "data" scale: 0.5 cropsize: 227 meanfile: "m" } }"#;
    let v2 = r#"layer { name: "d" type: "Data" transform_param { scale: 0.5 crop_size: 227 mean_file: "m" }
        data_param { scale: 9 } }"#;
    for (text, means) in [(v1, vec![104.0, 117.0]), (v0, vec![]), (v2, vec![])] {
        let net = read_prototxt(text.as_bytes()).unwrap();
        assert!(net.layers[0].kind.ends_with("Data"));
        let transformation = net.layers[0].transformation().unwrap();
        assert_eq!((transformation.scale, transformation.crop_size), (0.5, 227));
        assert_eq!(transformation.mean_file.as_deref(), Some("m"));
        assert_eq!(transformation.mean_values, means);
    }
}
