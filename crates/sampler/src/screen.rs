//! Choosing fresh codes whose images are likely to lie in the ranges.

use crate::batch::Making;
use crate::error::Error;
use crate::random::{Purpose, keyed};
use crate::range::Range;
use crate::space::{Generator, Observer, Space};

/// Codes that are drawn and foretold at a time.
const AT_ONCE: u32 = 16;

impl<S: Space, G: Generator<S>, O: Observer<S>> Making<'_, S, G, O> {
    /// A code from the starting distribution. Where the observer can foretell
    /// values, draws are passed over until one is foretold to lie in all
    /// ranges: that samples the distribution *given* the ranges. Of
    /// `candidates` draws that all miss, the nearest one.
    ///
    /// A value is foretold for a fraction of a percent of an evaluation, which
    /// is not counted.
    pub(crate) fn fresh_code(&mut self, slot: usize, attempt: u32) -> Result<Vec<f32>, Error> {
        let (seed, starts) = (self.options.seed, &self.problem.starts);
        let mut random = keyed(seed, Purpose::Start, self.index, slot as u64, attempt);
        let m = self.problem.ranges.len();
        let mut nearest: Option<(f64, Vec<f32>)> = None;
        let mut left = self.options.candidates;
        loop {
            let n = left.clamp(1, AT_ONCE) as usize;
            let draws: Vec<Vec<f32>> = (0..n).map(|_| starts.draw(&mut random)).collect();
            let Some(values) = self.models.foretell(&draws.concat(), n)? else {
                return Ok(draws.into_iter().next().unwrap_or_default());
            };
            for (code, values) in draws.into_iter().zip(values.chunks_exact(m)) {
                let miss = miss(values, &self.problem.ranges);
                if miss == 0.0 {
                    return Ok(code);
                }
                if nearest.as_ref().is_none_or(|(least, _)| miss < *least) {
                    nearest = Some((miss, code));
                }
            }
            left = left.saturating_sub(AT_ONCE);
            if left == 0 {
                return Ok(nearest.map(|(_, code)| code).unwrap_or_default());
            }
        }
    }
}

/// How far values lie outside of their ranges, squared, in units of each. What
/// is not known counts nothing.
pub(crate) fn miss(values: &[f32], ranges: &[Range]) -> f64 {
    let apart = |(&f, range): (&f32, &Range)| {
        let f = f64::from(f);
        let outside = (f - range.accepting().clip(f)) / range.unit();
        if f.is_nan() { 0.0 } else { outside * outside }
    };
    values.iter().zip(ranges).map(apart).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miss_is_counted_in_units_of_the_range() {
        let ranges = [
            Range::new(2.0, 4.0).unwrap(),
            Range::new(0.0, f64::INFINITY).unwrap(),
        ];
        assert_eq!(miss(&[3.0, 7.0], &ranges), 0.0);
        assert_eq!(miss(&[3.0, f32::NAN], &ranges), 0.0);
        let both = miss(&[8.0, -1.0], &ranges);
        assert!((both - (4.0 + 25.0)).abs() < 0.02, "{both}");
    }
}
