use std::fmt::Debug;

use caffemodel::*;

/// The only layer of a text.
fn layer(parameters: &str) -> Layer {
    let text = format!("layer {{ name: 'a' bottom: 'x' bottom: 'y' {parameters} }}");
    read_prototxt(text.as_bytes()).unwrap().layers.remove(0)
}

#[test]
fn defaults_are_those_of_caffe_proto() {
    let layer = layer("");
    let lrn = LrnParameter {
        local_size: 5,
        alpha: 1.0,
        beta: 0.75,
        k: 1.0,
        across_channels: true,
    };
    assert_eq!(layer.lrn(), Ok(lrn));
    assert_eq!(
        layer.relu(),
        Ok(ReluParameter {
            negative_slope: 0.0
        })
    );
    assert_eq!(
        layer.prelu(),
        Ok(PreluParameter {
            channel_shared: false
        })
    );
    assert_eq!(layer.elu(), Ok(EluParameter { alpha: 1.0 }));
    assert_eq!(layer.softmax(), Ok(SoftmaxParameter { axis: 1 }));
    assert_eq!(layer.concat(), Ok(ConcatParameter { axis: 1 }));
    let scale = ScaleParameter {
        axis: 1,
        num_axes: 1,
        bias_term: false,
    };
    assert_eq!(layer.scale(), Ok(scale));
    assert_eq!(
        layer.bias(),
        Ok(BiasParameter {
            axis: 1,
            num_axes: 1
        })
    );
    let norm = BatchNormParameter {
        epsilon: 1e-5,
        use_global_stats: None,
    };
    assert_eq!(layer.batch_norm(), Ok(norm));
    let sum = EltwiseParameter {
        operation: EltwiseOperation::Sum,
        coefficients: vec![],
    };
    assert_eq!(layer.eltwise(), Ok(sum));
    let reshape = ReshapeParameter {
        dims: vec![],
        axis: 0,
        num_axes: -1,
    };
    assert_eq!(layer.reshape(), Ok(reshape));
    assert_eq!(
        layer.flatten(),
        Ok(FlattenParameter {
            axis: 1,
            end_axis: -1
        })
    );
    assert_eq!(
        layer.crop(),
        Ok(CropParameter {
            axis: 2,
            offsets: vec![]
        })
    );
    assert_eq!(
        layer.slice(),
        Ok(SliceParameter {
            axis: 1,
            slice_points: vec![]
        })
    );
    assert_eq!(
        layer.power(),
        Ok(PowerParameter {
            power: 1.0,
            scale: 1.0,
            shift: 0.0
        })
    );
    let none = TransformationParameter {
        scale: 1.0,
        mean_values: vec![],
        mean_file: None,
        crop_size: 0,
    };
    assert_eq!(layer.transformation(), Ok(none));
    assert_eq!(layer.input_shapes(), Ok(vec![]));
}

#[test]
fn sizes_are_given_for_both_axes_or_for_each() {
    let cases = [
        ("kernel_size: 3", [3, 3], [1, 1], [0, 0], [1, 1]),
        (
            "kernel_size: [3, 5] stride: [1, 2] pad: [0, 4] dilation: [2, 3]",
            [3, 5],
            [1, 2],
            [0, 4],
            [2, 3],
        ),
        (
            "kernel_h: 3 kernel_w: 5 stride_h: 2 stride_w: 3 pad_w: 1 dilation: 2",
            [3, 5],
            [2, 3],
            [0, 1],
            [2, 2],
        ),
        (
            "kernel_size: 1 stride: 4294967295",
            [1, 1],
            [4_294_967_295; 2],
            [0, 0],
            [1, 1],
        ),
    ];
    for (sizes, kernel, stride, pad, dilation) in cases {
        let text =
            format!("convolution_param {{ num_output: 4 group: 2 bias_term: false {sizes} }}");
        let expected = ConvolutionParameter {
            num_output: 4,
            bias_term: false,
            kernel,
            stride,
            pad,
            dilation,
            group: 2,
        };
        assert_eq!(layer(&text).convolution(), Ok(expected), "{sizes}");
    }
}

