//! How far rounding an image moves the neurons, as observed.

/// Per neuron, the running mean square of `f(rounded) - f(unrounded)`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shifts {
    pub(crate) count: u64,
    /// Sums of squares, `[m]`.
    pub(crate) squares: Vec<f64>,
}

impl Shifts {
    pub(crate) fn new(neurons: usize) -> Shifts {
        Shifts {
            count: 0,
            squares: vec![0.0; neurons],
        }
    }

    pub(crate) fn observe(&mut self, before: &[f32], after: &[f32]) {
        let square = |(&a, &b): (&f32, &f32)| (f64::from(b) - f64::from(a)).powi(2);
        let squares: Vec<f64> = before.iter().zip(after).map(square).collect();
        if squares.iter().all(|square| square.is_finite()) {
            self.count += 1;
            for (sum, square) in self.squares.iter_mut().zip(squares) {
                *sum += square;
            }
        }
    }

    /// Root mean square shift of one neuron; 0 before the first observation.
    pub(crate) fn typical(&self, neuron: usize) -> f64 {
        (self.squares[neuron] / self.count.max(1) as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typical_shift_is_the_root_mean_square() {
        let mut shifts = Shifts::new(2);
        assert_eq!(shifts.typical(0), 0.0);
        shifts.observe(&[1.0, 0.0], &[4.0, 0.0]);
        shifts.observe(&[1.0, 0.0], &[5.0, 0.0]);
        shifts.observe(&[f32::NAN, 0.0], &[5.0, 9.0]);
        assert_eq!(
            (shifts.typical(0), shifts.typical(1)),
            (f64::sqrt(12.5), 0.0)
        );
    }
}
