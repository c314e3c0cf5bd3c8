//! The sampler's parts as a constrained optimiser that runs to its end: the
//! augmented Lagrangian of `T`, descended with fixed steps, multipliers updated
//! where it rests.

use sampler::objective::RunningSums;
use sampler::{
    Band, Failure, Generator, HostSpace, Identity, Observer, Space, Stride, Wanted, lagrangian,
};

use crate::kkt;
use crate::neuron::{LinearLogistic, Scale, widened};
use crate::polytope::{Polytope, examples};
use crate::vertices::{cube, greatest_spread, spread};
use crate::walks::{in_cube, seeded};

/// Most updates of the multipliers, and most steps between two of them.
const ROUNDS: u32 = 60;
const STEPS: u32 = 400;

/// What is optimised: `n` points, spread against each other and `fixed` ones.
pub(crate) struct Ascent {
    pub(crate) neuron: LinearLogistic,
    pub(crate) band: Band,
    pub(crate) fixed: Vec<f32>,
    /// `mu`.
    pub(crate) penalty: f64,
    /// Length of a step in units of the gradient: at most the inverse of the
    /// Lagrangian's curvature.
    pub(crate) length: f64,
}

impl Ascent {
    /// Runs from `[n, d]` starting points until the multipliers no longer
    /// change the points.
    pub(crate) fn run(&self, starts: &[f32]) -> Result<Vec<Vec<f64>>, Failure> {
        let d = self.neuron.weights.len();
        let mut world = World::new(self, starts);
        let mut multipliers = vec![0.0; starts.len() / d];
        for _ in 0..ROUNDS {
            let before = world.codes.clone();
            for _ in 0..STEPS {
                if !world.step(self, &multipliers)? {
                    break;
                }
            }
            let values = world.values()?;
            for (l, f) in multipliers.iter_mut().zip(values) {
                *l = lagrangian::updated(f, *l, self.penalty, self.band);
            }
            if world.codes == before {
                break;
            }
        }
        Ok(world.codes.chunks_exact(d).map(widened).collect())
    }
}

/// The sampler's host space with its maps.
struct World {
    space: HostSpace,
    generator: Identity,
    neuron: LinearLogistic,
    fixed: RunningSums,
    codes: Vec<f32>,
    n: usize,
}

impl World {
    fn new(ascent: &Ascent, starts: &[f32]) -> World {
        let d = ascent.neuron.weights.len();
        World {
            space: HostSpace::new(vec![0.0; d], vec![1.0; d]),
            generator: Identity::new(d),
            neuron: ascent.neuron.clone(),
            fixed: RunningSums::of(&ascent.fixed, d),
            codes: starts.to_vec(),
            n: starts.len() / d,
        }
    }

    fn values(&mut self) -> Result<Vec<f64>, Failure> {
        let wanted = Wanted {
            encodings: false,
            own_codes: false,
        };
        let images = self.generator.decode(&self.codes, self.n)?;
        Ok(widened(self.neuron.look(images, self.n, wanted)?.values))
    }

    /// One step down the gradient of `-T / 4n` with the constraints' terms;
    /// whether any code moved.
    fn step(&mut self, ascent: &Ascent, multipliers: &[f64]) -> Result<bool, Failure> {
        let wanted = Wanted {
            encodings: true,
            own_codes: false,
        };
        let images = self.generator.decode(&self.codes, self.n)?;
        let look = self.neuron.look(images, self.n, wanted)?;
        let pairs = look.values.iter().zip(multipliers);
        let d_values: Vec<f32> = pairs
            .map(|(&f, &l)| {
                -lagrangian::updated(f64::from(f), l, ascent.penalty, ascent.band) as f32
            })
            .collect();
        let encodings = look.encodings.ok_or("a look gave no encodings")?;
        let weight = 0.25 / (self.fixed.count() as f32 + self.n as f32);
        let d_encodings = self.space.spread(encodings, self.n, &self.fixed, weight)?;
        let d_images = self.neuron.pull(&d_values, Some(d_encodings))?;
        let d_codes = self.generator.pull(d_images)?;
        let strides = strides(&self.codes, d_codes, self.n, ascent.length);
        let before = self.codes.clone();
        self.space.descend(&mut self.codes, d_codes, &strides)?;
        Ok(self.codes != before)
    }
}

