//! Fixtures shared by the tests that cross crates: where the committed
//! networks lie, inputs away from kinks, and a comparator that NaN fails.

pub mod fixture;
pub mod golden;

use std::path::{Path, PathBuf};

use netfile::{EltwiseOperation, Layer, NetworkFile, Op, Pool, PoolMethod};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Normal};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Opens `weights/<pair>/<part>.safetensors`.
///
/// # Panics
/// If the committed file is missing or damaged.
pub fn committed(pair: &str, part: &str) -> NetworkFile {
    let path = root()
        .join("weights")
        .join(pair)
        .join(format!("{part}.safetensors"));
    NetworkFile::open(&path).unwrap_or_else(|error| panic!("{error}"))
}

/// `len` numbers from a normal distribution, the same for the same seed.
pub fn normal(seed: u64, mean: f32, std: f32, len: usize) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let distribution = Normal::new(mean, std).expect("a finite deviation");
    (0..len).map(|_| distribution.sample(&mut random)).collect()
}

/// The least distance of any value from a place where the network's gradient
/// jumps: zero at the input of a rectifier, a tie in a window of a maximum.
/// Activations are per node, in the order of [`engine::reference::forward`],
/// of one sample.
///
/// Windows whose greatest value is exactly zero do not count: behind a
/// rectifier that is a plateau, not a tie.
pub fn distance_from_kinks(
    file: &NetworkFile,
    shapes: &[Vec<usize>],
    activations: &[Vec<f64>],
) -> f64 {
    let layers = &file.description().layers;
    let node = |name: &str| {
        let layer = layers.iter().position(|layer| layer.name == name);
        layer.map_or(0, |i| i + 1)
    };
    let distance = |layer: &Layer| {
        let inputs: Vec<usize> = layer.inputs.iter().map(|name| node(name)).collect();
        let x = &activations[inputs[0]];
        match &layer.op {
            Op::Relu(_) => least(x.iter().map(|v| v.abs())),
            Op::Pool(pool) if pool.method == PoolMethod::Max => {
                let windows = windows(pool, &shapes[inputs[0]], &shapes[node(&layer.name)]);
                let values =
                    |window: Vec<usize>| -> Vec<f64> { window.iter().map(|&i| x[i]).collect() };
                let contested = windows.map(values).filter(|v| greatest(v) != 0.0);
                least(contested.map(lead))
            }
            Op::Eltwise(eltwise) if eltwise.operation == EltwiseOperation::Max => {
                let values = |i| inputs.iter().map(|&input| activations[input][i]).collect();
                least((0..x.len()).map(|i| lead(values(i))))
            }
            _ => f64::INFINITY,
        }
    };
    least(layers.iter().map(distance))
}

fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::INFINITY, f64::min)
}

fn greatest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// By how much the greatest value exceeds the next one.
fn lead(mut values: Vec<f64>) -> f64 {
    values.sort_by(|a, b| b.total_cmp(a));
    match values[..] {
        [first, second, ..] => first - second,
        _ => f64::INFINITY,
    }
}

/// The positions in the input of every window of a pool, given the shapes
/// `[c, h, w]` of its input and output.
fn windows(pool: &Pool, input: &[usize], output: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let ([c, h, w], [_, h_out, w_out]) = (planes(input), planes(output));
    let Pool {
        kernel,
        stride,
        pad,
        ..
    } = *pool;
    positions(c, h_out, w_out).map(move |(channel, y, x)| {
        let columns = window(x, stride[1], pad[1], kernel[1], w);
        window(y, stride[0], pad[0], kernel[0], h)
            .flat_map(|row| {
                columns
                    .clone()
                    .map(move |column| (channel * h + row) * w + column)
            })
            .collect()
    })
}

fn planes(shape: &[usize]) -> [usize; 3] {
    shape.try_into().expect("a pool works on planes")
}

fn positions(c: usize, h: usize, w: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..c).flat_map(move |c| (0..h).flat_map(move |y| (0..w).map(move |x| (c, y, x))))
}

fn window(
    out: usize,
    stride: usize,
    pad: usize,
    kernel: usize,
    size: usize,
) -> std::ops::Range<usize> {
    let start = out * stride;
    start.saturating_sub(pad)..(start + kernel).saturating_sub(pad).min(size)
}

/// Whether every value is within `tolerance` of the greatest magnitude that is
/// expected (or of 1, if that is less).
///
/// # Errors
/// Names the worst place, if one is not; a NaN is worse than any number.
pub fn compare(what: &str, found: &[f32], expected: &[f64], tolerance: f64) -> Result<(), String> {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    let scale = expected.iter().fold(1.0f64, |scale, v| scale.max(v.abs()));
    let bound = tolerance * scale;
    let error = |i: usize| (f64::from(found[i]) - expected[i]).abs();
    let wrong: Vec<usize> = (0..found.len())
        .filter(|&i| error(i) > bound || error(i).is_nan())
        .collect();
    let Some(&worst) = wrong
        .iter()
        .max_by(|&&a, &&b| error(a).total_cmp(&error(b)))
    else {
        return Ok(());
    };
    Err(format!(
        "{what}: {} of {} values differ by more than {bound:e}; first at {}, worst at {worst}: {} instead of {}",
        wrong.len(),
        found.len(),
        wrong[0],
        found[worst],
        expected[worst]
    ))
}

/// Fails unless [`compare`] agrees.
///
/// # Panics
/// With what it says.
pub fn assert_close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    compare(what, found, expected, tolerance).unwrap_or_else(|error| panic!("{error}"));
}

/// The same numbers in f64.
pub fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}
