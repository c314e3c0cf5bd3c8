//! Windows of an image as the columns of a matrix, and the two maps that
//! convolutions are made of.
//!
//! A kernel visits an image at the places of a grid. [`Windows::gather`] leads
//! from the image to the grid: every place gets the kernel's sum over its
//! window. [`Windows::scatter`] is the transpose: every place adds the kernel,
//! times its value, to its window. A convolution is the first and its gradient
//! the second; a transposed convolution is the second and its gradient the
//! first. The weight is `[grid channels, image channels / groups, kh, kw]` for
//! both.
//!
//! The matrix of one sample and group has a row per image channel and tap of
//! the kernel, and a column per place; padding is 0.

use std::ops::Range;

use netfile::Convolution;
use rayon::prelude::*;

use super::{Mismatch, Scratch, TensorSpec};
use crate::Shape;
use crate::gemm::{Matrix, product};

/// The windows along one axis: tap `t` of the kernel at place `p` lies on pixel
/// `p stride + t dilation - pad`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    image: usize,
    grid: usize,
    kernel: usize,
    stride: usize,
    pad: usize,
    dilation: usize,
}

impl Axis {
    /// All windows that fit on an image and its padding.
    pub(super) fn on_image(a: &Convolution, axis: usize, image: usize) -> Result<Axis, Mismatch> {
        let grid = || {
            let padded = image.checked_add(a.pad[axis].checked_mul(2)?)?;
            let room = padded.checked_sub(extent(a, axis)?)?;
            Some(room / a.stride[axis] + 1)
        };
        let grid = grid().ok_or_else(|| mismatch(a, axis, image))?;
        Ok(Axis::new(a, axis, image, grid))
    }

    /// The image that the windows of a whole grid span, less its padding.
    pub(super) fn on_grid(a: &Convolution, axis: usize, grid: usize) -> Result<Axis, Mismatch> {
        let image = || {
            let steps = (grid - 1).checked_mul(a.stride[axis])?;
            let padded = steps.checked_add(extent(a, axis)?)?;
            let image = padded.checked_sub(a.pad[axis].checked_mul(2)?)?;
            (image > 0).then_some(image)
        };
        let image = image().ok_or_else(|| mismatch(a, axis, grid))?;
        Ok(Axis::new(a, axis, image, grid))
    }

    fn new(a: &Convolution, axis: usize, image: usize, grid: usize) -> Axis {
        Axis {
            image,
            grid,
            kernel: a.kernel[axis],
            stride: a.stride[axis],
            pad: a.pad[axis],
            dilation: a.dilation[axis],
        }
    }

    /// The places where tap `tap` lies on the image and not on its padding.
    fn places(&self, tap: usize) -> Range<usize> {
        let offset = tap * self.dilation;
        let start = self.pad.saturating_sub(offset).div_ceil(self.stride);
        let end = (self.image + self.pad).saturating_sub(offset);
        let end = end.div_ceil(self.stride).min(self.grid);
        start.min(end)..end
    }

    fn pixel(&self, place: usize, tap: usize) -> usize {
        place * self.stride + tap * self.dilation - self.pad
    }

    /// Whether place and pixel are the same thing.
    fn is_identity(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.pad == 0
    }
}

/// Number of pixels from the first to the last tap of a kernel.
fn extent(a: &Convolution, axis: usize) -> Option<usize> {
    let last = (a.kernel[axis] - 1).checked_mul(a.dilation[axis])?;
    last.checked_add(1)
}

fn mismatch(a: &Convolution, axis: usize, size: usize) -> Mismatch {
    Mismatch::new(
        "windows that fit",
        format!(
            "kernel {}, dilation {}, stride {}, pad {}, size {size}",
            a.kernel[axis], a.dilation[axis], a.stride[axis], a.pad[axis]
        ),
    )
}

/// Geometry of all windows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    groups: usize,
    /// Channels of the image in one group.
    image_channels: usize,
    /// Channels of the grid in one group.
    grid_channels: usize,
    rows: Axis,
    cols: Axis,
}

impl Windows {
    /// Windows over planes of so many channels in all groups together.
    pub(super) fn new(
        groups: usize,
        image_channels: usize,
        grid_channels: usize,
        [rows, cols]: [Axis; 2],
    ) -> Result<Windows, Mismatch> {
        for channels in [image_channels, grid_channels] {
            if channels % groups != 0 {
                let expected = format!("channels that divide evenly into {groups} groups");
                return Err(Mismatch::new(expected, channels));
            }
        }
        let windows = Windows {
            groups,
            image_channels: image_channels / groups,
            grid_channels: grid_channels / groups,
            rows,
            cols,
        };
        let matrix = [
            windows.image_channels,
            rows.kernel,
            cols.kernel,
            rows.grid,
            cols.grid,
        ];
        let image = [image_channels, rows.image, cols.image];
        let grid = [grid_channels, rows.grid, cols.grid];
        for dims in [&matrix[..], &image, &grid] {
            if Shape::new(dims).is_none() {
                return Err(Mismatch::new(
                    "sizes that fit in memory",
                    format!("{dims:?}"),
                ));
            }
        }
        Ok(windows)
    }

    /// Shape of the image, all groups together.
    pub(super) fn image(&self) -> Shape {
        let channels = self.groups * self.image_channels;
        Shape::new(&[channels, self.rows.image, self.cols.image]).expect("checked by new")
    }

    /// Shape of the grid, all groups together.
    pub(super) fn grid(&self) -> Shape {
        let channels = self.groups * self.grid_channels;
        Shape::new(&[channels, self.rows.grid, self.cols.grid]).expect("checked by new")
    }

