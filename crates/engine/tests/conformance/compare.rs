//! When two results count as the same.

/// How far a value may lie from the expected one: `atol + rtol |expected|`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    atol: f64,
    rtol: f64,
}

impl Tolerance {
    /// Numbers that are only moved, or chosen among.
    pub(crate) const EXACT: Tolerance = Tolerance::new(0.0, 0.0);
    /// A handful of roundings of numbers of size 1.
    pub(crate) const CLOSE: Tolerance = Tolerance::new(1e-6, 4e-6);

    /// A sum of `k` products of numbers of size 1.
    pub(crate) const fn reduced(k: usize) -> Tolerance {
        Tolerance::new(1e-6 + 1e-7 * k as f64, 1e-6)
    }

    /// The same by Winograd's transforms, which add and subtract numbers up to
    /// ten times as great.
    pub(crate) const fn transformed(k: usize) -> Tolerance {
        let Tolerance { atol, rtol } = Tolerance::reduced(k);
        Tolerance::new(3.0 * atol, 3.0 * rtol)
    }

    const fn new(atol: f64, rtol: f64) -> Tolerance {
        Tolerance { atol, rtol }
    }

    /// False for NaN on either side, as every comparison with it is.
    fn accepts(self, found: f64, expected: f64) -> bool {
        (found - expected).abs() <= self.atol + self.rtol * expected.abs()
    }
}

/// Compares `n` samples of shape `shape`; the message shows the first and the
/// worst difference and how many there are.
pub(crate) fn compare(
    what: &str,
    shape: &[usize],
    found: &[f64],
    expected: &[f64],
    tolerance: Tolerance,
) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!(
            "{what}: {} values, expected {}",
            found.len(),
            expected.len()
        ));
    }
    let pairs = || found.iter().zip(expected).map(|(&f, &e)| (f, e));
    let wrong: Vec<usize> = pairs()
        .enumerate()
        .filter(|&(_, (f, e))| !tolerance.accepts(f, e))
        .map(|(i, _)| i)
        .collect();
    // NaN sorts above every number.
    let error = |i: usize| (found[i] - expected[i]).abs();
    let worst = wrong
        .iter()
        .copied()
        .max_by(|&a, &b| error(a).total_cmp(&error(b)));
    let (Some(&first), Some(worst)) = (wrong.first(), worst) else {
        return Ok(());
    };
    let show = |i: usize| {
        let at = index(i, shape);
        format!("at {at:?} found {:e}, expected {:e}", found[i], expected[i])
    };
    Err(format!(
        "{what}: {} of {} values differ by more than {tolerance:?}\n  first {}\n  worst {}",
        wrong.len(),
        found.len(),
        show(first),
        show(worst)
    ))
}

/// Sample and position of a value.
fn index(mut i: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let at = i % size;
            i /= size;
            at
        })
        .collect();
    index.push(i);
    index.reverse();
    index
}

/// A NaN on either side fails under every tolerance.
pub(crate) fn refuses_nan() -> Result<(), String> {
    for tolerance in [Tolerance::EXACT, Tolerance::CLOSE, Tolerance::reduced(9)] {
        for (found, expected) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::NAN, f64::NAN)] {
            if compare("pair", &[1], &[found], &[expected], tolerance).is_ok() {
                return Err(format!("{found} passes for {expected} with {tolerance:?}"));
            }
        }
    }
    Ok(())
}

/// The message names sample and position of the first and the worst value.
pub(crate) fn shows_first_and_worst() -> Result<(), String> {
    let found = [0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 7.0, 0.0];
    let message =
        compare("y", &[2, 2], &found, &[0.0; 8], Tolerance::CLOSE).expect_err("two values differ");
    for part in ["2 of 8", "first at [0, 1, 0]", "worst at [1, 1, 0]"] {
        if !message.contains(part) {
            return Err(format!("no `{part}` in: {message}"));
        }
    }
    Ok(())
}
