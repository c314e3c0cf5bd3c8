//! `cargo xtask bars`: whether a comparison on all neurons of the demo pair's
//! fc8 shows the sampler to be as good as it is said to be.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// What `sampler-cli compare` writes, as far as it is held to something.
#[derive(Deserialize)]
struct Comparison {
    ratios: Vec<Ratio>,
    table: Vec<Row>,
}

#[derive(Deserialize)]
struct Ratio {
    figure: String,
    mean: f64,
    worst: f64,
}

#[derive(Deserialize)]
struct Row {
    method: String,
    figures: BTreeMap<String, Interval>,
}

#[derive(Clone, Copy, Deserialize)]
struct Interval {
    mean: f64,
    low: f64,
}

/// A figure of `compare`, what its mean over neurons must be, and its worst.
const BARS: [(&str, Bound); 6] = [
    ("judge's share / real images'", Bound::AtLeast(0.95, 0.85)),
    ("precision / reconstruction's", Bound::AtLeast(0.90, 0.80)),
    ("coverage / reconstruction's", Bound::AtLeast(0.60, 0.40)),
    ("pair distance / real images'", Bound::AtLeast(1.0, 0.0)),
    ("nearest distance / real images'", Bound::AtLeast(0.8, 0.0)),
    ("evaluations per sample", Bound::AtMost(10.0)),
];

/// Whose coverage at equal cost must be less, beyond chance.
const BEHIND: [&str; 4] = ["ppgn", "ppgn-published", "random", "paper"];

#[derive(Clone, Copy)]
enum Bound {
    /// Mean and worst.
    AtLeast(f64, f64),
    /// Mean.
    AtMost(f64),
}

/// Prints how every figure in a directory of `sampler-cli compare` stands to
/// its bar, and fails if one is missed.
pub(crate) fn run(directory: &Path) -> Result<()> {
    let path = directory.join("compare.json");
    let reading = || format!("reading {}", path.display());
    let text = fs::read_to_string(&path).with_context(reading)?;
    let comparison = serde_json::from_str(&text).with_context(reading)?;
    match judge(&comparison)? {
        0 => Ok(()),
        missed => bail!("{missed} bars missed"),
    }
}

/// Prints every bar; the number of those that are missed.
fn judge(comparison: &Comparison) -> Result<usize> {
    let mut missed = 0;
    let mut line = |holds: bool, words: String| {
        missed += usize::from(!holds);
        println!("{}  {words}", if holds { "ok    " } else { "MISSED" });
    };
    for (figure, bound) in BARS {
        let found = comparison
            .ratios
            .iter()
            .find(|ratio| ratio.figure == figure);
        let &Ratio { mean, worst, .. } =
            found.with_context(|| format!("compare.json: no figure {figure}"))?;
        match bound {
            Bound::AtLeast(bar, of_worst) => line(
                mean >= bar && worst >= of_worst,
                format!(
                    "{figure}: {mean:.3}, at least {bar}; worst {worst:.3}, at least {of_worst}"
                ),
            ),
            Bound::AtMost(bar) => line(mean <= bar, format!("{figure}: {mean:.2}, at most {bar}")),
        }
    }
    for method in BEHIND {
        let row = comparison.table.iter().find(|row| row.method == method);
        let row = row.with_context(|| format!("compare.json: no method {method}"))?;
        let ahead = row.figures.get("reached_ahead");
        let &Interval { mean, low } =
            ahead.with_context(|| format!("compare.json: {method} has no reached_ahead"))?;
        line(
            low > 0.0,
            format!("coverage at equal cost less that of {method}: {mean:.3}, from {low:.3}"),
        );
    }
    Ok(missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(worst_coverage: f64, low: f64) -> Comparison {
        let ratios = BARS.map(|(figure, bound)| Ratio {
            figure: figure.into(),
            mean: match bound {
                Bound::AtLeast(bar, _) | Bound::AtMost(bar) => bar,
            },
            worst: if figure.starts_with("coverage") {
                worst_coverage
            } else {
                0.9
            },
        });
        let row = |method: &str| Row {
            method: method.into(),
            figures: [("reached_ahead".into(), Interval { mean: 0.5, low })].into(),
        };
        Comparison {
            ratios: ratios.into(),
            table: BEHIND.map(row).into(),
        }
    }

    #[test]
    fn what_is_missed_is_counted() {
        assert_eq!(judge(&comparison(0.4, 0.1)).unwrap(), 0);
        assert_eq!(judge(&comparison(0.39, 0.1)).unwrap(), 1);
        assert_eq!(judge(&comparison(f64::NAN, 0.1)).unwrap(), 1);
        assert_eq!(judge(&comparison(0.4, 0.0)).unwrap(), 4);
    }

    #[test]
    fn what_is_absent_is_an_error() {
        let mut comparison = comparison(0.4, 0.1);
        comparison.table.pop();
        assert!(judge(&comparison).is_err());
    }
}
