use caffemodel::*;

use crate::samples::{V0_TEXT, V1_TEXT, V2_TEXT, v0, v1, v2};
use crate::writer::{Writer, message};

/// Asks for everything that a net can tell.
fn exhaust(net: &Net) {
    for layer in &net.layers {
        let results = [
            layer.convolution().map(drop),
            layer.inner_product().map(drop),
            layer.pooling().map(drop),
            layer.lrn().map(drop),
            layer.relu().map(drop),
            layer.prelu().map(drop),
            layer.elu().map(drop),
            layer.eltwise().map(drop),
            layer.concat().map(drop),
            layer.slice().map(drop),
            layer.softmax().map(drop),
            layer.scale().map(drop),
            layer.bias().map(drop),
            layer.batch_norm().map(drop),
            layer.reshape().map(drop),
            layer.flatten().map(drop),
            layer.crop().map(drop),
            layer.power().map(drop),
            layer.input_shapes().map(drop),
            layer.transformation().map(drop),
        ];
        for error in results.into_iter().filter_map(Result::err) {
            assert_one_line(&error);
        }
    }
}

fn assert_one_line(error: &Error) {
    let line = error.to_string();
    assert!(!line.contains('\n') && line.len() < 2_000, "{line}");
}

fn read_all(bytes: &[u8]) {
    match read_caffemodel(bytes) {
        Ok(model) => {
            exhaust(&model.net);
            for blob in model.blobs.iter().flat_map(|(_, blobs)| blobs) {
                assert_eq!(blob.to_floats().len(), blob.len());
            }
        }
        Err(error) => assert_one_line(&error),
    }
    match read_prototxt(bytes) {
        Ok(net) => exhaust(&net),
        Err(error) => assert_one_line(&error),
    }
    if let Err(error) = read_mean(bytes) {
        assert_one_line(&error);
    }
}

fn samples() -> Vec<Vec<u8>> {
    let texts = [V0_TEXT, V1_TEXT, V2_TEXT].map(|text| text.as_bytes().to_vec());
    texts.into_iter().chain([v0(), v1(), v2()]).collect()
}

#[test]
fn every_truncation_is_read_or_refused() {
    for sample in samples() {
        for length in 0..sample.len() {
            read_all(&sample[..length]);
        }
    }
}

#[test]
fn every_changed_byte_is_read_or_refused() {
    for sample in samples() {
        for index in 0..sample.len() {
            let original = sample[index];
            let mut changed = sample.clone();
            for value in [
                0,
                1,
                0x7f,
                0x80,
                0xff,
                b'{',
                b'"',
                original ^ 1,
                original ^ 8,
                original ^ 0x80,
            ] {
                changed[index] = value;
                read_all(&changed);
            }
        }
    }
}

#[test]
fn an_error_names_layer_field_and_byte() {
    let in_blob = message(|net| {
        net.message(100, |layer| {
            layer.text(1, "conv1").message(7, |_| {});
            layer.message(7, |blob| {
                blob.packed_floats(5, &[1.0, 2.0])
                    .int(1, 1)
                    .int(2, 1)
                    .int(3, 1)
                    .int(4, 3);
            });
        });
    });
    let cases: &[(Writer, &str)] = &[
        (
            message(|net| {
                net.message(100, |layer| {
                    layer.text(1, "conv1").message(106, |convolution| {
                        convolution.text(1, "x");
                    });
                });
            }),
            "layer \"conv1\": convolution_param: num_output, byte 15: expected a varint, found a length-delimited value",
        ),
        (
            message(|net| {
                net.message(2, |_| {}).message(2, |layer| {
                    layer.data(2, &[0xff]);
                });
            }),
            "layer 1: bottom, byte 6: expected UTF-8, found \"\u{fffd}\"",
        ),
        (
            message(|net| {
                net.message(2, |layer| {
                    layer.text(2, &"x".repeat(5_000));
                });
            }),
            "layer 0: bottom, byte 6: expected a string of at most 4096 bytes, found 5000 bytes",
        ),
        (
            message(|net| {
                net.message(2, |layer| {
                    layer.text(4, "conv1").bytes.extend([0x0b]);
                });
            }),
            "layer \"conv1\": field 1, byte 9: expected a wire type of 0, 1, 2 or 5, found 3",
        ),
        (
            in_blob,
            "layer \"conv1\", blob 0: field 5 of the message at byte 12: expected 1 numbers of shape [], found 0 numbers",
        ),
    ];
    for (file, expected) in cases {
        assert_eq!(
            read_caffemodel(&file.bytes).unwrap_err().to_string(),
            *expected
        );
    }
}

#[test]
fn a_structure_of_too_many_fields_is_refused() {
    let layers = message(|net| {
        for _ in 0..200_001 {
            net.message(100, |_| {});
        }
    });
    let packed = message(|net| {
        net.message(100, |layer| {
            layer.message(106, |convolution| {
                convolution.packed_ints(4, &vec![1; 300_000]);
            });
        });
    });
    for file in [layers, packed] {
        let error = read_caffemodel(&file.bytes).unwrap_err().to_string();
        assert!(
            error.contains("a structure of at most 200000 fields"),
            "{error}"
        );
    }
    let text = "layer{}".repeat(200_001);
    let error = read_prototxt(text.as_bytes()).unwrap_err().to_string();
    assert!(
        error.contains("a structure of at most 200000 fields"),
        "{error}"
    );
}

/// What would take minutes if its time were the square of its size.
#[test]
fn large_structures_take_time_in_proportion() {
    let wide = message(|net| {
        net.message(100, |layer| {
            for _ in 0..60_000 {
                layer.text(3, "bottom").message(106, |_| {}).text(1, "name");
            }
        });
    });
    let paddings = message(|net| {
        net.message(2, |layer| {
            layer.text(2, "a").text(3, "p").message(1, |v0| {
                v0.text(2, "padding");
                for _ in 0..100_000 {
                    v0.int(7, 1);
                }
            });
        });
        for _ in 0..24_000 {
            net.message(2, |layer| {
                layer.text(2, "p").message(1, |v0| {
                    v0.text(2, "conv");
                });
            });
        }
    });
    let layers = message(|net| {
        for index in 0..40_000 {
            net.message(100, |layer| {
                layer.text(1, &format!("layer{index}")).text(2, "ReLU");
                layer.text(3, "x").text(4, "x");
            });
        }
    });
    for file in [wide, paddings, layers] {
        let model = read_caffemodel(&file.bytes).unwrap();
        exhaust(&model.net);
    }
}
