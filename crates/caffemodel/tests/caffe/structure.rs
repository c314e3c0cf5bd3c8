use caffemodel::read_prototxt;

fn names(text: &str) -> Vec<String> {
    let net = read_prototxt(text.as_bytes()).unwrap();
    net.layers.into_iter().map(|layer| layer.name).collect()
}

fn error(text: &str) -> String {
    read_prototxt(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn layers_exist_by_their_rules_in_phase_test() {
    let cases = [
        ("", true),
        ("phase: TRAIN", true),
        ("include { phase: TEST }", true),
        ("include { phase: TRAIN }", false),
        ("include { phase: TRAIN } include { phase: TEST }", true),
        ("include { phase: TEST stage: 'deploy' }", false),
        ("include { not_stage: 'deploy' }", true),
        ("include { min_level: 1 }", false),
        ("include { min_level: 0 max_level: 0 }", true),
        ("include { max_level: -1 }", false),
        ("exclude { phase: TEST }", false),
        ("exclude { phase: TRAIN }", true),
        ("exclude { stage: 'deploy' }", true),
        ("exclude { }", false),
    ];
    for (rules, exists) in cases {
        let text = format!("layer {{ name: 'a' type: 'ReLU' {rules} }}");
        assert_eq!(names(&text).len(), usize::from(exists), "{rules}");
    }
    let both = "layer { name: 'a' include { } exclude { } }";
    assert!(
        error(both).contains("layer \"a\": line 1, column"),
        "{}",
        error(both)
    );
}

#[test]
fn padding_folds_into_every_convolution_and_pooling_that_reads_it() {
    let text = r#"input: "data"
        layers { layer { name: "p" type: "padding" pad: 2 } bottom: "data" top: "padded" }
        layers { layer { name: "a" type: "conv" num_output: 1 kernelsize: 5 pad: 1 } bottom: "padded" top: "a" }
        layers { layer { name: "b" type: "pool" kernelsize: 3 pool: AVE } bottom: "padded" top: "b" }
        layers { layer { name: "c" type: "relu" } bottom: "b" top: "padded" }
        layers { layer { name: "d" type: "dropout" } bottom: "padded" top: "d" }"#;
    let net = read_prototxt(text.as_bytes()).unwrap();
    let [a, b, c, d] = net.layers.as_slice() else {
        panic!("{:?}", net.layers);
    };
    assert_eq!(a.bottoms, ["data"]);
    assert_eq!(a.convolution().unwrap().pad, [2, 2]);
    assert_eq!(b.bottoms, ["data"]);
    assert_eq!(b.pooling().unwrap().pad, [2, 2]);
    assert_eq!((c.kind.as_str(), d.bottoms[0].as_str()), ("ReLU", "padded"));
    assert_eq!(net.inputs[0].shape, None);
}

#[test]
fn padding_that_cannot_be_folded_is_an_error() {
    let padding =
        r#"layers { layer { name: "p" type: "padding" pad: 2 } bottom: "data" top: "padded" }"#;
    let cases = [
        (
            r#"layers { layer { name: "r" type: "relu" } bottom: "padded" top: "r" }"#,
            "layer \"r\": expected a convolution or pooling behind a padding layer, found \"relu\"",
        ),
        (
            r#"layers { layer { name: "r" type: "conv" } bottom: "padded" bottom: "data" }"#,
            "layer \"r\": expected one bottom, found several",
        ),
        (
            r#"layers { layer { name: "q" type: "padding" } top: "x" }"#,
            "layer \"q\": expected one bottom, found none",
        ),
    ];
    for (layer, expected) in cases {
        assert_eq!(error(&format!("{padding} {layer}")), expected);
    }
}

#[test]
fn inputs_need_all_their_dimensions() {
    let layer = "layer { name: 'a' type: 'ReLU' }";
    let shape = |text: &str| {
        let net = read_prototxt(format!("input: 'x' {text} {layer}").as_bytes());
        net.map(|net| net.inputs[0].shape.clone())
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        shape("input_shape { dim: 1 dim: 4096 }"),
        Ok(Some(vec![1, 4096]))
    );
    assert_eq!(shape("input_dim: [1, 2, 3, 4]"), Ok(Some(vec![1, 2, 3, 4])));
    assert_eq!(shape(""), Ok(None));
    for (text, expected) in [
        (
            "input_dim: 1 input_dim: 2",
            "expected four dimensions for each input, found 2",
        ),
        (
            "input_dim: [1, 2, 3, 4, 5, 6, 7, 8]",
            "expected a shape for each of 1 inputs, found 2",
        ),
        (
            "input_dim: [1, -2, 3, 4]",
            "expected a size of at least 0, found -2",
        ),
        (
            "input_shape { dim: -2 }",
            "expected a size of at least 0, found -2",
        ),
    ] {
        let error = shape(text).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn types_of_v1_are_upgraded() {
    let cases = [
        ("CONVOLUTION", "Convolution"),
        ("DECONVOLUTION", "Deconvolution"),
        ("SOFTMAX_LOSS", "SoftmaxWithLoss"),
        ("INNER_PRODUCT", "InnerProduct"),
        ("LRN", "LRN"),
        ("TANH", "TanH"),
        ("39", "Deconvolution"),
        ("NONE", ""),
        ("77", "V1LayerParameter.LayerType 77"),
    ];
    for (old, new) in cases {
        let text = format!("layers {{ name: 'a' type: {old} }}");
        let net = read_prototxt(text.as_bytes()).unwrap();
        assert_eq!(net.layers[0].kind, new);
    }
}