    /// The tensor `weight`, and `bias` if there are biased channels.
    pub(super) fn tensors(&self, biased: Option<usize>) -> Vec<TensorSpec> {
        let weight = TensorSpec {
            suffix: "weight",
            shape: vec![
                self.groups * self.grid_channels,
                self.image_channels,
                self.rows.kernel,
                self.cols.kernel,
            ],
        };
        let bias = biased.map(|channels| TensorSpec {
            suffix: "bias",
            shape: vec![channels],
        });
        [weight].into_iter().chain(bias).collect()
    }

    /// Number of f32 that one worker needs: the matrix, unless it is the image
    /// itself.
    pub(super) fn scratch(&self) -> usize {
        if self.is_pointwise() {
            return 0;
        }
        self.depth() * self.places()
    }

    /// `grid = bias + weight * columns(image)` for every sample and group.
    pub(super) fn gather(
        &self,
        image: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        grid: &mut [f32],
        scratch: &Scratch,
    ) {
        let (depth, places) = (self.depth(), self.places());
        let grids = grid.par_chunks_mut(self.grid_channels * places);
        let images = image.par_chunks(self.image_len());
        grids
            .zip(images)
            .enumerate()
            .for_each(|(i, (grid, image))| {
                let group = i % self.groups;
                fill(grid, self.grid_channels, bias, group);
                let weight = self.weight(weight, group);
                if self.is_pointwise() {
                    product(grid, weight, Matrix::new(image, depth, places), true);
                } else {
                    let mut lane = scratch.lane();
                    let columns = &mut lane[..depth * places];
                    self.im2col(image, columns);
                    product(grid, weight, Matrix::new(columns, depth, places), true);
                }
            });
    }

    /// `image = bias + sum of windows(weight^T * grid)` for every sample and
    /// group.
    pub(super) fn scatter(
        &self,
        grid: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        image: &mut [f32],
        scratch: &Scratch,
    ) {
        let (depth, places) = (self.depth(), self.places());
        let images = image.par_chunks_mut(self.image_len());
        let grids = grid.par_chunks(self.grid_channels * places);
        images
            .zip(grids)
            .enumerate()
            .for_each(|(i, (image, grid))| {
                let group = i % self.groups;
                fill(image, self.image_channels, bias, group);
                let weight = self.weight(weight, group).t();
                let grid = Matrix::new(grid, self.grid_channels, places);
                if self.is_pointwise() {
                    product(image, weight, grid, true);
                } else {
                    let mut lane = scratch.lane();
                    let columns = &mut lane[..depth * places];
                    product(columns, weight, grid, false);
                    self.col2im(columns, image);
                }
            });
    }

    fn im2col(&self, image: &[f32], columns: &mut [f32]) {
        columns.fill(0.0);
        let stride = self.cols.stride;
        self.runs(|run, pixel| {
            let (run, pixels) = (&mut columns[run], &image[pixel..]);
            if stride == 1 {
                run.copy_from_slice(&pixels[..run.len()]);
            } else {
                for (column, &pixel) in run.iter_mut().zip(pixels.iter().step_by(stride)) {
                    *column = pixel;
                }
            }
        });
    }

    /// Adds every entry of the matrix to its pixel.
    fn col2im(&self, columns: &[f32], image: &mut [f32]) {
        let stride = self.cols.stride;
        self.runs(|run, pixel| {
            let (run, pixels) = (&columns[run], &mut image[pixel..]);
            if stride == 1 {
                for (&column, pixel) in run.iter().zip(pixels) {
                    *pixel += column;
                }
            } else {
                for (&column, pixel) in run.iter().zip(pixels.iter_mut().step_by(stride)) {
                    *pixel += column;
                }
            }
        });
    }

    /// Calls `visit(run, pixel)` for every run of entries of the matrix that
    /// lie on one row of the image: on `pixel` and from there on one per
    /// stride.
    fn runs(&self, mut visit: impl FnMut(Range<usize>, usize)) {
        let (rows, cols) = (&self.rows, &self.cols);
        let mut row = 0;
        for channel in 0..self.image_channels {
            for ky in 0..rows.kernel {
                for kx in 0..cols.kernel {
                    let xs = cols.places(kx);
                    let ys = if xs.is_empty() { 0..0 } else { rows.places(ky) };
                    for y in ys {
                        let line = channel * rows.image + rows.pixel(y, ky);
                        let start = row + y * cols.grid;
                        visit(
                            start + xs.start..start + xs.end,
                            line * cols.image + cols.pixel(xs.start, kx),
                        );
                    }
                    row += self.places();
                }
            }
        }
    }

    /// Rows of the matrix.
    fn depth(&self) -> usize {
        self.image_channels * self.rows.kernel * self.cols.kernel
    }

    /// Columns of the matrix.
    fn places(&self) -> usize {
        self.rows.grid * self.cols.grid
    }

    /// Number of values of one group of an image.
    fn image_len(&self) -> usize {
        self.image_channels * self.rows.image * self.cols.image
    }

    fn weight<'a>(&self, weight: &'a [f32], group: usize) -> Matrix<'a> {
        let (channels, depth) = (self.grid_channels, self.depth());
        let len = channels * depth;
        Matrix::new(&weight[group * len..][..len], channels, depth)
    }

    /// Whether the matrix is the image itself.
    fn is_pointwise(&self) -> bool {
        self.rows.is_identity() && self.cols.is_identity()
    }
}

/// Sets each plane of a group to its channel's bias, or to 0.
fn fill(planes: &mut [f32], channels: usize, bias: Option<&[f32]>, group: usize) {
    let Some(bias) = bias else {
        return planes.fill(0.0);
    };
    let len = planes.len() / channels;
    for (plane, &bias) in planes.chunks_mut(len).zip(&bias[group * channels..]) {
        plane.fill(bias);
    }
}
