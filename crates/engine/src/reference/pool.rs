//! Pooling.

use std::ops::Range;

use netfile::Pool;

use super::Layer;
use super::shape::planes;

/// The greatest value of each window.
pub(super) fn maximum(a: &Pool, layer: &Layer<'_>, x: &[f64]) -> Vec<f64> {
    winners(a, layer, x).into_iter().map(|i| x[i]).collect()
}

pub(super) fn maximum_gradient(a: &Pool, layer: &Layer<'_>, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; x.len()];
    for (i, dy) in winners(a, layer, x).into_iter().zip(dy) {
        dx[i] += dy;
    }
    dx
}

/// The terms `c * x[i]` of every average: a window's sum is divided by the
/// number of its places inside the image and its padding.
pub(super) fn average(a: &Pool, layer: &Layer<'_>, mut term: impl FnMut(usize, usize, f64)) {
    for (o, window) in windows(a, layer).into_iter().enumerate() {
        for &i in &window.pixels {
            term(o, i, 1.0 / window.places as f64);
        }
    }
}

/// For each output the position of the greatest value in its window, the first
/// one of equals in raster order.
fn winners(a: &Pool, layer: &Layer<'_>, x: &[f64]) -> Vec<usize> {
    let first_greatest = |window: Window| {
        let mut best = window.pixels[0];
        for i in window.pixels {
            if x[i] > x[best] {
                best = i;
            }
        }
        best
    };
    windows(a, layer).into_iter().map(first_greatest).collect()
}

struct Window {
    /// Positions of its real pixels in the input, in raster order.
    pixels: Vec<usize>,
    /// Number of its places, padding included.
    places: usize,
}

/// The window of every output. Places count from the corner of the padding.
fn windows(a: &Pool, layer: &Layer<'_>) -> Vec<Window> {
    let [channels, xh, xw] = planes(&layer.x[0]);
    let [_, yh, yw] = planes(&layer.y);
    let mut windows = Vec::new();
    for c in 0..channels {
        for oy in 0..yh {
            for ox in 0..yw {
                let (rows, cols) = (places(a, 0, oy, xh), places(a, 1, ox, xw));
                let mut pixels = Vec::new();
                for row in rows.clone().filter(|row| is_real(*row, a.pad[0], xh)) {
                    for col in cols.clone().filter(|col| is_real(*col, a.pad[1], xw)) {
                        pixels.push((c * xh + row - a.pad[0]) * xw + col - a.pad[1]);
                    }
                }
                let places = rows.len() * cols.len();
                windows.push(Window { pixels, places });
            }
        }
    }
    windows
}

/// The places of window `o` along an axis of `x` pixels, cut off where the
/// padding ends.
fn places(a: &Pool, axis: usize, o: usize, x: usize) -> Range<usize> {
    let start = o * a.stride[axis];
    start..(start + a.kernel[axis]).min(x + 2 * a.pad[axis])
}

fn is_real(place: usize, pad: usize, x: usize) -> bool {
    (pad..pad + x).contains(&place)
}
