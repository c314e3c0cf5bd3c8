//! One place in a batch: its multipliers, and how far its sample has come.

use crate::batch::Sample;
use crate::lagrangian;
use crate::options::Options;
use crate::range::Band;
use crate::space::{Constraint, Stride};

/// A slot's longest step shrinks to no less than this share of the option.
const LEAST_LONGEST: f64 = 1.0 / 64.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// On its way into the bands.
    Moving,
    /// In the bands, not yet looked at as rounded.
    Inside,
    /// Not repaired in the steps it had.
    Failed,
    Accepted,
}

/// Where a slot's code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A random starting code.
    Fresh,
    /// An accepted code, moved.
    Earlier,
}

pub(crate) struct Slot {
    pub(crate) status: Status,
    pub(crate) origin: Origin,
    /// `lambda`, one per neuron.
    pub(crate) multipliers: Vec<f64>,
    /// What the neurons are to lie in, one per neuron.
    pub(crate) bands: Vec<Band>,
    /// Its accepted code of the batch before, if it began there.
    pub(crate) anchor: Option<Vec<f32>>,
    /// The values of its last look.
    pub(crate) values: Vec<f32>,
    /// Repair steps since it was placed.
    pub(crate) steps: u32,
    /// How often it was not repaired.
    pub(crate) failures: u32,
    /// How often its rounded image was rejected.
    pub(crate) rejections: u32,
    /// Present when accepted.
    pub(crate) sample: Option<Sample>,
    longest: f64,
    violation: f64,
}

impl Slot {
    pub(crate) fn new(origin: Origin, multipliers: Vec<f64>, anchor: Option<Vec<f32>>) -> Slot {
        Slot {
            status: Status::Moving,
            origin,
            multipliers,
            bands: Vec::new(),
            anchor,
            values: Vec::new(),
            steps: 0,
            failures: 0,
            rejections: 0,
            sample: None,
            longest: 1.0,
            violation: f64::INFINITY,
        }
    }

    /// The slot has got another code; a fresh one feels no pressure yet.
    pub(crate) fn placed(&mut self, origin: Origin) {
        self.status = Status::Moving;
        self.origin = origin;
        self.steps = 0;
        self.longest = 1.0;
        self.violation = f64::INFINITY;
        if origin == Origin::Fresh {
            self.multipliers.fill(0.0);
        }
    }

    /// Whether the values of the last look lie in the bands.
    pub(crate) fn is_inside(&self) -> bool {
        self.values
            .iter()
            .zip(&self.bands)
            .all(|(&f, band)| band.contains(f))
    }

    /// The constraints as they are, a multiplier kept within what shifts its bound
    /// by `depth` of the band (of the unit where it is open).
    pub(crate) fn constraints(&self, penalty: &Penalty, options: &Options) -> Vec<Constraint> {
        let of = |(j, &multiplier): (usize, &f64)| {
            let (band, mu) = (self.bands[j], penalty.mu[j]);
            Constraint {
                multiplier,
                mu,
                lo: band.lo,
                hi: band.hi,
                most: mu * options.depth * band.width().min(penalty.unit[j]),
            }
        };
        self.multipliers.iter().enumerate().map(of).collect()
    }

    /// Updates the multipliers at the values of the last look.
    pub(crate) fn update_multipliers(&mut self, penalty: &Penalty, options: &Options) {
        let constraints = self.constraints(penalty, options);
        for (j, (l, constraint)) in self.multipliers.iter_mut().zip(constraints).enumerate() {
            let f = f64::from(self.values[j]);
            let Constraint { mu, most, .. } = constraint;
            if f.is_finite() {
                *l = lagrangian::updated(f, *l, mu, self.bands[j]).clamp(-most, most);
            }
        }
    }

    /// Writes the cotangents of the augmented Lagrangian's terms by the values,
    /// and returns twice the penalty, `sum l+^2 / mu`.
    pub(crate) fn cotangents(&self, penalty: &Penalty, d_values: &mut [f32]) -> f64 {
        let mut gap = 0.0;
        for (j, d) in d_values.iter_mut().enumerate() {
            let f = f64::from(self.values[j]);
            let updated = lagrangian::updated(f, self.multipliers[j], penalty.mu[j], self.bands[j]);
            *d = -updated as f32;
            gap += updated * updated / penalty.mu[j];
        }
        gap
    }

    /// The stride of the next repair step, whose longest move follows whether
    /// the last step decreased the violation.
    pub(crate) fn stride(
        &mut self,
        gap: f64,
        penalty: &Penalty,
        unit: f64,
        options: &Options,
    ) -> Stride {
        let apart = |(j, &f): (usize, &f32)| {
            let f = f64::from(f);
            penalty.mu[j] * (f - self.bands[j].clip(f)).powi(2)
        };
        let violation: f64 = self.values.iter().enumerate().map(apart).sum();
        let factor = if violation > self.violation {
            options.shrink
        } else {
            options.grow
        };
        self.longest = (self.longest * factor).clamp(LEAST_LONGEST, 1.0);
        self.violation = violation;
        if gap == 0.0 {
            return Stride::REST;
        }
        Stride {
            gap: gap as f32,
            longest: (self.longest * options.longest * unit) as f32,
        }
    }
}

/// The scale of the constraints, per neuron.
#[derive(Clone, Debug)]
pub(crate) struct Penalty {
    /// Unit of residuals.
    pub(crate) unit: Vec<f64>,
    /// `mu = penalty / unit^2`.
    pub(crate) mu: Vec<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(f: f32) -> (Slot, Penalty) {
        let mut slot = Slot::new(Origin::Fresh, vec![0.0], None);
        slot.bands = vec![Band { lo: 2.0, hi: 4.0 }];
        slot.values = vec![f];
        (
            slot,
            Penalty {
                unit: vec![2.0],
                mu: vec![2.5],
            },
        )
    }

    #[test]
    fn repair_aims_inside_the_band_by_depth() {
        // For f(c) = c the move is gap / |d|; from 1 it must end at 2 + depth * 2.
        let options = Options::default();
        let (mut slot, penalty) = slot(1.0);
        slot.update_multipliers(&penalty, &options);
        let mut d = [0.0];
        let gap = slot.cotangents(&penalty, &mut d);
        assert!(d[0] < 0.0, "descending must increase f");
        let reached = 1.0 + gap / f64::from(d[0].abs());
        assert!(
            (reached - (2.0 + options.depth * 2.0)).abs() <= 1e-6,
            "{reached}"
        );
    }

    #[test]
    fn a_worse_look_shortens_the_longest_step() {
        let options = Options::default();
        let (mut slot, penalty) = slot(1.0);
        let first = slot.stride(1.0, &penalty, 1.0, &options).longest;
        slot.values = vec![7.0];
        let second = slot.stride(1.0, &penalty, 1.0, &options).longest;
        slot.values = vec![5.0];
        let third = slot.stride(1.0, &penalty, 1.0, &options).longest;
        assert!(second < third && third < first, "{first} {second} {third}");
    }

    #[test]
    fn nan_is_not_inside() {
        let (slot, _) = slot(f32::NAN);
        assert!(!slot.is_inside());
    }
}
