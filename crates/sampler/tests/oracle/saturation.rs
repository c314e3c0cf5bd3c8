//! Where the sigmoid saturates: the constraint on the logit is met from every
//! start, the one on the sigmoid itself from few.

use sampler::Band;

use crate::maximise::{Ascent, starts};
use crate::neuron::{LinearLogistic, Scale, logit};
use crate::polytope::Polytope;
use crate::vertices::{greatest_spread, spread};

const WEIGHTS: [f64; 4] = [24.0, -16.0, 20.0, 12.0];
const STARTS: u64 = 64;

/// The sampler's penalty, for residuals in units of the range's width.
const PENALTY: f64 = 10.0;

/// How far inside its ends the logit is aimed at: what it reaches in f32 then
/// lies in the range.
const MARGIN: f64 = 1e-4;

/// A sigmoid this flat pushes a point by less than the objective does.
const FLAT: f64 = 1e-4;

struct Saturated {
    z1: f64,
    z2: f64,
    bias: f64,
}

const CASES: [Saturated; 3] = [
    Saturated {
        z1: 0.999,
        z2: 0.99999,
        bias: -10.0,
    },
    Saturated {
        z1: 0.999,
        z2: 0.99999,
        bias: 0.0,
    },
    Saturated {
        z1: 0.00001,
        z2: 0.001,
        bias: -30.0,
    },
];

impl Saturated {
    fn neuron(&self, scale: Scale) -> LinearLogistic {
        LinearLogistic::new(WEIGHTS.to_vec(), self.bias, scale)
    }

    /// Two points from every start, with the constraint on this scale. The
    /// sigmoid's slope is a quarter at the most, which bounds the curvature of
    /// the penalty.
    fn ends(&self, scale: Scale) -> Vec<Vec<Vec<f64>>> {
        let (lo, hi, slope) = match scale {
            Scale::Logit => (logit(self.z1) + MARGIN, logit(self.z2) - MARGIN, 1.0),
            Scale::Sigmoid => (self.z1, self.z2, 0.25),
        };
        let penalty = PENALTY / (hi - lo).powi(2);
        let square: f64 = WEIGHTS.iter().map(|w| (slope * w).powi(2)).sum();
        let ascent = Ascent {
            neuron: self.neuron(scale),
            band: Band { lo, hi },
            fixed: Vec::new(),
            penalty,
            length: 0.5 / (penalty * square),
        };
        (0..STARTS)
            .map(|seed| {
                ascent
                    .run(&starts(2, WEIGHTS.len(), seed))
                    .expect("the maps work")
            })
            .collect()
    }

    fn holds(&self, x: &[f64]) -> bool {
        (self.z1..=self.z2).contains(&self.neuron(Scale::Sigmoid).value(x))
    }
}

#[test]
fn on_the_logit_every_start_ends_in_the_range_and_the_best_at_the_optimum() {
    for case in CASES {
        let set = case.neuron(Scale::Logit).inverse_set(case.z1, case.z2);
        let aimed_at = Polytope {
            lo: set.lo + MARGIN,
            hi: set.hi - MARGIN,
            ..set
        };
        let ends = case.ends(Scale::Logit);
        for x in ends.iter().flatten() {
            assert!(case.holds(x), "{}..{}: {x:?}", case.z1, case.z2);
        }
        let best = ends.iter().map(|points| spread(points)).fold(0.0, f64::max);
        let optimum = greatest_spread(&aimed_at, &[], 2);
        assert!(
            (best - optimum).abs() <= 1e-6 * optimum,
            "{best}, {optimum}"
        );
    }
}

#[test]
fn on_the_sigmoid_most_starts_stall_outside_where_it_is_flat() {
    for case in CASES {
        let ends = case.ends(Scale::Sigmoid);
        let far = |x: &[f64]| {
            let set = case.neuron(Scale::Logit).inverse_set(case.z1, case.z2);
            set.violation(x) > 0.01
        };
        let stalled = ends.iter().filter(|points| points.iter().any(|x| far(x)));
        let stalled = stalled.count();
        assert!(
            stalled > ends.len() / 2,
            "{}..{}: {stalled}",
            case.z1,
            case.z2
        );
        for x in ends.iter().flatten().filter(|x| far(x)) {
            let f = case.neuron(Scale::Sigmoid).value(x);
            assert!(f * (1.0 - f) <= FLAT, "{}..{}: {f}", case.z1, case.z2);
        }
    }
}
