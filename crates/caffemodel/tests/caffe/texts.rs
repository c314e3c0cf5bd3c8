use caffemodel::read_prototxt;

fn error(text: &str) -> String {
    read_prototxt(text.as_bytes()).unwrap_err().to_string()
}

/// The negative slope that a number stands for.
fn slope(number: &str) -> Result<f32, String> {
    let text = format!("layer {{ type: 'ReLU' relu_param {{ negative_slope: {number} }} }}");
    let net = read_prototxt(text.as_bytes()).map_err(|error| error.to_string())?;
    let relu = net.layers[0].relu().map_err(|error| error.to_string())?;
    Ok(relu.negative_slope)
}

#[test]
fn numbers_are_read_in_all_their_forms() {
    let cases = [
        ("1", 1.0),
        ("-0.5", -0.5),
        ("- 2", -2.0),
        ("1e-4", 1e-4),
        ("1E+2", 100.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("5f", 5.0),
        ("1.5F", 1.5),
        ("0.1", 0.1),
    ];
    for (text, expected) in cases {
        assert_eq!(slope(text), Ok(expected), "{text}");
    }
    for text in [
        "inf",
        "-Infinity",
        "nan",
        "1e99",
        "x",
        "'1'",
        "1x",
        "--1",
        "1e",
        "{}",
        "0x1",
    ] {
        assert!(slope(text).is_err(), "{text}");
    }
}

#[test]
fn whole_numbers_truth_values_and_enumerators_are_read() {
    let text = r#"layer { type: "Pooling" pooling_param { kernel_size: 0x1F stride: 010
        pool: AVE round_mode: 1 } }
        layer { type: "InnerProduct" inner_product_param { num_output: 4294967295 bias_term: f transpose: 1 } }
        layer { type: "Reshape" reshape_param { shape { dim: [0, -1] dim: 3 } axis: -1 } }"#;
    let net = read_prototxt(text.as_bytes()).unwrap();
    let pooling = net.layers[0].pooling().unwrap();
    assert_eq!((pooling.kernel, pooling.stride), ([31, 31], [8, 8]));
    assert_eq!(pooling.method, caffemodel::PoolMethod::Average);
    assert_eq!(pooling.rounding, caffemodel::Rounding::Floor);
    let product = net.layers[1].inner_product().unwrap();
    assert_eq!(
        (product.num_output, product.bias_term, product.transpose),
        (4_294_967_295, false, true)
    );
    let reshape = net.layers[2].reshape().unwrap();
    assert_eq!(
        (reshape.dims, reshape.axis, reshape.num_axes),
        (vec![0, -1, 3], -1, -1)
    );
}

