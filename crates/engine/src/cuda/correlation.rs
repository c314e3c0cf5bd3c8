//! A linear map between planes: a convolution, a transposed convolution, or the
//! gradient of either.

use std::sync::Arc;

use kernels::correlation::{
    self, CorrelationBf16, CorrelationF16, CorrelationF32, NarrowCorrelationBf16,
    NarrowCorrelationF16, NarrowCorrelationF32, Phase, PhaseAxis, Shape, Tile,
};
use kernels::correlation_tensor::{
    CorrelationTensorBf16, CorrelationTensorF16, CorrelationTensorF32,
};
use netfile::Tensor;

use super::call::{of_bias, of_mask, partials};
use super::weights::launch_with;
use super::{Call, Gpu, Memory, Weights, int};
use crate::Error;
use crate::places::{Axis, Places};

/// Values of a [`Phase`], all of them i32.
const WORDS: usize = size_of::<Phase>() / size_of::<i32>();
/// Weights of a place are read so many at a time.
const ALIGNED: usize = 8;

/// Weights packed by phase, and the sizes.
#[derive(Debug)]
pub(crate) struct Correlation {
    weights: Weights,
    bias: Option<Memory<f32>>,
    phases: Vec<Phase>,
    table: Memory<[i32; WORDS]>,
    shape: Shape,
    /// Values of a sample of the destination.
    len: usize,
}

impl Correlation {
    /// The map of `places` with the weights of `tensor`, whose value of a group,
    /// a channel of the source, one of the destination, and a row and column of
    /// the kernel lies at `index`.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has no room for the weights.
    pub(crate) fn new(
        gpu: &Arc<Gpu>,
        places: &Places,
        tensor: Tensor<'_>,
        bias: Option<&[f32]>,
        index: impl Fn(usize, usize, usize, usize, usize) -> usize,
    ) -> Result<Correlation, Error> {
        let padded = places.outputs.next_multiple_of(ALIGNED);
        let [rows, cols] = [&places.rows, &places.cols].map(phases_of);
        let (mut phases, mut order) = (Vec::new(), Vec::new());
        for (row_axis, row_taps) in &rows {
            for (col_axis, col_taps) in &cols {
                phases.push(Phase {
                    rows: *row_axis,
                    cols: *col_axis,
                    weight: int(order.len()),
                });
                for group in 0..places.groups {
                    for (&y, &x) in row_taps
                        .iter()
                        .flat_map(|y| col_taps.iter().map(move |x| (y, x)))
                    {
                        for from in 0..places.channels {
                            let place =
                                |to| (to < places.outputs).then(|| index(group, from, to, y, x));
                            order.extend((0..padded).map(place));
                        }
                    }
                }
            }
        }
        let words: Vec<[i32; WORDS]> = phases.iter().map(words).collect();
        let destination = [places.rows.destination, places.cols.destination];
        let mut shape = Shape {
            n: 1,
            groups: int(places.groups),
            phases: int(phases.len()),
            channels: int(places.channels),
            outputs: int(places.outputs),
            outputs_padded: int(padded),
            source_h: int(places.rows.source),
            source_w: int(places.cols.source),
            destination_h: int(destination[0]),
            destination_w: int(destination[1]),
            relu: 0,
            slope: 0.0,
            splits: 1,
        };
        shape.splits = correlation::splits(&phases, &shape);
        Ok(Correlation {
            weights: Weights::arranged(gpu, tensor, order.len(), |i| order[i])?,
            bias: bias.map(|bias| Memory::of(gpu, bias)).transpose()?,
            table: Memory::of(gpu, &words)?,
            phases,
            shape,
            len: places.groups * places.outputs * destination[0] * destination[1],
        })
    }

    /// Number of f32 that it needs to compute sums in parts.
    pub(crate) fn shared(&self, batch: usize) -> usize {
        match self.shape.splits {
            1 => 0,
            splits => (splits.unsigned_abs() as usize)
                .saturating_mul(batch)
                .saturating_mul(self.len),
        }
    }

    /// Applies the map.
    pub(crate) fn launch(&self, mut call: Call<'_>) {
        let (relu, slope) = call.slope();
        let shape = Shape {
            n: int(call.n),
            relu,
            slope,
            ..self.shape
        };
        let (bias, mask) = (self.bias.as_ref(), of_mask(call.mask));
        let tile = Tile::of(shape.outputs);
        let grid = correlation::grid(tile, &self.phases, &shape);
        macro_rules! launch {
            ($kernels:tt) => {
                launch_with!(call.gpu, grid, &self.weights, $kernels, {
                    x: call.x.input(),
                    bias: of_bias(bias),
                    mask,
                    y: call.y.output(),
                    partials: partials(call.shared, shape.splits),
                    phases: self.table.input_as(),
                    shape,
                })
            };
        }
        match tile {
            Tile::Narrow => launch!([
                NarrowCorrelationF32,
                NarrowCorrelationF16,
                NarrowCorrelationBf16
            ]),
            Tile::Wide if call.gpu.has_tensor_cores() => launch!([
                CorrelationTensorF32,
                CorrelationTensorF16,
                CorrelationTensorBf16
            ]),
            Tile::Wide => launch!([CorrelationF32, CorrelationF16, CorrelationBf16]),
        }
        let channels = shape.groups * shape.outputs;
        call.finish(bias, channels.unsigned_abs() as usize, shape.splits);
    }
}

/// The phases along an axis, each with the kernel's taps that it meets.
fn phases_of(axis: &Axis) -> Vec<(PhaseAxis, Vec<usize>)> {
    (0..axis.phases)
        .map(|phase| phase_of(axis, phase))
        .collect()
}

fn phase_of(axis: &Axis, phase: usize) -> (PhaseAxis, Vec<usize>) {
    let written: Vec<(usize, usize)> = (0..axis.grid)
        .filter_map(|place| Some((place, axis.written(place, phase)?)))
        .collect();
    let met: Vec<(isize, usize)> = axis
        .offsets
        .iter()
        .zip(&axis.kernel)
        .filter_map(|(&offset, taps)| Some((offset, taps[phase]?)))
        .collect();
    let (first_place, first) = written.first().copied().unwrap_or_default();
    let offset = met.first().map_or(0, |(offset, _)| *offset) + (first_place * axis.step) as isize;
    let apart = match met[..] {
        [(first, _), (second, _), ..] => second - first,
        _ => 0,
    };
    let signed = |value: isize| i32::try_from(value).expect("plans refuse sizes of 2^31 and more");
    let of_axis = PhaseAxis {
        places: int(written.len()),
        first: int(first),
        spacing: int(axis.phases),
        step: int(axis.step),
        offset: signed(offset),
        taps: int(met.len()),
        tap_step: signed(apart),
    };
    (of_axis, met.into_iter().map(|(_, tap)| tap).collect())
}

/// A phase as the device holds it.
fn words(phase: &Phase) -> [i32; WORDS] {
    let axis = |axis: &PhaseAxis| {
        [
            axis.places,
            axis.first,
            axis.spacing,
            axis.step,
            axis.offset,
            axis.taps,
            axis.tap_step,
        ]
    };
    let mut words = [phase.weight; WORDS];
    words[..7].copy_from_slice(&axis(&phase.rows));
    words[7..14].copy_from_slice(&axis(&phase.cols));
    words
}
