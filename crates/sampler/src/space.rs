//! What the sampler sees of the world: where codes, images and encodings live,
//! and the two maps between them.
//!
//! Codes, images and encodings are associated types: plain vectors on the CPU,
//! handles on a GPU. Per step only the neurons' values cross to the host.
//! *Row* means one sample of such a batch; a call for `n` rows uses the first
//! `n`. Everything is row-major f32 in meaning, whatever the representation.

use crate::error::Failure;
use crate::objective::RunningSums;
use crate::reservoir::Reservoir;

/// How far one row moves along its negative gradient `g`: by the length
/// `min(gap / |g|, longest)`.
///
/// With `gap = 2 P` for a penalty `P` of gradient `g` this is the Gauss-Newton
/// step of one residual (Polyak's step towards `P = 0`); with an infinite gap
/// every step has the length `longest`; with `longest = 0` the row rests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stride {
    /// Twice the penalty, in the objective's unit; infinite for a step of fixed length.
    pub gap: f32,
    /// Longest move, in the unit of codes.
    pub longest: f32,
}

impl Stride {
    /// The row stays where it is.
    pub const REST: Stride = Stride {
        gap: 0.0,
        longest: 0.0,
    };
}

/// Where codes, images and encodings live, and what the sampler does with them.
///
/// The box of allowed codes belongs to the space.
pub trait Space {
    /// A batch of codes, `[K, d]`.
    type Codes;
    /// A batch of images with pixels in [0, 1], `[K, pixels]`.
    type Images;
    /// A batch of encodings, `[K, e]`.
    type Encodings;

    /// Room for `k` codes.
    fn codes(&mut self, k: usize) -> Result<Self::Codes, Failure>;

    /// Overwrites one row.
    fn write(&mut self, codes: &mut Self::Codes, row: usize, code: &[f32]) -> Result<(), Failure>;

    /// Copies one row of `d` numbers to the host.
    fn read(&mut self, codes: &Self::Codes, row: usize) -> Result<Vec<f32>, Failure>;

    /// Exchanges two rows.
    fn swap(&mut self, codes: &mut Self::Codes, a: usize, b: usize) -> Result<(), Failure>;

    /// Moves each of the first `shares.len()` rows towards the same row of
    /// `own`, `c += share (own - c)`, and clips it into the box.
    fn approach(
        &mut self,
        codes: &mut Self::Codes,
        own: &Self::Codes,
        shares: &[f32],
    ) -> Result<(), Failure>;

    /// Moves each of the first `strides.len()` rows along `-d_codes` as its
    /// stride says, and clips it into the box. Components that push a code out
    /// through a bound it lies on are left out of the gradient before its norm
    /// is taken. A row whose gradient is zero or not finite rests.
    fn descend(
        &mut self,
        codes: &mut Self::Codes,
        d_codes: &Self::Codes,
        strides: &[Stride],
    ) -> Result<(), Failure>;

    /// The cotangents `-weight dT/de` of the first `n` rows, where `T` runs
    /// over `fixed` and these rows together (see [`crate::objective::gradient`]).
    fn spread(
        &mut self,
        encodings: &Self::Encodings,
        n: usize,
        fixed: &RunningSums,
        weight: f32,
    ) -> Result<&Self::Encodings, Failure>;

    /// The cotangents `-weight dR/de` of the first `n` rows, where `R` runs over
    /// the `near` nearest ones of each among those held by `fixed` and these rows
    /// (see [`crate::repulsion::gradient`]).
    fn repel(
        &mut self,
        encodings: &Self::Encodings,
        n: usize,
        fixed: &Reservoir,
        near: usize,
        weight: f32,
    ) -> Result<&Self::Encodings, Failure>;

    /// Takes note that `slot` may be accepted with the encoding in row `row`. A
    /// space that has its own copies of the running sums and the reservoir
    /// keeps it until [`Space::remember`].
    fn keep(
        &mut self,
        _encodings: &Self::Encodings,
        _row: usize,
        _slot: usize,
    ) -> Result<(), Failure> {
        Ok(())
    }

    /// The encodings kept last for the slots from 0 on were accepted: each is
    /// added to the running sums, which held `before`, and written to a row of
    /// the reservoir, if it is given one. A space may rely on it or not: it is
    /// shown sums and reservoir where they are used.
    fn remember(&mut self, _before: u64, _rows: &[Option<usize>]) -> Result<(), Failure> {
        Ok(())
    }

