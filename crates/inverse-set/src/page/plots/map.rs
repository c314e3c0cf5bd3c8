//! The samples in the plane in which they differ most.

use askama::Template;

use super::Px;

/// Size of the drawing, and what stays free on all sides.
const WIDTH: f64 = 640.0;
const MARGIN: f64 = 22.0;
/// Bounds of its height.
const HEIGHTS: [f64; 2] = [320.0, 640.0];

/// Most points that are drawn as pictures, and sides of these for few and many.
const MOST_PICTURES: usize = 200;
const FEW: usize = 60;
const SIDES: [u32; 2] = [44, 32];

/// A map of the samples: near points are alike.
#[derive(Template)]
#[template(path = "map.svg")]
pub(in crate::page) struct Map {
    points: Vec<Point>,
    /// Side of the pictures that points are drawn as, where there is room.
    side: Option<u32>,
    width: Px,
    height: Px,
}

struct Point {
    sample: usize,
    x: Px,
    y: Px,
    /// How dark it is.
    opacity: String,
    name: String,
}

impl Map {
    /// `points` in the plane, with what they are called and how dark they are,
    /// from 0 to 1. Both directions are drawn to the same scale.
    pub(in crate::page) fn new(points: &[[f64; 2]], names: &[String], tones: &[f64]) -> Map {
        let bounds = |k: usize| {
            let values = points.iter().map(|point| point[k]);
            let least = values.clone().fold(f64::INFINITY, f64::min);
            (least, values.fold(f64::NEG_INFINITY, f64::max) - least)
        };
        let [(left, wide), (low, high)] = [bounds(0), bounds(1)];
        let [least, greatest] = HEIGHTS;
        let room = |length: f64| length - 2.0 * MARGIN;
        let scales = [(WIDTH, wide), (greatest, high)];
        let scales = scales.map(|(length, extent)| room(length) / extent);
        // Where all lie in one place there is nothing to be scaled.
        let scale = Some(scales[0].min(scales[1])).filter(|scale| scale.is_finite());
        let scale = scale.unwrap_or(1.0);
        let height = (high * scale + 2.0 * MARGIN).max(least);
        let point = |(sample, [x, y]): (usize, &[f64; 2])| Point {
            sample,
            x: Px((WIDTH - wide * scale) / 2.0 + (x - left) * scale),
            // Up is the positive direction.
            y: Px((height + high * scale) / 2.0 - (y - low) * scale),
            opacity: format!("{:.2}", 0.25 + 0.75 * tones[sample]),
            name: names[sample].clone(),
        };
        Map {
            points: points.iter().enumerate().map(point).collect(),
            side: match points.len() {
                n if n <= FEW => Some(SIDES[0]),
                n if n <= MOST_PICTURES => Some(SIDES[1]),
                _ => None,
            },
            width: Px(WIDTH),
            height: Px(height),
        }
    }

    /// Whether points are drawn as pictures.
    pub(in crate::page) fn has_pictures(&self) -> bool {
        self.side.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_keep_their_proportions_within_the_drawing() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let map = Map::new(
            &[[-3.0, 0.0], [5.0, 1.0], [0.0, -1.0]],
            &names,
            &[0.0, 0.5, 1.0],
        );
        let [a, b, c] = [0, 1, 2].map(|i| (map.points[i].x.0, map.points[i].y.0));
        assert_eq!((a.0, b.0), (MARGIN, WIDTH - MARGIN));
        assert!((8.0 * (c.1 - b.1) - 2.0 * (b.0 - a.0)).abs() < 1e-9);
        let one = Map::new(&[[0.0, 0.0]], &names[..1], &[1.0]);
        assert_eq!(one.points[0].x, Px(WIDTH / 2.0));
        assert!(!one.render().unwrap().contains("NaN"));
    }
}
