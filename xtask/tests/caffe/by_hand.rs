//! What Caffe's definitions say, worked out by hand: the network `by_hand` of
//! `tests/caffe/nets.py` has weights that are small whole numbers. Here stand
//! also the kinds of layers that OpenCV lacks or computes differently.

use crate::converted::{convert, fixture};

const EXACT: f64 = 1e-6;

/// The first channel; the second is its negative.
const PLANE: [f64; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];

/// A layer's values, where those of the second channel are the negatives of
/// the first's.
fn odd(first: &[f64]) -> Vec<f64> {
    first
        .iter()
        .copied()
        .chain(first.iter().map(|v| -v))
        .collect()
}

/// A layer's values, where both channels depend on the plane's values.
fn both(first: impl Fn(f64) -> f64, second: impl Fn(f64) -> f64) -> Vec<f64> {
    let second = PLANE.iter().map(|&v| second(v));
    PLANE.iter().map(|&v| first(v)).chain(second).collect()
}

fn cases() -> Vec<(&'static str, Vec<f64>)> {
    vec![
        // ceil((3 + 2 - 2) / 2) + 1 = 3, but the third window would begin at
        // 4 - 1 = 3, in the padding: 2. The maximum is over pixels only, so
        // that zeros of the padding do not beat the negative channel.
        ("max_pad", vec![1., 3., 7., 9., -1., -2., -4., -5.]),
        // floor((3 - 2) / 2) + 1 = 1
        ("max_floor", vec![5., -1.]),
        // Four positions to a window, whatever part of it is padding:
        // 1 / 4, (2 + 3) / 4, (4 + 7) / 4, (5 + 6 + 8 + 9) / 4.
        ("average_pad", odd(&[0.25, 1.25, 2.75, 7.0])),
        // Windows that pass the edge are cut: 12 / 4, 9 / 2, 15 / 2, 9 / 1.
        ("average_ceil", odd(&[3.0, 4.5, 7.5, 9.0])),
        // alpha / size = 1 times the squares of both channels, k = 2.
        (
            "lrn",
            both(|v| v / (2.0 + 2.0 * v * v), |v| -v / (2.0 + 2.0 * v * v)),
        ),
        // The corners of the plane: 1 * 1 + 10 * 3 + 100 * 7 + 1000 * 9.
        ("dilated", vec![9731.0]),
        // 5 * [1 2; 3 4] - 1 * [0 1; 0 0] + 0.5: no flip.
        ("deconv", vec![5.5, 9.5, 15.5, 20.5]),
        // Each value v of max_pad adds v * [1 2 3; 4 5 6; 7 8 9] at twice its
        // place less the padding; e.g. the centre is 1 * 9 + 3 * 7 + 7 * 3 + 9 * 1.
        (
            "deconv_stride",
            vec![
                5., 18., 15., 22., 60., 42., 35., 78., 45., // of 1 3 7 9
                -5., -14., -10., -16., -40., -26., -20., -44., -25., // of -1 -2 -4 -5
            ],
        ),
        // Rows are inputs: 5 * [1 2 3] - 1 * [4 5 6] + [0.5 0 0].
        ("transposed", vec![1.5, 5.0, 9.0]),
        // Mean 2 / 2 and 4 / 2, variance 8 / 2 and 22 / 2, epsilon 5: the
        // roots are 3 and 4.
        ("norm", both(|v| (v - 1.0) / 3.0, |v| (-v - 2.0) / 4.0)),
        // Factors 2 and -1, no bias.
        ("scale", both(|v| 2.0 * v, |v| v)),
        ("bias", both(|v| v + 10.0, |v| 20.0 - v)),
        // Half the input less twice its scale.
        ("weighted", both(|v| -3.5 * v, |v| -2.5 * v)),
        ("greatest", both(|v| 2.0 * v, |v| v)),
        // Over the channels: e^v / (e^v + e^-v).
        (
            "softmax",
            both(
                |v| 1.0 / (1.0 + (-2.0 * v).exp()),
                |v| 1.0 / (1.0 + (2.0 * v).exp()),
            ),
        ),
        // Offset 1 down, 0 across, the size of max_pad.
        ("crop", odd(&[4.0, 5.0, 7.0, 8.0])),
    ]
}

#[test]
fn every_layer_computes_what_was_worked_out_by_hand() {
    let prototxt = fixture("by_hand.prototxt");
    for options in [&["--prototxt", prototxt.as_str()][..], &[]] {
        let mut network = convert("by_hand", options).unwrap();
        let plane = PLANE.map(|v| v as f32);
        let input: Vec<f32> = plane.into_iter().chain(plane.map(|v| -v)).collect();
        network.run(&input);
        for (layer, expected) in cases() {
            network.assert_close(layer, &expected, EXACT);
        }
        assert_eq!(network.layers().len(), cases().len());
    }
}