#[test]
fn pooling_knows_its_methods_and_the_global_window() {
    let pooling = |text: &str| {
        layer(&format!("pooling_param {{ {text} }}"))
            .pooling()
            .unwrap()
    };
    let global = pooling("pool: AVE global_pooling: true");
    assert_eq!(
        (global.method, global.global, global.kernel),
        (PoolMethod::Average, true, [0, 0])
    );
    let uneven = pooling("kernel_h: 2 kernel_w: 3 pad_h: 1 pad_w: 2 stride: 2 round_mode: FLOOR");
    assert_eq!(
        (uneven.method, uneven.rounding),
        (PoolMethod::Max, Rounding::Floor)
    );
    assert_eq!(
        (uneven.kernel, uneven.pad, uneven.stride),
        ([2, 3], [1, 2], [2, 2])
    );
    assert_eq!(
        pooling("kernel_size: 2 pool: STOCHASTIC").method,
        PoolMethod::Stochastic
    );
}

#[test]
fn other_parameters_are_read() {
    let text = "eltwise_param { operation: MAX } concat_param { concat_dim: 0 }
        softmax_param { axis: -1 } crop_param { axis: 1 offset: [0, 3] } slice_param { axis: -2 slice_point: 7 }
        input_param { shape { dim: 1 } shape { dim: 2 dim: 0 } } lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 }
        batch_norm_param { use_global_stats: false eps: 0.5 } power_param { scale: -1 }";
    let layer = layer(text);
    assert_eq!(layer.eltwise().unwrap().operation, EltwiseOperation::Max);
    assert_eq!(layer.concat().unwrap().axis, 0);
    assert_eq!(layer.softmax().unwrap().axis, -1);
    assert_eq!(
        layer.crop(),
        Ok(CropParameter {
            axis: 1,
            offsets: vec![0, 3]
        })
    );
    assert_eq!(
        layer.slice(),
        Ok(SliceParameter {
            axis: -2,
            slice_points: vec![7]
        })
    );
    assert_eq!(layer.input_shapes(), Ok(vec![vec![1], vec![2, 0]]));
    assert!(!layer.lrn().unwrap().across_channels);
    assert_eq!(layer.batch_norm().unwrap().use_global_stats, Some(false));
    assert_eq!(layer.power().unwrap().scale, -1.0);
}

#[test]
fn dummy_data_has_shapes_of_both_kinds() {
    let shapes = |text: &str| {
        layer(&format!("type: 'DummyData' dummy_data_param {{ {text} }}")).input_shapes()
    };
    assert_eq!(shapes("shape { dim: 3 }"), Ok(vec![vec![3]]));
    let each = "num: 1 num: 2 channels: 3 height: 4 width: 5 width: 6";
    assert_eq!(shapes(each), Ok(vec![vec![1, 3, 4, 5], vec![2, 3, 4, 6]]));
    assert!(shapes("num: 1 num: 2 channels: 3 height: 4").is_err());
}

