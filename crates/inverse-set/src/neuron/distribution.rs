//! The quantiles of a neuron, and the ranges that they give.

use engine::Shape;
use netfile::{NetworkFile, Quantiles};

use super::{Unit, number};
use crate::{Bound, Error};

/// Quantiles of a neuron's activation over the reference images of its
/// network file.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Percentages in increasing order.
    pub levels: Vec<f32>,
    /// The activation at each level, over all images.
    pub over_all: Vec<f32>,
    /// The activation at each level over the images of the unit's own label,
    /// where the file has that table.
    pub over_label: Option<Vec<f32>>,
    /// Which images, in words.
    pub images: String,
}

impl Distribution {
    /// Reads one row of the layer's tables.
    pub(super) fn read(
        layer: &str,
        unit: Unit,
        shape: &Shape,
        file: &NetworkFile,
    ) -> Result<Option<Distribution>, Error> {
        let key = match unit {
            Unit::Max { .. } => format!("{layer}@max"),
            Unit::Mean { .. } => format!("{layer}@mean"),
            _ => layer.to_owned(),
        };
        let Some(quantiles) = file.description().quantiles.get(&key) else {
            return Ok(None);
        };
        let columns = quantiles.levels.len();
        let row = unit.row(shape);
        let read = |name: String| {
            let values = file.floats(&name).ok();
            let found = values
                .as_ref()
                .and_then(|values| values.chunks_exact(columns).nth(row));
            found.map(<[f32]>::to_vec).ok_or_else(|| {
                Error::Request(format!(
                    "tensor {name} has no row {row} for {layer}:{unit}; give the range in numbers"
                ))
            })
        };
        let over_label = quantiles
            .by_label
            .then(|| read(Quantiles::over_label(&key)));
        Ok(Some(Distribution {
            levels: quantiles.levels.clone(),
            over_all: read(Quantiles::over_all(&key))?,
            over_label: over_label.transpose()?,
            images: quantiles.images.clone(),
        }))
    }

    /// The activations at 25 % and 75 %, between which half of the images lie:
    /// over all images, and over those of the unit's own label.
    pub fn middle_halves(&self) -> [Option<[f64; 2]>; 2] {
        let half = |values: &Vec<f32>| {
            let [low, high] = [25.0, 75.0].map(|level| self.at(values, level).ok());
            Some([low?, high?])
        };
        [
            half(&self.over_all),
            self.over_label.as_ref().and_then(half),
        ]
    }

    /// The activation at a percentage; linear between the table's levels.
    fn at(&self, values: &[f32], level: f64) -> Result<f64, String> {
        let levels = &self.levels;
        let [least, greatest] = [levels[0], levels[levels.len() - 1]].map(f64::from);
        if !(least..=greatest).contains(&level) {
            return Err(format!(
                "the quantile {level} lies outside of the table's levels {least} to {greatest}"
            ));
        }
        let above = levels.iter().position(|&l| f64::from(l) >= level);
        let above = above.expect("the greatest level is not below");
        let below = above.saturating_sub(1);
        let [x0, x1] = [below, above].map(|i| f64::from(levels[i]));
        let [y0, y1] = [below, above].map(|i| f64::from(values[i]));
        let share = if x1 > x0 {
            (level - x0) / (x1 - x0)
        } else {
            0.0
        };
        Ok(six_digits(y0 + share * (y1 - y0)))
    }
}

/// Rounds to six significant digits, so that the range which is printed is
/// exactly the range which is sampled.
fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}")
        .parse()
        .expect("a formatted number is a number")
}

/// Turns quantiles into activations and checks that a range remains.
pub(super) fn resolve_range(
    range: Option<[Bound; 2]>,
    labelled: bool,
    distribution: Option<&Distribution>,
) -> Result<[f64; 2], String> {
    let own = labelled && distribution.is_some_and(|d| d.over_label.is_some());
    let ends = range.unwrap_or(match own {
        true => [Bound::LabelPercentile(25.0), Bound::LabelPercentile(75.0)],
        false => [Bound::Percentile(75.0), Bound::Percentile(95.0)],
    });
    let table = || {
        distribution.ok_or(
            "the network file tells no quantiles of this neuron; give its range in numbers, as in =5..8",
        )
    };
    let resolve = |end, open| match end {
        Bound::Open => Ok(open),
        Bound::Value(value) => Ok(value),
        Bound::Percentile(level) => {
            let table = table()?;
            table.at(&table.over_all, level)
        }
        Bound::LabelPercentile(level) => {
            let table = table()?;
            let values = table.over_label.as_ref().filter(|_| labelled).ok_or_else(|| {
                format!("c{level} needs quantiles over a label of the neuron's own, and it has none; try p{level}")
            })?;
            table.at(values, level)
        }
    };
    let lo = resolve(ends[0], f64::NEG_INFINITY)?;
    let hi = resolve(ends[1], f64::INFINITY)?;
    if lo > hi {
        return Err(format!(
            "the range's lower end {} lies above its upper end {}; try ={}..{}",
            number(lo),
            number(hi),
            number(hi),
            number(lo)
        ));
    }
    if lo == hi {
        return Err(format!(
            "the range {}..{} has zero width; give two different ends",
            number(lo),
            number(hi)
        ));
    }
    Ok([lo, hi])
}
