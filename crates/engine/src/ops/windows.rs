//! The windows of a kernel on an image, and the two maps that convolutions are
//! made of.
//!
//! A kernel visits an image at the places of a grid. [`Windows::gather`] leads
//! from the image to the grid, [`Windows::scatter`], its transpose, back. A
//! convolution is the first and its gradient the second; a transposed
//! convolution is the second and its gradient the first. The weight is `[grid
//! channels, image channels / groups, kh, kw]` for both.

use netfile::Convolution;

use super::{Mismatch, Preparation, TensorSpec};
use crate::cpu::{Call, Correlation, Narrow, Winograd};
use crate::places::{self, Places};
use crate::{Error, Shape, cuda};

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

    /// Kernel, stride, pad and dilation.
    fn kernel(&self) -> [usize; 4] {
        [self.kernel, self.stride, self.pad, self.dilation]
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

    /// Products for one sample: every place of the grid meets every tap of its
    /// channel's kernel once, in whichever direction the map goes.
    pub(super) fn multiply_adds(&self) -> u64 {
        let grid = self.grid();
        let taps = [self.image_channels, self.rows.kernel, self.cols.kernel];
        let factors = grid.dims().iter().chain(&taps);
        factors.fold(1, |product, &d| product.saturating_mul(d as u64))
    }

    /// The map from the image to the grid: every place gets the kernel's sum
    /// over its window, and the bias if the layer has it and adds it here.
    ///
    /// # Errors
    /// [`Error::Memory`] where a CUDA device has no room for the weights.
    pub(super) fn gather(&self, from: &Preparation, biased: bool) -> Result<Map, Error> {
        let axis = |axis: &Axis| places::Axis::gather([axis.image, axis.grid], axis.kernel());
        let places = Places {
            groups: self.groups,
            channels: self.image_channels,
            outputs: self.grid_channels,
            rows: axis(&self.rows),
            cols: axis(&self.cols),
        };
        Map::new(places, from, biased, |group, image, grid, y, x| {
            self.index([group, grid, image, y, x])
        })
    }

    /// The transpose of [`Windows::gather`]: every place adds the kernel, times
    /// its value, to its window.
    ///
    /// # Errors
    /// As [`Windows::gather`].
    pub(super) fn scatter(&self, from: &Preparation, biased: bool) -> Result<Map, Error> {
        let axis = |axis: &Axis| places::Axis::scatter([axis.image, axis.grid], axis.kernel());
        let places = Places {
            groups: self.groups,
            channels: self.grid_channels,
            outputs: self.image_channels,
            rows: axis(&self.rows),
            cols: axis(&self.cols),
        };
        Map::new(places, from, biased, |group, grid, image, y, x| {
            self.index([group, grid, image, y, x])
        })
    }

    /// Where a value of the weight lies.
    fn index(&self, [group, grid, image, y, x]: [usize; 5]) -> usize {
        let channel = (group * self.grid_channels + grid) * self.image_channels + image;
        (channel * self.rows.kernel + y) * self.cols.kernel + x
    }
}

/// A linear map between planes with its bias, by whichever way is the faster.
#[derive(Debug)]
pub(super) struct Map {
    way: Way,
    bias: Option<Vec<f32>>,
}

#[derive(Debug)]
enum Way {
    Direct(Correlation),
    Narrow(Narrow),
    Winograd(Winograd),
    Cuda(cuda::Correlation),
}

impl Map {
    fn new(
        places: Places,
        from: &Preparation,
        biased: bool,
        index: impl Fn(usize, usize, usize, usize, usize) -> usize + Sync,
    ) -> Result<Map, Error> {
        let bias = from.floats(1).filter(|_| biased);
        let way = match &from.gpu {
            Some(gpu) => {
                let weight = from.tensors[0].view();
                let map = cuda::Correlation::new(gpu, &places, weight, bias.as_deref(), index)?;
                Way::Cuda(map)
            }
            None => {
                let weights = from.floats(0).expect("`tensors` names a weight");
                Way::on_cpu(places, from.winograd, &|group, from, to, y, x| {
                    weights[index(group, from, to, y, x)]
                })
            }
        };
        Ok(Map { way, bias })
    }

    /// Number of f32 that one worker needs.
    pub(super) fn scratch(&self) -> usize {
        match &self.way {
            Way::Direct(map) => map.scratch(),
            Way::Narrow(map) => map.scratch(),
            Way::Winograd(_) | Way::Cuda(_) => 0,
        }
    }

    /// Number of f32 that the workers share for `batch` samples.
    pub(super) fn shared(&self, batch: usize) -> usize {
        match &self.way {
            Way::Direct(_) | Way::Narrow(_) => 0,
            Way::Winograd(map) => map.shared(batch),
            Way::Cuda(map) => map.shared(batch),
        }
    }

    /// The bias, if it has one.
    pub(super) fn bias(&self) -> Option<&[f32]> {
        self.bias.as_deref()
    }

    /// Applies the map.
    pub(super) fn run(&self, call: Call<'_>) {
        match &self.way {
            Way::Direct(map) => map.run(call),
            Way::Narrow(map) => map.run(call),
            Way::Winograd(map) => map.run(call),
            Way::Cuda(_) => unreachable!("plans run on the device of their network"),
        }
    }

    /// Applies the map on the CUDA device that it was prepared for.
    pub(super) fn launch(&self, call: cuda::Call<'_>) {
        match &self.way {
            Way::Cuda(map) => map.launch(call),
            _ => unreachable!("plans run on the device of their network"),
        }
    }
}

impl Way {
    fn on_cpu(
        places: Places,
        winograd: bool,
        weight: &(dyn Fn(usize, usize, usize, usize, usize) -> f32 + Sync),
    ) -> Way {
        let transformed = || winograd.then(|| Winograd::new(&places, weight)).flatten();
        if let Some(map) = transformed() {
            return Way::Winograd(map);
        }
        match Narrow::new(&places, weight) {
            Some(map) => Way::Narrow(map),
            None => Way::Direct(Correlation::new(places, weight)),
        }
    }
}
