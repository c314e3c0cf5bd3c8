//! How the seeds came into the range.

use askama::Template;

use super::{Axis, Px, Tick, WIDTH};
use crate::page::numbers::percent;
use crate::record::SeedsRecord;

/// Where a share of 0 and one of 1 are drawn.
const BOTTOM: f64 = 112.0;
const TOP: f64 = 12.0;

/// Most steps that are drawn; of more, every so many.
const MOST: usize = 500;

/// The share of the seeds that is in the range, over evaluations.
#[derive(Template)]
#[template(path = "seeds.svg")]
pub(in crate::page) struct Seeds {
    description: String,
    /// From corner to corner: shares hold until the next step.
    line: String,
    points: Vec<Step>,
    levels: Vec<(Px, &'static str)>,
    ticks: Vec<Tick>,
    width: Px,
    height: Px,
}

struct Step {
    x: Px,
    y: Px,
    text: String,
}

impl Seeds {
    pub(in crate::page) fn new(records: &[SeedsRecord]) -> Seeds {
        let axis = Axis::over(records.iter().map(|record| record.evaluations).chain([0.0]));
        let y = |share: f64| Px(BOTTOM - share.clamp(0.0, 1.0) * (BOTTOM - TOP));
        let step = |record: &SeedsRecord| Step {
            x: axis.at(record.evaluations),
            y: y(record.feasible),
            text: format!(
                "{} after {:.0} evaluations",
                percent(record.feasible),
                record.evaluations
            ),
        };
        let every = records.len().div_ceil(MOST).max(1);
        // The last step is always there.
        let points: Vec<Step> = records.iter().rev().step_by(every).map(step).collect();
        let points: Vec<Step> = points.into_iter().rev().collect();
        let mut line = format!("M{} {}", axis.at(0.0), y(0.0));
        for point in &points {
            line += &format!("H{}V{}", point.x, point.y);
        }
        let texts: Vec<&str> = points.iter().map(|point| point.text.as_str()).collect();
        let described = [texts.first(), texts.last()].into_iter().flatten();
        let described: Vec<&str> = described.copied().collect();
        Seeds {
            description: format!("Share of the seeds in the range: {}.", described.join(", ")),
            line,
            points,
            levels: [(0.0, "none"), (0.5, "50 %"), (1.0, "all")]
                .map(|(share, text)| (y(share), text))
                .into(),
            ticks: axis.ticks(),
            width: Px(WIDTH),
            height: Px(BOTTOM + 22.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(evaluations: f64, feasible: f64) -> SeedsRecord {
        SeedsRecord {
            evaluations,
            feasible,
            least: vec![],
            greatest: vec![],
        }
    }

    #[test]
    fn shares_hold_until_the_next_step() {
        let seeds = Seeds::new(&[record(10.0, 0.0), record(20.0, 0.5), record(40.0, 1.0)]);
        assert_eq!(seeds.line, "M16 112H108V112H200V62H384V12");
        let expected = "Share of the seeds in the range: none after 10 evaluations, 100 % after 40 evaluations.";
        assert_eq!(seeds.description, expected);
    }

    #[test]
    fn of_many_steps_the_last_is_drawn() {
        let records: Vec<SeedsRecord> = (1..=2501).map(|k| record(f64::from(k), 0.0)).collect();
        let seeds = Seeds::new(&records);
        assert!(seeds.points.len() <= MOST);
        let last = seeds.points.last().map(|point| point.text.as_str());
        assert_eq!(last, Some("none after 2501 evaluations"));
        assert!(!Seeds::new(&[]).render().unwrap().contains("NaN"));
    }
}