    /// Copies the first `n` encodings to the host, `[n, e]`.
    fn read_encodings(
        &mut self,
        encodings: &Self::Encodings,
        n: usize,
    ) -> Result<Vec<f32>, Failure>;

    /// The first `n` images as they will be stored, that is rounded to 8 bits;
    /// `bytes` is overwritten by the stored bytes, `[n, pixels]`.
    fn round(
        &mut self,
        images: &Self::Images,
        n: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<&Self::Images, Failure>;
}

/// A map from codes to images.
pub trait Generator<S: Space> {
    /// The images of the first `n` codes. It keeps what [`Generator::pull`]
    /// needs: the caller may change the codes in between.
    fn decode(&mut self, codes: &S::Codes, n: usize) -> Result<&S::Images, Failure>;

    /// From the cotangents of the images decoded last to those of their codes.
    /// They belong to a quantity that is being minimised.
    fn pull(&mut self, d_images: &S::Images) -> Result<&S::Codes, Failure>;
}

/// What a look must compute besides the neurons' values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The encodings.
    pub encodings: bool,
    /// The images' own codes, `E(x)` in the generator's code space.
    pub own_codes: bool,
}

/// What an observer saw.
pub struct Look<'a, S: Space> {
    /// Activations, `[n, m]`.
    pub values: &'a [f32],
    /// Encodings, present if they were wanted.
    pub encodings: Option<&'a S::Encodings>,
    /// Own codes, present if they were wanted and the observer gives them.
    pub own_codes: Option<&'a S::Codes>,
}

/// The constraint of a slot on one neuron, see [`crate::lagrangian`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constraint {
    /// `lambda`.
    pub multiplier: f64,
    /// `mu`.
    pub mu: f64,
    /// Lower end of the band.
    pub lo: f64,
    /// Upper end of the band.
    pub hi: f64,
    /// An updated multiplier is kept within plus and minus this.
    pub most: f64,
}

/// What a row's constraints do in a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Press {
    /// The slot in the row.
    pub slot: usize,
    /// First update the multipliers at the values of the last look.
    pub update: bool,
    /// Then press on the neurons; otherwise their cotangents are 0.
    pub press: bool,
}

/// A map from images to activations and encodings.
pub trait Observer<S: Space> {
    /// Whether a look can give the images' own codes, as it can where the
    /// generator was trained to invert a layer of the classifier.
    fn gives_own_codes(&self) -> bool {
        false
    }

    /// The neurons' values `[n, m]` that images would have whose own codes were
    /// exactly these (`[n, d]`): what the classifier computes behind the layer
    /// of the codes, a small part of a look. NaN for a neuron that does not
    /// depend on that layer alone, `None` where there is no other.
    fn foretell(&mut self, _codes: &[f32], _n: usize) -> Result<Option<&[f32]>, Failure> {
        Ok(None)
    }

    /// Looks at the first `n` images.
    fn look(
        &mut self,
        images: &S::Images,
        n: usize,
        wanted: Wanted,
    ) -> Result<Look<'_, S>, Failure>;

    /// Whether it knows the constraints of the slots, and computes the cotangents
    /// of their terms beside the values: [`Observer::constrain`] and
    /// [`Observer::press`].
    fn holds_constraints(&self) -> bool {
        false
    }

    /// Overwrites the constraints of a slot, one per neuron.
    fn constrain(&mut self, _slot: usize, _constraints: &[Constraint]) -> Result<(), Failure> {
        Ok(())
    }

    /// As [`Observer::pull`] with the cotangents of the terms of the augmented
    /// Lagrangian, one press for each row of the last look.
    fn press(
        &mut self,
        _presses: &[Press],
        _encodings: Option<&S::Encodings>,
    ) -> Result<&S::Images, Failure> {
        Err("pressing on neurons: this observer holds no constraints".into())
    }

    /// From the cotangents of the last look's values (`[n, m]`) and encodings
    /// to those of its images, of a quantity that is being minimised.
    /// `encodings` is given only if the last look wanted encodings.
    fn pull(
        &mut self,
        values: &[f32],
        encodings: Option<&S::Encodings>,
    ) -> Result<&S::Images, Failure>;
}