/// Strides of `length` times the gradient, where it is not held by the cube.
fn strides(codes: &[f32], d_codes: &[f32], n: usize, length: f64) -> Vec<Stride> {
    let d = codes.len() / n;
    let free = |(&c, &g): (&f32, &f32)| {
        let held = (c <= 0.0 && g > 0.0) || (c >= 1.0 && g < 0.0);
        if held { 0.0 } else { f64::from(g).powi(2) }
    };
    let rows = codes.chunks_exact(d).zip(d_codes.chunks_exact(d));
    rows.map(|(c, g)| Stride {
        gap: f32::INFINITY,
        longest: (length * c.iter().zip(g).map(free).sum::<f64>().sqrt()) as f32,
    })
    .collect()
}

/// `[n, d]` uniform points of the cube.
pub(crate) fn starts(n: usize, d: usize, seed: u64) -> Vec<f32> {
    let points = in_cube(n * d, &mut seeded(seed));
    points.into_iter().map(|x| x as f32).collect()
}

const STARTS: u64 = 64;
/// Of `w.x`, and of the cube's bounds.
const FEASIBLE: f64 = 1e-6;
/// As a share of the gradient.
const STATIONARY: f64 = 1e-5;
/// As a share of `T`.
const OPTIMAL: f64 = 1e-6;

/// An ascent over a polytope, on the logit. At a vertex with one free
/// coordinate `k` the objective's curvature, 1 at the most, must not exceed
/// `mu w_k^2`.
fn ascent(polytope: &Polytope, fixed: &[Vec<f64>]) -> Ascent {
    let weights = &polytope.weights;
    let squares = weights.iter().map(|w| w * w);
    let least = squares
        .clone()
        .filter(|w| *w > 0.0)
        .fold(f64::INFINITY, f64::min);
    let penalty = 4.0 / least;
    Ascent {
        neuron: LinearLogistic::new(weights.clone(), 0.0, Scale::Logit),
        band: Band {
            lo: polytope.lo,
            hi: polytope.hi,
        },
        fixed: fixed.iter().flatten().map(|&x| x as f32).collect(),
        penalty,
        length: 1.0 / (penalty * squares.sum::<f64>()),
    }
}

/// Runs from all starts, checks where each one ends, and returns the best `T`.
fn best_of_all(polytope: &Polytope, fixed: &[Vec<f64>], n: usize) -> f64 {
    let ascent = ascent(polytope, fixed);
    let ends = (0..STARTS).map(|seed| {
        let points = ascent
            .run(&starts(n, polytope.dim(), seed))
            .expect("the maps work");
        let all = [&points[..], fixed].concat();
        for x in &points {
            let outside = polytope.violation(x);
            assert!(outside <= FEASIBLE, "{polytope:?} {seed} {x:?}: {outside}");
            let residual = kkt::residual(polytope, x, &gradient(x, &all));
            assert!(
                residual <= STATIONARY,
                "{polytope:?} {seed} {points:?}: {residual}"
            );
        }
        spread(&all)
    });
    ends.fold(f64::NEG_INFINITY, f64::max)
}

/// The gradient of `T` by one of the points.
fn gradient(x: &[f64], all: &[Vec<f64>]) -> Vec<f64> {
    (0..x.len())
        .map(|k| all.iter().map(|other| 4.0 * (x[k] - other[k])).sum())
        .collect()
}

fn assert_optimal(polytope: &Polytope, fixed: &[Vec<f64>], n: usize) {
    let found = best_of_all(polytope, fixed, n);
    let expected = greatest_spread(polytope, fixed, n);
    assert!(
        (found - expected).abs() <= OPTIMAL * expected,
        "{n} points of {polytope:?}: {found}, {expected}"
    );
}

#[test]
fn two_points_end_at_kkt_points_and_the_best_of_them_at_a_diameter() {
    for polytope in examples(4) {
        assert_optimal(&polytope, &[], 2);
    }
}

#[test]
fn three_points_end_at_kkt_points_and_the_best_of_them_at_the_optimum() {
    for polytope in examples(4) {
        assert_optimal(&polytope, &[], 3);
    }
}

#[test]
fn one_point_among_fixed_ones_ends_at_a_kkt_point_and_at_best_at_the_farthest_vertex() {
    for polytope in examples(4) {
        let corner: Vec<f64> = (0..polytope.dim()).map(|k| (k % 2) as f64).collect();
        assert_optimal(&polytope, &[corner, polytope.interior()], 1);
    }
}

#[test]
fn four_points_of_the_cube_are_best_in_two_opposite_corners() {
    for d in 2..=4 {
        assert_optimal(&cube(d), &[], 4);
    }
}
