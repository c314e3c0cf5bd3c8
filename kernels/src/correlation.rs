//! Convolution, transposed convolution and the gradients of both, as matrix
//! products over the places of a correlation.
//!
//! All four add up, for every pixel of a destination, some taps of a source
//! times weights. A *phase* is the set of destination pixels that meet the same
//! taps: a convolution has one, its gradient (and a transposed convolution) has
//! stride x stride of them.

use crate::declare::kernels;
use crate::{In, Out};

/// One axis of a phase: place `q < places` is destination pixel
/// `first + q * spacing`, and its tap `j < taps` reads source pixel
/// `q * step + offset + j * tap_step`, zero outside the source.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseAxis {
    /// Places along the axis; may be 0.
    pub places: i32,
    /// Destination pixel of place 0.
    pub first: i32,
    /// Destination pixels from one place to the next.
    pub spacing: i32,
    /// Source pixels from one place to the next.
    pub step: i32,
    /// Source pixel of tap 0 at place 0; may be negative.
    pub offset: i32,
    /// Taps along the axis; may be 0.
    pub taps: i32,
    /// Source pixels from one tap to the next; may be negative.
    pub tap_step: i32,
}

/// A set of destination pixels that meet the same taps. Every pixel of the
/// destination is in exactly one phase of a table.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Along y.
    pub rows: PhaseAxis,
    /// Along x.
    pub cols: PhaseAxis,
    /// Where the phase's weights begin, in values, a multiple of 8. For each
    /// group they are a matrix `[taps_y * taps_x * channels][outputs_padded]`.
    pub weight: i32,
}

/// The sizes of a correlation, and what is done to its sums.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Samples.
    pub n: i32,
    /// Groups of channels.
    pub groups: i32,
    /// Phases in the table.
    pub phases: i32,
    /// Source channels of one group.
    pub channels: i32,
    /// Destination channels of one group.
    pub outputs: i32,
    /// `outputs` rounded up to a multiple of 8.
    pub outputs_padded: i32,
    /// Rows of a source plane.
    pub source_h: i32,
    /// Columns of a source plane.
    pub source_w: i32,
    /// Rows of a destination plane.
    pub destination_h: i32,
    /// Columns of a destination plane.
    pub destination_w: i32,
    /// Whether a ReLU follows (0 or 1).
    pub relu: i32,
    /// Slope of the ReLU, or of the mask, below zero.
    pub slope: f32,
    /// Parts that every sum is computed in, see [`splits`].
    pub splits: i32,
}

/// Size of the tile that one block computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tile {
    /// 64 places by 64 outputs.
    Wide,
    /// 128 places by 4 outputs: for images.
    Narrow,
}

impl Tile {
    /// The tile for a correlation with so many outputs in a group.
    pub fn of(outputs: i32) -> Self {
        if outputs <= 8 {
            Tile::Narrow
        } else {
            Tile::Wide
        }
    }

    /// Places and outputs of a tile.
    fn size(self) -> [u64; 2] {
        match self {
            Tile::Wide => [64, 64],
            Tile::Narrow => [128, 4],
        }
    }

    /// Tiles of one phase and group for `n` samples, along places and outputs.
    fn count(self, phase: &Phase, n: i32, outputs: i32) -> [u64; 2] {
        let places = product([n, phase.rows.places, phase.cols.places]);
        [
            places.div_ceil(self.size()[0]),
            product([outputs]).div_ceil(self.size()[1]),
        ]
    }
}

/// The product of sizes, none of which is negative.
fn product<const N: usize>(sizes: [i32; N]) -> u64 {
    sizes
        .iter()
        .map(|size| u64::from(size.unsigned_abs()))
        .product()
}

/// Samples that a usual batch holds; how a sum is split must not depend on the
/// actual number.
const USUAL_BATCH: i32 = 10;
/// Blocks that keep a large device busy.
const ENOUGH_BLOCKS: u64 = 400;
/// The fewest terms that are worth a block of their own.
const FEWEST_TERMS: u64 = 256;
/// Most blocks along z that a launch takes.
const MOST_BLOCKS: u64 = 65_535;

/// Into how many parts the sums of a correlation should be split. It depends on
/// the layer only, so that a sample's values do not depend on its batch: `n`
/// and `splits` of the shape are not looked at.
pub fn splits(phases: &[Phase], shape: &Shape) -> i32 {
    let tile = Tile::of(shape.outputs);
    let tiles = phases.iter().map(|phase| {
        let [places, outputs] = tile.count(phase, USUAL_BATCH, shape.outputs);
        places * outputs * product([shape.groups])
    });
    let terms = phases
        .iter()
        .map(|phase| product([phase.rows.taps, phase.cols.taps, shape.channels]));
    let wanted = ENOUGH_BLOCKS / tiles.sum::<u64>().max(1);
    let worth = terms.max().unwrap_or(0) / FEWEST_TERMS;
    let possible = MOST_BLOCKS / product([shape.groups, shape.phases]).max(1);
    wanted.min(worth).min(possible).clamp(1, 32) as i32
}

