//! The page's drawings: SVG, made of numbers alone.

mod histogram;
mod map;
mod seeds;
mod strip;

pub(super) use histogram::Histogram;
pub(super) use map::Map;
pub(super) use seeds::Seeds;
pub(super) use strip::{Distributed, Strip};

use super::numbers::decimals;

/// Width of a drawing, in its own units.
const WIDTH: f64 = 400.0;
/// What stays free at its left and right.
const MARGIN: f64 = 16.0;

/// A place or a length in a drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Px(pub f64);

impl std::fmt::Display for Px {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A tenth of a unit is finer than a pixel. Adding 0 turns -0 into 0.
        let rounded = (10.0 * self.0).round() / 10.0 + 0.0;
        write!(f, "{rounded}")
    }
}

/// A number under an axis.
pub(super) struct Tick {
    pub at: Px,
    pub text: String,
}

/// An axis of activations from left to right.
#[derive(Clone, Copy, Debug)]
struct Axis {
    least: f64,
    greatest: f64,
}

impl Axis {
    /// One that reaches over all finite values.
    fn over(values: impl IntoIterator<Item = f64>) -> Axis {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let nothing = (f64::INFINITY, f64::NEG_INFINITY);
        let (least, greatest) = finite.fold(nothing, |(least, greatest), value| {
            (value.min(least), value.max(greatest))
        });
        match least < greatest {
            true => Axis { least, greatest },
            // A single value lies in the middle.
            false if least.is_finite() => Axis {
                least: least - 1.0,
                greatest: least + 1.0,
            },
            false => Axis {
                least: 0.0,
                greatest: 1.0,
            },
        }
    }

    fn extent(self) -> f64 {
        self.greatest - self.least
    }

    /// Where a value lies; one beyond an end at that end.
    fn at(self, value: f64) -> Px {
        let share = (value.clamp(self.least, self.greatest) - self.least) / self.extent();
        Px(MARGIN + share * (WIDTH - 2.0 * MARGIN))
    }

    /// Where a range begins, and how far it reaches.
    fn span(self, [lo, hi]: [f64; 2]) -> (Px, Px) {
        let (from, to) = (self.at(lo), self.at(hi));
        (from, Px(to.0 - from.0))
    }

    /// A value with as many decimals as can be told apart.
    fn text(self, value: f64) -> String {
        format!("{value:.*}", decimals(self.extent()))
    }

    /// Round numbers, three to seven of them.
    fn ticks(self) -> Vec<Tick> {
        let rough = self.extent() / 5.0;
        let text = format!("{rough:e}");
        let exponent = text
            .split_once('e')
            .and_then(|(_, e)| e.parse::<i32>().ok());
        let exponent = exponent.unwrap_or(0);
        let steps = [
            (1, exponent),
            (2, exponent),
            (5, exponent),
            (1, exponent + 1),
        ];
        let step = |(digit, exponent): (i32, i32)| {
            let step: f64 = format!("{digit}e{exponent}").parse().unwrap_or(1.0);
            (step >= rough).then_some((step, (-exponent).clamp(0, 12) as usize))
        };
        let (step, decimals) = steps.into_iter().find_map(step).unwrap_or((rough, 0));
        let first = (self.least / step).ceil();
        (0..8)
            .map(|k| (first + f64::from(k)) * step)
            .take_while(|&value| value <= self.greatest)
            .map(|value| Tick {
                at: self.at(value),
                text: format!("{:.decimals$}", value + 0.0),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        for (least, greatest, expected) in [
            (8.97, 12.81, &["9", "10", "11", "12"][..]),
            (-3.2, 27.0, &["0", "10", "20"]),
            (-0.02, 0.031, &["-0.02", "0.00", "0.02"]),
            (0.0, 10.0, &["0", "2", "4", "6", "8", "10"]),
        ] {
            let ticks = Axis { least, greatest }.ticks();
            let texts: Vec<&str> = ticks.iter().map(|tick| tick.text.as_str()).collect();
            assert_eq!(texts, expected, "{least} to {greatest}");
        }
    }

    #[test]
    fn an_axis_reaches_over_what_is_finite() {
        let axis = Axis::over([2.0, f64::NEG_INFINITY, 6.0, f64::INFINITY, f64::NAN]);
        assert_eq!((axis.least, axis.greatest), (2.0, 6.0));
        assert_eq!(axis.at(4.0), Px(WIDTH / 2.0));
        assert_eq!(axis.at(f64::INFINITY), Px(WIDTH - MARGIN));
        for values in [vec![], vec![3.0]] {
            let axis = Axis::over(values);
            assert!(axis.extent() > 0.0);
        }
        assert_eq!(
            [Px(1.25), Px(-0.01), Px(3.0)].map(|px| px.to_string()),
            ["1.3", "0", "3"]
        );
    }
}
