//! How alike two gradients are.

/// `|found - exact| / |exact|`.
pub(crate) fn error(found: &[f32], exact: &[f64]) -> f64 {
    let difference = found.iter().zip(exact).map(|(&f, e)| f64::from(f) - e);
    norm(difference) / norm(exact.iter().copied())
}

/// Of the angle between both.
pub(crate) fn cosine(found: &[f32], exact: &[f64]) -> f64 {
    let product: f64 = found
        .iter()
        .zip(exact)
        .map(|(&f, e)| f64::from(f) * e)
        .sum();
    product / norm(found.iter().map(|&f| f64::from(f))) / norm(exact.iter().copied())
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_of_likeness() {
        assert_eq!(error(&[3.0, 0.0], &[3.0, 4.0]), 0.8);
        assert_eq!(cosine(&[2.0, 0.0], &[3.0, 4.0]), 0.6);
    }
}
