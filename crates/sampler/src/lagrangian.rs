//! The augmented Lagrangian term of a two-sided constraint, with one signed
//! multiplier.
//!
//! To minimise `F` subject to `f` in the band `B`, write `f - s = 0` with a
//! slack `s` in `B` and eliminate `s`:
//!
//! ```text
//! s*   = clip(f - l / mu, B)          r  = f - s*
//! term = -l r + mu/2 r^2              l+ = l - mu r          dterm/df = -l+
//! ```
//!
//! where `l` is the multiplier and `l+` what it is updated to. A positive `l`
//! is the lower bound pressing up, a negative one the upper bound pressing
//! down; strictly inside, `l+ = 0`. Open ends are infinite and need no case of
//! their own. Up to the constant `l^2 / 2 mu` the term is the penalty
//! `P = mu/2 dist(f - l/mu, B)^2 = l+^2 / 2 mu`, the quantity that a repair
//! step drives to zero.

use crate::range::Band;

/// `l+`, the updated multiplier, and minus the derivative of the term by `f`.
pub fn updated(f: f64, multiplier: f64, mu: f64, band: Band) -> f64 {
    let slack = band.clip(f - multiplier / mu);
    multiplier - mu * (f - slack)
}

/// The term `-l r + mu/2 r^2`.
pub fn term(f: f64, multiplier: f64, mu: f64, band: Band) -> f64 {
    let residual = f - band.clip(f - multiplier / mu);
    -multiplier * residual + 0.5 * mu * residual * residual
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSE: f64 = 1e-6;
    const GRID: usize = 20_000;
    /// A grid over 60 leaves `mu/2 (60 / GRID)^2` at the most.
    const GRID_CLOSE: f64 = 1e-4;

    fn cases() -> Vec<(f64, f64, f64, Band)> {
        let bands = [
            (-1.0, 2.0),
            (0.5, 0.75),
            (-3.0, f64::INFINITY),
            (f64::NEG_INFINITY, 1.0),
        ];
        let mut cases = Vec::new();
        for (lo, hi) in bands {
            for f in [-4.1, -0.3, 0.6, 1.9, 5.0] {
                for multiplier in [-3.0, 0.0, 0.73, 9.0] {
                    for mu in [0.5, 4.0] {
                        cases.push((f, multiplier, mu, Band { lo, hi }));
                    }
                }
            }
        }
        cases
    }

    #[test]
    fn the_term_is_the_least_over_all_slacks() {
        for (f, multiplier, mu, band) in cases() {
            let (lo, hi) = (band.lo.max(-30.0), band.hi.min(30.0));
            let least = (0..=GRID)
                .map(|k| {
                    let r = f - (lo + (hi - lo) * k as f64 / GRID as f64);
                    -multiplier * r + 0.5 * mu * r * r
                })
                .fold(f64::INFINITY, f64::min);
            let term = term(f, multiplier, mu, band);
            assert!(
                (term - least).abs() <= GRID_CLOSE * (1.0 + least.abs()),
                "{term} {least}"
            );
        }
    }

    #[test]
    fn the_updated_multiplier_is_minus_the_derivative() {
        let h = 1e-5;
        for (f, multiplier, mu, band) in cases() {
            let slope =
                (term(f + h, multiplier, mu, band) - term(f - h, multiplier, mu, band)) / (2.0 * h);
            let updated = updated(f, multiplier, mu, band);
            assert!(
                (slope + updated).abs() <= CLOSE * (1.0 + updated.abs()),
                "{slope} {updated}"
            );
        }
    }

    #[test]
    fn below_the_range_is_pushed_up_and_above_it_down() {
        let band = Band { lo: 2.0, hi: 3.0 };
        assert!(updated(1.0, 0.0, 1.0, band) > 0.0);
        assert!(updated(4.0, 0.0, 1.0, band) < 0.0);
        assert_eq!(updated(2.5, 0.0, 1.0, band), 0.0);
    }

    #[test]
    fn two_one_sided_constraints_press_the_same_where_one_of_them_is_slack() {
        // The textbook's form: d/df [psi(f - lo) + psi(hi - f)] with multipliers of at least 0.
        let (mu, band) = (2.0, Band { lo: -1.0, hi: 2.0 });
        let cases = [
            (1.5, -2.0),
            (1.5, -0.9),
            (1.5, 0.5),
            (0.0, -3.0),
            (0.0, 0.0),
            (0.0, 4.0),
        ];
        let mirrored = cases.map(|(multiplier, f): (f64, f64)| (-multiplier, 1.0 - f));
        for (multiplier, f) in cases.into_iter().chain(mirrored) {
            let (below, above) = (f64::max(multiplier, 0.0), f64::max(-multiplier, 0.0));
            let two = f64::max(below - mu * (f - band.lo), 0.0)
                - f64::max(above - mu * (band.hi - f), 0.0);
            assert!(
                (two - updated(f, multiplier, mu, band)).abs() <= CLOSE,
                "{multiplier} {f}"
            );
        }
    }
}
