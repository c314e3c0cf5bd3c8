//! The engine against PyTorch.

use std::path::Path;

use anyhow::Result;

use super::joined::Joined;
use super::reference::{CODE, Reference, UNIT};
use super::report::Report;
use crate::likeness::{cosine, error};

/// Codes that run at once.
const BATCH: usize = 8;
/// Classes of fc8.
const CLASSES: usize = 1000;
/// Codes whose activations the reference holds.
const KEPT: usize = 4;
/// The activations that it holds.
const ACTIVATIONS: [&str; 12] = [
    "generator.defc7",
    "generator.defc5",
    "generator.deconv5",
    "generator.conv4_1",
    "generator.deconv0",
    "images",
    "classifier.conv1",
    "classifier.norm2",
    "classifier.conv5",
    "classifier.fc6",
    "classifier.relu6",
    "classifier.fc8",
];

/// How the engine is measured, and how far it may be from PyTorch in f64.
pub(super) struct Way {
    /// What the report calls it.
    pub name: &'static str,
    /// Whether convolutions go by Winograd's transforms.
    winograd: bool,
    /// What the names of the reference for its weights begin with.
    prefix: &'static str,
    /// Of an activation, relative to its layer's greatest magnitude.
    activation: f64,
    /// Of the median gradient's error, in units of the error that PyTorch
    /// makes in f32. A rectifier that opens in one precision and not in the
    /// other costs either of them the same.
    gradient: f64,
    /// Cosine of the least similar gradient.
    cosine: f64,
}

/// Weights as they were, every product as it is defined.
pub(super) const DIRECT: Way = Way {
    name: "F32 weights, direct",
    winograd: false,
    prefix: "",
    activation: 1e-3,
    gradient: 1.5,
    cosine: 0.9999,
};

/// Weights as they were, convolutions by Winograd's transforms.
pub(super) const WINOGRAD: Way = Way {
    name: "F32 weights, Winograd",
    winograd: true,
    prefix: "",
    activation: 1e-4,
    gradient: 3.0,
    cosine: 0.999,
};

/// The same with the generator in half precision, as it is stored by default,
/// against the weights as they are stored.
pub(super) const DEFAULT: Way = Way {
    name: "default weights, Winograd",
    prefix: "rounded.",
    ..WINOGRAD
};

/// Measures a pair against the reference.
pub(super) fn with_reference(
    way: Way,
    pair: &Path,
    reference: &Reference,
    report: &mut Report,
) -> Result<()> {
    let mut joined = Joined::open(pair, BATCH, way.winograd, &ACTIVATIONS)?;
    activations(&way, &mut joined, reference, report)?;
    gradients(&way, &mut joined, reference, report)
}

fn activations(
    way: &Way,
    joined: &mut Joined,
    reference: &Reference,
    report: &mut Report,
) -> Result<()> {
    let codes = reference.floats("codes")?;
    joined.forward(&codes[..KEPT * CODE]);
    for name in ACTIVATIONS {
        let expected = reference.doubles(&format!("{}{name}", way.prefix))?;
        let found = deviation(&joined.activation(name)?, &expected);
        let what = format!("{}: {name}, greatest deviation", way.name);
        report.at_most(what, found, way.activation);
    }
    Ok(())
}

fn gradients(
    way: &Way,
    joined: &mut Joined,
    reference: &Reference,
    report: &mut Report,
) -> Result<()> {
    let of = |precision: &str| format!("{}gradients.{precision}", way.prefix);
    let exact = reference.doubles(&of("f64"))?;
    let found = Likeness::of_codes(&all_gradients(joined, reference)?, &exact);
    let torch = Likeness::of_codes(&reference.floats(&of("f32"))?, &exact);
    let name = format!("{}: gradient,", way.name);
    report.at_most(
        format!("{name} median error"),
        found.median_error,
        way.gradient * torch.median_error,
    );
    report.at_least(
        format!("{name} least cosine"),
        found.least_cosine,
        way.cosine,
    );
    for (whose, of) in [("found", &found), ("PyTorch in f32", &torch)] {
        report.note(
            format!("{name} {whose}"),
            format!(
                "all {:.1e}, median {:.1e}; least cosine {:.6}; {} codes flip",
                of.error, of.median_error, of.least_cosine, of.flipped
            ),
        );
    }
    Ok(())
}

/// Of every code: the loss is unit `UNIT` of fc8 plus relu6 times v.
fn all_gradients(joined: &mut Joined, reference: &Reference) -> Result<Vec<f32>> {
    let v = reference.floats("v")?;
    let mut all = Vec::new();
    for codes in reference.floats("codes")?.chunks(BATCH * CODE) {
        let n = codes.len() / CODE;
        let unit = |i: usize| f32::from(u8::from(i % CLASSES == UNIT));
        let d_fc8 = (0..n * CLASSES).map(unit).collect();
        joined.forward(codes);
        all.extend(joined.gradient(&[("fc8", d_fc8), ("relu6", v.repeat(n))])?);
    }
    Ok(all)
}

/// The greatest difference, relative to the greatest magnitude that is
/// expected. NaN if any number is.
fn deviation(found: &[f32], expected: &[f64]) -> f64 {
    if found.len() != expected.len() {
        return f64::NAN;
    }
    let differences = found.iter().zip(expected);
    let difference = greatest(differences.map(|(&f, e)| (f64::from(f) - e).abs()));
    difference / greatest(expected.iter().map(|e| e.abs()))
}

fn greatest(values: impl Iterator<Item = f64>) -> f64 {
    // Not f64::max, which would drop a NaN.
    values.fold(
        0.0,
        |most, v| if most.is_nan() || v <= most { most } else { v },
    )
}

/// Rounding alone leaves an error of a tenth of this.
const FLIPPED: f64 = 2e-5;

/// How alike two gradients are, over all codes.
struct Likeness {
    /// Of all codes as one.
    error: f64,
    /// Codes whose error is so great that a rectifier must have opened in one
    /// precision and not in the other.
    flipped: usize,
    median_error: f64,
    least_cosine: f64,
}

impl Likeness {
    fn of_codes(found: &[f32], exact: &[f64]) -> Likeness {
        let codes = || found.chunks(CODE).zip(exact.chunks(CODE));
        let cosines = codes().map(|(found, exact)| cosine(found, exact));
        Likeness {
            error: error(found, exact),
            flipped: codes()
                .filter(|(found, exact)| error(found, exact) > FLIPPED)
                .count(),
            median_error: median(codes().map(|(found, exact)| error(found, exact)).collect()),
            least_cosine: cosines.fold(1.0, least),
        }
    }
}

/// Not `f64::min`, which would drop a NaN.
fn least(a: f64, b: f64) -> f64 {
    if a.is_nan() || a <= b { a } else { b }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n => (values[(n - 1) / 2] + values[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_of_likeness() {
        assert_eq!(deviation(&[1.0, -3.0], &[1.0, -4.0]), 0.25);
        assert!(deviation(&[f32::NAN, 1.0], &[1.0, 1.0]).is_nan());
        assert!(deviation(&[1.0], &[1.0, 1.0]).is_nan());
        assert_eq!(median(vec![3.0, 1.0, 10.0, 2.0]), 2.5);
        assert!([1.0, f64::NAN, 0.5].into_iter().fold(1.0, least).is_nan());
    }
}
