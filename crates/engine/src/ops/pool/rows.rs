//! What the CPU does to a row of an output or of a gradient.

use super::Geometry;
use crate::cpu::{Kernel, Simd};

/// Row `i` of an output, and where its values were found.
pub(super) struct Greatest<'a> {
    pub of: &'a Geometry,
    pub i: usize,
    pub x: &'a [f32],
    pub y: &'a mut [f32],
    pub positions: &'a mut [u32],
}

impl Kernel for Greatest<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Greatest {
            of,
            i,
            x,
            y,
            positions,
        } = self;
        of.windows(i, |j, position, first| {
            let x = &x[of.pixel(position)];
            let (y, positions) = (&mut y[of.pixel(j)], &mut positions[of.pixel(j)]);
            if first {
                y.copy_from_slice(x);
                return positions.fill(position as u32);
            }
            for ((y, found), &x) in y.iter_mut().zip(positions).zip(x) {
                let greater = x > *y;
                *y = if greater { x } else { *y };
                *found = if greater { position as u32 } else { *found };
            }
        });
    }
}

/// The gradient of a row of an input.
pub(super) struct PullGreatest<'a> {
    pub of: &'a Geometry,
    pub row: usize,
    pub dy: &'a [f32],
    pub positions: &'a [u32],
    pub dx: &'a mut [f32],
}

impl Kernel for PullGreatest<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let PullGreatest {
            of,
            row,
            dy,
            positions,
            dx,
        } = self;
        dx.fill(0.0);
        of.windows_over(row, |i, j, col| {
            let position = (row * of.cols.input + col) as u32;
            let window = of.pixel(i * of.cols.output + j);
            let window = dy[window.clone()].iter().zip(&positions[window]);
            for (dx, (&dy, &found)) in dx[of.pixel(col)].iter_mut().zip(window) {
                *dx += if found == position { dy } else { 0.0 };
            }
        });
    }
}

impl Geometry {
    /// The number of places of a window, padding included.
    #[inline(always)]
    fn places(&self, i: usize, j: usize) -> f32 {
        (self.rows.places(i) * self.cols.places(j)) as f32
    }
}

/// Row `i` of an output.
pub(super) struct Mean<'a> {
    pub of: &'a Geometry,
    pub i: usize,
    pub x: &'a [f32],
    pub y: &'a mut [f32],
}

impl Kernel for Mean<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Mean { of, i, x, y } = self;
        y.fill(0.0);
        of.windows(i, |j, position, _| {
            let x = &x[of.pixel(position)];
            for (y, x) in y[of.pixel(j)].iter_mut().zip(x) {
                *y += x;
            }
        });
        for (j, y) in y.chunks_exact_mut(of.channels).enumerate() {
            let places = of.places(i, j);
            y.iter_mut().for_each(|y| *y /= places);
        }
    }
}

/// The gradient of a row of an input.
pub(super) struct Shares<'a> {
    pub of: &'a Geometry,
    pub row: usize,
    pub dy: &'a [f32],
    pub dx: &'a mut [f32],
}

impl Kernel for Shares<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Shares { of, row, dy, dx } = self;
        dx.fill(0.0);
        of.windows_over(row, |i, j, col| {
            let places = of.places(i, j);
            let dy = &dy[of.pixel(i * of.cols.output + j)];
            for (dx, dy) in dx[of.pixel(col)].iter_mut().zip(dy) {
                *dx += dy / places;
            }
        });
    }
}
