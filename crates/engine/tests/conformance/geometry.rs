//! Random sizes for the ops that have many.

use netfile::{Convolution, Dtype, Op, Pool, PoolMethod, Rounding};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use crate::case::{Case, ON_CPU};
use crate::compare::Tolerance;

/// Draws per op; the same ones in every run.
const DRAWS: u32 = 100;

pub(crate) fn convolution() -> Result<(), String> {
    check(attributes().prop_flat_map(|a| {
        // A kernel may be as large as the padded image.
        let least = [0, 1].map(|i| extent(&a, i).saturating_sub(2 * a.pad[i]).max(1));
        (channels(a.groups), planes(least)).prop_map(move |(channels, plane)| {
            let k = channels * a.outputs * a.kernel[0] * a.kernel[1];
            case(Op::Convolution(a), channels, plane, Tolerance::reduced(k))
        })
    }))
}

pub(crate) fn transposed_convolution() -> Result<(), String> {
    check(attributes().prop_flat_map(|mut a| {
        // One place must leave a pixel that is not cut off.
        a.pad = [0, 1].map(|i| a.pad[i].min((extent(&a, i) - 1) / 2));
        (channels(a.groups), planes([1, 1])).prop_map(move |(channels, plane)| {
            let k = channels * a.outputs * a.kernel[0] * a.kernel[1];
            let op = Op::TransposedConvolution(a);
            case(op, channels, plane, Tolerance::reduced(k))
        })
    }))
}

pub(crate) fn pool() -> Result<(), String> {
    let axis = || {
        (1..=4usize).prop_flat_map(|kernel| {
            // No window may miss the image.
            let (stride, pad) = (1..=kernel, 0..kernel);
            (Just(kernel), stride, pad, kernel..=kernel + 5)
        })
    };
    let method = prop_oneof![Just(PoolMethod::Max), Just(PoolMethod::Average)];
    let rounding = prop_oneof![Just(Rounding::Ceil), Just(Rounding::Floor)];
    let attributes = (method, rounding, axis(), axis(), 1..=4usize);
    check(attributes.prop_map(|(method, rounding, y, x, channels)| {
        let op = Op::Pool(Pool {
            method,
            kernel: [y.0, x.0],
            stride: [y.1, x.1],
            pad: [y.2, x.2],
            rounding,
        });
        case(op, channels, [y.3, x.3], Tolerance::CLOSE)
    }))
}

fn attributes() -> impl Strategy<Value = Convolution> {
    let both = |sizes: std::ops::RangeInclusive<usize>| [sizes.clone(), sizes];
    let sizes = (both(1..=4), both(1..=3), both(0..=3), both(1..=3));
    (sizes, 1..=3usize, 1..=3usize, any::<bool>()).prop_map(
        |((kernel, stride, pad, dilation), groups, outputs, bias)| Convolution {
            outputs: outputs * groups,
            kernel,
            stride,
            pad,
            dilation,
            groups,
            bias,
        },
    )
}

fn channels(groups: usize) -> impl Strategy<Value = usize> {
    (1..=3usize).prop_map(move |channels| channels * groups)
}

fn planes(least: [usize; 2]) -> impl Strategy<Value = [usize; 2]> {
    least.map(|least| least..=least + 5)
}

fn extent(a: &Convolution, axis: usize) -> usize {
    (a.kernel[axis] - 1) * a.dilation[axis] + 1
}

fn case(op: Op, channels: usize, [h, w]: [usize; 2], tolerance: Tolerance) -> Case {
    Case {
        name: op.name().to_owned(),
        op,
        inputs: vec![vec![channels, h, w]],
        dtype: Dtype::F32,
        tolerance,
        transformed: None,
        batches: &[2],
    }
}

fn check(cases: impl Strategy<Value = Case>) -> Result<(), String> {
    let config = Config {
        cases: DRAWS,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&cases, |case| {
        case.check(&ON_CPU).map_err(TestCaseError::fail)
    });
    outcome.map_err(|error| match error {
        TestError::Fail(reason, case) => format!("{case:?}: {reason}"),
        TestError::Abort(reason) => reason.to_string(),
    })
}
