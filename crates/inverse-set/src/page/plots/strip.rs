//! How a range lies in what real images cause.

use askama::Template;

use super::{Axis, Px, Tick, WIDTH};

/// Height of a row of the strip, and of the band in it.
const ROW: f64 = 46.0;
const BAND: f64 = 20.0;

/// Quantiles of the activation over some images.
pub(in crate::page) struct Distributed<'a> {
    pub images: &'static str,
    /// From the least level to the greatest.
    pub values: &'a [f32],
}

/// One row of bands for each distribution, a line for each sample, and the
/// range across all of them, with further edges if it is divided. Each band reaches from a quantile to its opposite;
/// they darken towards the median.
#[derive(Template)]
#[template(path = "strip.svg")]
pub(in crate::page) struct Strip {
    description: String,
    rows: Vec<Row>,
    /// Where the samples lie.
    lines: Vec<Px>,
    /// The samples' row.
    samples: Frame,
    range: (Px, Px),
    ends: Vec<Tick>,
    ticks: Vec<Tick>,
    width: Px,
    bottom: Px,
    height: Px,
}

struct Row {
    frame: Frame,
    images: &'static str,
    bands: Vec<(Px, Px)>,
    /// What a band covers of what lies below it.
    opacity: String,
    median: Px,
}

/// Where a row's text stands and its band begins and ends.
struct Frame {
    text: Px,
    top: Px,
    bottom: Px,
}

impl Frame {
    fn of_row(row: usize) -> Frame {
        let top = row as f64 * ROW;
        Frame {
            text: Px(top + 16.0),
            top: Px(top + 22.0),
            bottom: Px(top + 22.0 + BAND),
        }
    }
}

impl Strip {
    pub(in crate::page) fn new(
        distributions: &[Distributed<'_>],
        samples: &[f32],
        range: [f64; 2],
        edges: &[f64],
        description: String,
    ) -> Strip {
        let values = distributions.iter().flat_map(|d| d.values).chain(samples);
        let axis = Axis::over(values.map(|&value| value.into()).chain(range));
        let row = |(row, distribution): (usize, &Distributed<'_>)| {
            let values: Vec<f64> = distribution.values.iter().map(|&v| v.into()).collect();
            let n = values.len();
            let bands = (0..n / 2).map(|i| axis.span([values[i], values[n - 1 - i]]));
            // All of them together cover four fifths.
            let opacity = 1.0 - 0.2_f64.powf(1.0 / (n / 2).max(1) as f64);
            Row {
                frame: Frame::of_row(row),
                images: distribution.images,
                bands: bands.collect(),
                opacity: format!("{opacity:.3}"),
                median: axis.at((values[(n - 1) / 2] + values[n / 2]) / 2.0),
            }
        };
        let rows: Vec<Row> = distributions.iter().enumerate().map(row).collect();
        let bottom = (rows.len() + 1) as f64 * ROW;
        let ends = range.into_iter().chain(edges.iter().copied());
        let ends = ends.filter(|end| end.is_finite());
        Strip {
            description,
            samples: Frame::of_row(rows.len()),
            rows,
            lines: samples.iter().map(|&value| axis.at(value.into())).collect(),
            range: axis.span(range),
            ends: ends
                .map(|end| Tick {
                    at: axis.at(end),
                    text: axis.text(end),
                })
                .collect(),
            ticks: axis.ticks(),
            width: Px(WIDTH),
            bottom: Px(bottom),
            height: Px(bottom + 22.0),
        }
    }
}