/// The grid of a correlation: tiles of places, tiles of outputs, and every
/// group, phase and part of a sum. A y or z beyond 65535 is for the caller to
/// refuse.
pub fn grid(tile: Tile, phases: &[Phase], shape: &Shape) -> [u32; 3] {
    let tiles = phases
        .iter()
        .map(|phase| tile.count(phase, shape.n, shape.outputs));
    let [places, outputs] = tiles.max().unwrap_or([0, 0]);
    let parts = product([shape.groups, shape.phases, shape.splits]);
    [places as u32, outputs as u32, parts as u32]
}

/// Declares kernels that take the arguments of a correlation.
macro_rules! correlations {
    ($file:literal for $capability:literal; $( $(#[$doc:meta])* $kernel:ident = $name:literal of $weight:ty; )*) => {
        kernels! {
            $file for $capability;
            $(
                $(#[$doc])*
                $kernel = $name, 128 threads {
                    /// Source, `[n, source_h, source_w, groups * channels]`; its address a
                    /// multiple of 16.
                    x: In<'a, f32>,
                    /// Weights of every phase and group; address a multiple of 16.
                    w: In<'a, $weight>,
                    /// `[groups * outputs]` or none.
                    bias: In<'a, f32>,
                    /// Like `y`, or none: where it is not positive, `y` is multiplied by the slope.
                    mask: In<'a, f32>,
                    /// Destination, `[n, destination_h, destination_w, groups * outputs]`; its
                    /// address a multiple of 16. Overwritten if `splits` is 1, else left to
                    /// [`product::Finish`](crate::product::Finish).
                    y: Out<'a, f32>,
                    /// `[splits]` times the length of `y`; none if `splits` is 1.
                    partials: Out<'a, f32>,
                    /// `[phases]`
                    phases: In<'a, $crate::correlation::Phase>,
                    /// Sizes.
                    shape: $crate::correlation::Shape,
                }
            )*
        }
    };
}
pub(crate) use correlations;

correlations! {
    "correlation" for 75;

    /// A correlation by [`Tile::Wide`].
    CorrelationF32 = "correlation_f32" of f32;
    /// A correlation by [`Tile::Wide`], weights as f16.
    CorrelationF16 = "correlation_f16" of u16;
    /// A correlation by [`Tile::Wide`], weights as bf16.
    CorrelationBf16 = "correlation_bf16" of u16;
    /// A correlation by [`Tile::Narrow`].
    NarrowCorrelationF32 = "narrow_correlation_f32" of f32;
    /// A correlation by [`Tile::Narrow`], weights as f16.
    NarrowCorrelationF16 = "narrow_correlation_f16" of u16;
    /// A correlation by [`Tile::Narrow`], weights as bf16.
    NarrowCorrelationBf16 = "narrow_correlation_bf16" of u16;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(places: [i32; 2], taps: i32) -> Phase {
        let axis = |places| PhaseAxis {
            places,
            first: 0,
            spacing: 1,
            step: 1,
            offset: 0,
            taps,
            tap_step: 1,
        };
        Phase {
            rows: axis(places[0]),
            cols: axis(places[1]),
            weight: 0,
        }
    }

    fn shape(phases: &[Phase], groups: i32, channels: i32, outputs: i32) -> Shape {
        Shape {
            n: 1,
            groups,
            phases: phases.len() as i32,
            channels,
            outputs,
            outputs_padded: (outputs + 7) / 8 * 8,
            source_h: 1,
            source_w: 1,
            destination_h: 1,
            destination_w: 1,
            relu: 0,
            slope: 0.0,
            splits: 1,
        }
    }

    #[test]
    fn a_grid_covers_the_largest_phase() {
        let phases = [phase([3, 3], 1), phase([5, 13], 2)];
        let shape = Shape {
            n: 2,
            splits: 3,
            ..shape(&phases, 2, 4, 65)
        };
        assert_eq!(grid(Tile::Wide, &phases, &shape), [3, 2, 12]);
        assert_eq!(grid(Tile::Narrow, &phases, &shape), [2, 17, 12]);
    }

    #[test]
    fn small_planes_with_long_sums_are_split() {
        let phases = [phase([6, 6], 3)];
        let deep = shape(&phases, 1, 512, 256);
        assert_eq!(splits(&phases, &deep), 16);
        assert_eq!(
            splits(
                &phases,
                &Shape {
                    n: 35,
                    splits: 9,
                    ..deep
                }
            ),
            16
        );
        // Few terms, or enough tiles: one part.
        assert_eq!(
            splits(
                &phases,
                &Shape {
                    channels: 16,
                    ..deep
                }
            ),
            1
        );
        let large = [phase([112, 112], 3)];
        assert_eq!(splits(&large, &shape(&large, 1, 512, 256)), 1);
    }

    #[test]
    fn parts_leave_room_for_groups_and_phases() {
        let phases = [phase([1, 1], 40)];
        let many = shape(&phases, 40000, 1, 1);
        assert_eq!(splits(&phases, &many), 1);
        assert_eq!(splits(&[phase([0, 0], 0)], &many), 1);
        assert_eq!(splits(&[], &many), 1);
    }
}