#[test]
fn senseless_values_are_errors_that_name_layer_field_and_place() {
    fn text<T: Debug>(result: Result<T, Error>) -> String {
        result.unwrap_err().to_string()
    }
    type Get = fn(&Layer) -> String;
    let convolution: Get = |layer| text(layer.convolution());
    let pooling: Get = |layer| text(layer.pooling());
    let eltwise: Get = |layer| text(layer.eltwise());
    let reshape: Get = |layer| text(layer.reshape());
    let cases: &[(Get, &str, &str)] = &[
        (
            convolution,
            "convolution_param { num_output: 1 }",
            "layer \"a\", convolution_param.kernel_size: expected a size for height and width, found none",
        ),
        (
            convolution,
            "convolution_param { kernel_size: 1 }",
            "convolution_param.num_output: expected a number, found none",
        ),
        (
            convolution,
            "convolution_param { num_output: 0 kernel_size: 1 }",
            "convolution_param.num_output, line 1, column 75: expected at least 1, found 0",
        ),
        (
            convolution,
            "convolution_param { num_output: 1 kernel_size: 0 }",
            "expected at least 1, found 0 x 0",
        ),
        (
            convolution,
            "convolution_param { num_output: 1 kernel_h: 2 }",
            "expected a size for height and width, found none",
        ),
        (
            convolution,
            "convolution_param { num_output: 1 kernel_h: 2 kernel_w: 2 kernel_size: 2 }",
            "expected kernel_size or kernel_h and kernel_w, found both",
        ),
        (
            convolution,
            "convolution_param { num_output: 1 kernel_size: [1, 2, 3] }",
            "expected a value for each of two axes, found 3 of them",
        ),
        (
            convolution,
            "convolution_param { num_output: 1 kernel_size: 1 stride: 0 }",
            "convolution_param.stride, line",
        ),
        (
            convolution,
            "convolution_param { num_output: 1 kernel_size: 1 stride_h: 2 }",
            "convolution_param.stride: expected a size",
        ),
        (
            convolution,
            "convolution_param { num_output: 1 kernel_size: 1 dilation: 0 }",
            "convolution_param.dilation, line",
        ),
        (
            convolution,
            "convolution_param { num_output: 1 kernel_size: 1 group: 0 }",
            "convolution_param.group, line",
        ),
        (
            convolution,
            "convolution_param { num_output: 3 kernel_size: 1 group: 2 }",
            "expected a divisor of num_output 3, found 2",
        ),
        (
            convolution,
            "convolution_param { num_output: 1 kernel_size: 1 axis: 2 }",
            "expected axis 1, the only one supported, found 2",
        ),
        (
            |layer| text(layer.inner_product()),
            "inner_product_param { }",
            "inner_product_param.num_output: expected a number, found none",
        ),
        (
            |layer| text(layer.inner_product()),
            "inner_product_param { num_output: 2 axis: -1 }",
            "found -1",
        ),
        (
            pooling,
            "",
            "pooling_param.kernel_size: expected a size for height and width, found none",
        ),
        (
            pooling,
            "pooling_param { kernel_size: 2 global_pooling: true }",
            "expected none in a global pooling, found one",
        ),
        (
            pooling,
            "pooling_param { stride: 2 global_pooling: true }",
            "expected 1 in a global pooling, found 2 x 2",
        ),
        (
            pooling,
            "pooling_param { pad: 1 global_pooling: true }",
            "expected 0 in a global pooling, found 1 x 1",
        ),
        (
            pooling,
            "pooling_param { kernel_size: 2 pad: 2 }",
            "expected less than the kernel, 2 x 2, found 2 x 2",
        ),
        (
            pooling,
            "pooling_param { kernel_size: 2 pad: 1 pool: STOCHASTIC }",
            "expected 0 in a stochastic pooling",
        ),
        (
            pooling,
            "pooling_param { kernel_size: 2 pool: 3 }",
            "expected an enumerator from 0 to 2, found 3",
        ),
        (
            |layer| text(layer.lrn()),
            "lrn_param { local_size: 4 }",
            "expected an odd number, found 4",
        ),
        (
            |layer| text(layer.lrn()),
            "lrn_param { beta: nan }",
            "lrn_param.beta, line 1, column 61: expected a finite number, found NaN",
        ),
        (
            eltwise,
            "eltwise_param { coeff: 1 }",
            "expected 2 coefficients or none, found 1",
        ),
        (
            eltwise,
            "eltwise_param { operation: PROD coeff: 1 coeff: 2 }",
            "expected 0 coefficients or none, found 2",
        ),
        (
            eltwise,
            "eltwise_param { coeff: [1, inf] }",
            "expected a finite number, found inf",
        ),
        (
            |layer| text(layer.concat()),
            "concat_param { concat_dim: 1 axis: 1 }",
            "expected axis or concat_dim, found both",
        ),
        (
            |layer| text(layer.scale()),
            "scale_param { num_axes: -2 }",
            "expected at least -1, found -2",
        ),
        (
            reshape,
            "reshape_param { shape { dim: -1 dim: -1 } }",
            "reshape_param.shape.dim, line 1, column 80",
        ),
        (reshape, "reshape_param { shape { dim: -2 } }", "found -2"),
        (
            |layer| text(layer.input_shapes()),
            "input_param { shape { dim: -1 } }",
            "layer \"a\", input_param: dim, line",
        ),
    ];
    for (get, text, expected) in cases {
        let error = get(&layer(text));
        assert!(error.contains(expected), "{text}: {error}");
    }
}
