//! What is printed of a converted network.

use netfile::{Dtype, TensorSource};

use super::tensors::Converted;

/// One line per tensor: name, shape, stored type, mean, standard deviation.
pub(super) fn print(tensors: &[Converted<'_>]) {
    let names = tensors.iter().map(|tensor| tensor.name().len());
    let width = names.max().unwrap_or(0).max("tensor".len());
    println!(
        "{:width$}  {:>16}  {:6}  {:>10}  {:>10}",
        "tensor", "shape", "stored", "mean", "std"
    );
    for tensor in tensors {
        let (mean, std) = tensor.moments();
        println!(
            "{:width$}  {:>16}  {:6}  {:>10}  {:>10}",
            tensor.name(),
            shape(tensor.shape()),
            stored(tensor.dtype()),
            short(mean),
            short(std),
        );
    }
    let count: usize = tensors
        .iter()
        .map(|t| t.shape().iter().product::<usize>())
        .sum();
    println!("{count} numbers in {} tensors", tensors.len());
}

fn shape(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    sizes.join("x")
}

fn stored(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F32 => "F32",
        Dtype::F16 => "F16",
        Dtype::Bf16 => "BF16",
    }
}

/// Four digits.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        0.001..1000.0 => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    }
}
