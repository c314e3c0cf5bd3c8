//! How often which activation occurs.

use askama::Template;

use super::{Axis, Px, Tick, WIDTH};
use crate::page::numbers;

/// Where the bars stand, and how high the highest is.
const BOTTOM: f64 = 132.0;
const HIGHEST: f64 = 112.0;

/// The activations of samples within their range.
#[derive(Template)]
#[template(path = "histogram.svg")]
pub(in crate::page) struct Histogram {
    description: String,
    bars: Vec<Bar>,
    range: (Px, Px),
    /// Where an end of the range lies.
    ends: Vec<Px>,
    ticks: Vec<Tick>,
    width: Px,
    bottom: Px,
    height: Px,
}

struct Bar {
    x: Px,
    y: Px,
    width: Px,
    height: Px,
    text: String,
}

impl Histogram {
    pub(in crate::page) fn new(values: &[f32], range: [f64; 2]) -> Histogram {
        let axis = Axis::over(values.iter().map(|&value| value.into()).chain(range));
        let bins = (1.5 * (values.len() as f64).sqrt()).ceil().clamp(6.0, 24.0) as usize;
        let counts = counts(values, axis, bins);
        let most = counts.iter().copied().max().unwrap_or(0);
        let edge = |k: usize| axis.least + axis.extent() * k as f64 / bins as f64;
        let bar = |(k, &count): (usize, &usize)| {
            let (x, width) = axis.span([edge(k), edge(k + 1)]);
            let height = HIGHEST * count as f64 / most as f64;
            Bar {
                x: Px(x.0 + 0.75),
                y: Px(BOTTOM - height),
                width: Px(width.0 - 1.5),
                height: Px(height),
                text: format!(
                    "{} from {} to {}",
                    samples(count),
                    axis.text(edge(k)),
                    axis.text(edge(k + 1))
                ),
            }
        };
        let bars: Vec<Bar> = counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(bar)
            .collect();
        let ends = range.into_iter().filter(|end| end.is_finite());
        let highest = counts.iter().position(|&count| count == most).unwrap_or(0);
        Histogram {
            description: format!(
                "Histogram of the activations of {} in {bins} bins from {} to {}; the most, {most}, lie between {} and {}.",
                samples(values.len()),
                axis.text(axis.least),
                axis.text(axis.greatest),
                axis.text(edge(highest)),
                axis.text(edge(highest + 1)),
            ),
            bars,
            range: axis.span(range),
            ends: ends.map(|end| axis.at(end)).collect(),
            ticks: axis.ticks(),
            width: Px(WIDTH),
            bottom: Px(BOTTOM),
            height: Px(BOTTOM + 22.0),
        }
    }
}

/// How many values lie in each of some bins of equal width.
fn counts(values: &[f32], axis: Axis, bins: usize) -> Vec<usize> {
    let mut counts = vec![0; bins];
    for &value in values {
        let share = (f64::from(value) - axis.least) / axis.extent();
        // The greatest value belongs to the last bin.
        counts[((share * bins as f64) as usize).min(bins - 1)] += 1;
    }
    counts
}

fn samples(n: usize) -> String {
    match n {
        1 => "1 sample".to_owned(),
        n => format!("{} samples", numbers::count(n)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        let axis = Axis {
            least: 0.0,
            greatest: 4.0,
        };
        let values = [0.0, 0.5, 1.0, 3.9, 4.0];
        assert_eq!(counts(&values, axis, 4), [2, 1, 0, 2]);
    }

    #[test]
    fn bars_stand_within_the_drawing() {
        for (values, range) in [
            (vec![1.0, 2.0, 2.5], [0.0, 3.0]),
            (vec![5.0], [5.0, f64::INFINITY]),
            (vec![-1.0, 7.0], [f64::NEG_INFINITY, 7.5]),
        ] {
            let histogram = Histogram::new(&values, range);
            assert!(!histogram.bars.is_empty());
            for bar in &histogram.bars {
                let right = bar.x.0 + bar.width.0;
                assert!(bar.x.0 >= 0.0 && right <= WIDTH && bar.y.0 >= 0.0);
            }
            let svg = histogram.render().unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