#[test]
fn strings_are_unescaped_and_joined() {
    let cases = [
        (r#""a" 'b' "c""#, "abc"),
        ("\"a\" # comment\n 'b'", "ab"),
        (r#""\n\t\\\"\'\?""#, "\n\t\\\"'?"),
        (r#""\101\x42\7""#, "AB\u{7}"),
        (r#""\303\251\u00e9\U0001F600""#, "éé😀"),
        (r#"'"'"#, "\""),
        ("'café'", "café"),
    ];
    for (text, expected) in cases {
        let text = format!("layer {{ name: {text} }}");
        assert_eq!(
            read_prototxt(text.as_bytes()).unwrap().layers[0].name,
            expected
        );
    }
}

#[test]
fn errors_tell_line_column_and_field() {
    let cases = [
        (
            "layer {\n  convolution_param { kernal_size: 3 } }",
            "layer: convolution_param: line 2, column 23: expected a field of ConvolutionParameter, found \"kernal_size\" (is kernel_size meant?)",
        ),
        (
            "layer { lrn_param { whatever: 3 } }",
            "layer: lrn_param: line 1, column 21: expected a field of LRNParameter, found \"whatever\"",
        ),
        (
            "layer {\n name: 3 }",
            "layer: name: line 2, column 8: expected a string in quotes, found \"3\"",
        ),
        (
            "layer { name \"a\" }",
            "layer: name: line 1, column 14: expected ':', found the string \"a\"",
        ),
        (
            "layer { name: \"a }",
            "layer: name: line 1, column 15: expected the end of a string, found the end of the line",
        ),
        (
            "layer { name: \"\\q\" }",
            "layer: name: line 1, column 15: expected an escape of C, found \"q\"",
        ),
        (
            "layer { name: \"\\xff\" }",
            "layer: name: line 1, column 15: expected UTF-8, found \"\\\\xff\"",
        ),
        (
            "layer { pooling_param { pool: AVG } }",
            "layer: pooling_param: pool: line 1, column 31: expected MAX or AVE or STOCHASTIC, found \"AVG\"",
        ),
        (
            "layer { pooling_param { pad: -1 } }",
            "layer: pooling_param: pad: line 1, column 30: expected a whole number from 0 to 4294967295, found minus \"1\"",
        ),
        (
            "layer { pooling_param { pad: 4294967296 } }",
            "found \"4294967296\"",
        ),
        (
            "layer { pooling_param { pad: 99999999999999999999999999999999999999999999 } }",
            "expected a whole number",
        ),
        (
            "layer { pooling_param { pad: 1 pad: 2 } }",
            "layer: pooling_param: pad, line 1, column 32: expected this field once, found it a second time",
        ),
        (
            "layer { convolution_param { bias_term: 2 } }",
            "expected true or false, found \"2\"",
        ),
        (
            "layer { convolution_param { pad: [1 2] } }",
            "expected ',' or ']', found \"2\"",
        ),
        (
            "layers { type: FOO }",
            "expected the name of an enumerator, found \"FOO\"",
        ),
        (
            "layer {",
            "layer: line 1, column 8: expected a field of LayerParameter or '}', found the end of the text",
        ),
        (
            "layer { >",
            "expected a field of LayerParameter or '}', found \">\"",
        ),
        (
            "layer 3",
            "layer: line 1, column 7: expected '{', found \"3\"",
        ),
        (
            "}",
            "line 1, column 1: expected a field of NetParameter, found \"}\"",
        ),
        (
            "param { a: [ }",
            "line 1, column 14: expected ']', found \"}\"",
        ),
        ("param: ]", "expected a value, found \"]\""),
        ("param:", "expected a value, found the end of the text"),
        ("param: -", "expected a value, found the end of the text"),
    ];
    for (text, expected) in cases {
        let found = error(text);
        assert!(found.contains(expected), "{found}");
    }
    let not_text = read_prototxt(b"layer \xff").unwrap_err().to_string();
    assert_eq!(
        not_text,
        "byte 6: expected a text in UTF-8, found other bytes"
    );
}

#[test]
fn what_is_of_no_use_is_skipped_whole() {
    let cases = [
        "a: 1",
        "a: 'x' \"y\" # z\n 'w'",
        "a: - 1.5",
        "a: [1, 2, [ ], { b: 3 }]",
        "a { b < c: \"}\" > [x.y/z]: { } }; ",
        "a: LMDB,",
        "blobs { data: 1 data: 2 }",
        "data_param { backend: LMDB source: 'x' batch_size: 256 }",
    ];
    for skipped in cases {
        let text = format!("layer {{ {skipped} name: 'n' }}");
        assert_eq!(
            read_prototxt(text.as_bytes()).unwrap().layers[0].name,
            "n",
            "{skipped}"
        );
    }
}

#[test]
fn a_million_nested_messages_are_an_error() {
    for open in [
        "layer { a {",
        "a { ",
        "a: [",
        "a <",
        "layer { convolution_param { weight_filler { ",
    ] {
        let text = open.repeat(1_000_000);
        let found = error(&text);
        assert!(
            found.contains("at most 64 messages") || found.contains("expected a field"),
            "{found}"
        );
    }
}
