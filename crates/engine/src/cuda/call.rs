//! What a linear map is applied to on a CUDA device, and how.

use kernels::product::Finish;
use kernels::{In, Out};

use super::{Gpu, Memory, blocks, int};
use crate::Buffer;

/// Arguments of a linear map. The sums become `y` by adding the map's bias, then
/// a ReLU, then a mask.
pub(crate) struct Call<'a> {
    pub gpu: &'a Gpu,
    /// Number of samples.
    pub n: usize,
    pub x: &'a Buffer,
    pub y: &'a mut Buffer,
    /// Room for sums that are computed in parts.
    pub shared: &'a mut Memory<f32>,
    /// The negative slope of a ReLU.
    pub relu: Option<f32>,
    /// Where this is not positive, `y` is multiplied by the slope.
    pub mask: Option<(&'a Buffer, f32)>,
}

impl Call<'_> {
    /// Whether there is a ReLU (1 or 0), and the slope of that or of the mask.
    pub(super) fn slope(&self) -> (i32, f32) {
        let slope = self.relu.or(self.mask.map(|(_, slope)| slope));
        (self.relu.is_some().into(), slope.unwrap_or(0.0))
    }

    /// Adds up the parts of sums that were computed in parts, for `channels`
    /// values that have a bias each.
    pub(super) fn finish(&mut self, bias: Option<&Memory<f32>>, channels: usize, splits: i32) {
        if splits == 1 {
            return;
        }
        let len = self.n * self.y.sample_len();
        let (relu, slope) = self.slope();
        let finish = Finish {
            partials: self.shared.input(),
            bias: of_bias(bias),
            mask: of_mask(self.mask),
            y: self.y.output(),
            len: int(len),
            channels: int(channels),
            splits,
            relu,
            slope,
        };
        self.gpu.launch(blocks(len, 256), &finish);
    }
}

/// The mask's values, or none.
pub(super) fn of_mask<'a>(mask: Option<(&'a Buffer, f32)>) -> In<'a, f32> {
    mask.map_or(In::new(0), |(mask, _)| mask.input())
}

/// Room for the parts of sums, if there are several.
pub(super) fn partials(shared: &mut Memory<f32>, splits: i32) -> Out<'_, f32> {
    match splits {
        1 => Out::new(0),
        _ => shared.output(),
    }
}

/// The bias, or none.
pub(super) fn of_bias(bias: Option<&Memory<f32>>) -> In<'_, f32> {
    bias.map_or(In::new(0), Memory::input)
}
