//! Uniform points of a polytope: by rejection, which is exact, and by
//! hit-and-run, which works where rejection would take for ever.

use crate::polytope::{Polytope, dot};

/// So many steps make points nearly independent, for polytopes as narrow as the
/// examples.
const STRIDE: usize = 64;

/// Which way a step of hit-and-run goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction {
    /// Along one coordinate, drawn anew.
    Coordinate,
    /// Uniform on the sphere.
    Sphere,
}

/// The random numbers of one test: the generator SplitMix64, which is fast
/// where dependencies are not optimised.
pub(crate) struct Random(u64);

/// The random numbers of a seed.
pub(crate) fn seeded(seed: u64) -> Random {
    Random(seed.wrapping_mul(0xD134_2543_DE82_EF95))
}

impl Random {
    /// Uniform in [0, 1).
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// N(0, 1), by the method of Box and Muller.
    fn normal(&mut self) -> f64 {
        let size = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        size * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// Uniform in the unit cube.
pub(crate) fn in_cube(d: usize, random: &mut Random) -> Vec<f64> {
    (0..d).map(|_| random.uniform()).collect()
}

/// `n` points, and how many points of the cube were drawn for them.
fn rejection(polytope: &Polytope, n: usize, random: &mut Random) -> (Vec<Vec<f64>>, usize) {
    let (mut points, mut drawn) = (Vec::new(), 0);
    while points.len() < n {
        drawn += 1;
        let x = in_cube(polytope.dim(), random);
        if polytope.violation(&x) == 0.0 {
            points.push(x);
        }
    }
    (points, drawn)
}

/// `n` points of a walk from the interior; [`STRIDE`] steps lie between two of
/// them, and before the first.
pub(crate) fn hit_and_run(
    polytope: &Polytope,
    n: usize,
    direction: Direction,
    random: &mut Random,
) -> Vec<Vec<f64>> {
    let mut x = polytope.interior();
    let mut points = Vec::with_capacity(n);
    for _ in 0..n {
        for _ in 0..STRIDE {
            step(polytope, &mut x, direction, random);
        }
        points.push(x.clone());
    }
    points
}

fn step(polytope: &Polytope, x: &mut [f64], direction: Direction, random: &mut Random) {
    let u = drawn(direction, x.len(), random);
    let (from, to) = chord(polytope, x, &u);
    let t = from + (to - from) * random.uniform();
    for (x, u) in x.iter_mut().zip(&u) {
        *x = (*x + t * u).clamp(0.0, 1.0);
    }
}

fn drawn(direction: Direction, d: usize, random: &mut Random) -> Vec<f64> {
    match direction {
        Direction::Coordinate => {
            let axis = (random.uniform() * d as f64) as usize;
            (0..d).map(|k| f64::from(u8::from(k == axis))).collect()
        }
        Direction::Sphere => (0..d).map(|_| random.normal()).collect(),
    }
}

/// The `t` between which `x + t u` lies in the polytope.
fn chord(polytope: &Polytope, x: &[f64], u: &[f64]) -> (f64, f64) {
    let (s, along) = (dot(&polytope.weights, x), dot(&polytope.weights, u));
    let cube = x.iter().zip(u).map(|(&x, &u)| (-x, 1.0 - x, u));
    let slab = (polytope.lo - s, polytope.hi - s, along);
    cube.chain([slab])
        .filter(|(_, _, slope)| slope.abs() > 1e-12)
        .map(|(below, above, slope)| (below / slope, above / slope))
        .fold((f64::NEG_INFINITY, f64::INFINITY), |(from, to), (a, b)| {
            (from.max(a.min(b)), to.min(a.max(b)))
        })
}

/// The Kolmogorov-Smirnov distance of `w.x` from its exact distribution.
fn marginal_gap(polytope: &Polytope, points: &[Vec<f64>]) -> f64 {
    let mut values: Vec<f64> = points.iter().map(|x| dot(&polytope.weights, x)).collect();
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let gaps = values.iter().enumerate().map(|(i, &s)| {
        let share = polytope.share_below(s);
        (share - i as f64 / n).max((i + 1) as f64 / n - share)
    });
    gaps.fold(0.0, f64::max)
}

/// Means of all `x_i` and of all `x_i x_j`.
fn moments(points: &[Vec<f64>]) -> Vec<f64> {
    let d = points[0].len();
    let mean = |term: &dyn Fn(&[f64]) -> f64| {
        points.iter().map(|x| term(x)).sum::<f64>() / points.len() as f64
    };
    let first = (0..d).map(|i| mean(&|x| x[i]));
    let pairs = (0..d).flat_map(|i| (i..d).map(move |j| (i, j)));
    first
        .chain(pairs.map(|(i, j)| mean(&|x| x[i] * x[j])))
        .collect()
}

const POINTS: usize = 10_000;

/// A distance that independent points exceed once in 3,000 times, for every
/// kind of test here: Kolmogorov's distribution beyond 2.
fn marginal_tolerance(n: usize) -> f64 {
    2.0 / (n as f64).sqrt()
}

/// Four standard deviations of the difference of two means of numbers in
/// [0, 1], whose own standard deviation is below 0.35 here.
fn moment_tolerance(n: usize) -> f64 {
    4.0 * 0.35 * (2.0 / n as f64).sqrt()
}

#[test]
fn rejection_meets_the_volume_and_the_marginal() {
    for (seed, polytope) in examples_of_walks() {
        let mut random = seeded(seed);
        let (points, drawn) = rejection(&polytope, POINTS, &mut random);
        let volume = polytope.volume();
        let sigma = (volume * (1.0 - volume) / drawn as f64).sqrt();
        let share = POINTS as f64 / drawn as f64;
        assert!(
            (share - volume).abs() <= 4.0 * sigma,
            "{polytope:?}: {share}, {volume}"
        );
        let gap = marginal_gap(&polytope, &points);
        assert!(gap <= marginal_tolerance(POINTS), "{polytope:?}: {gap}");
    }
}

#[test]
fn hit_and_run_meets_the_marginal_and_the_moments_of_rejection() {
    for (seed, polytope) in examples_of_walks() {
        let expected = moments(&rejection(&polytope, POINTS, &mut seeded(seed)).0);
        for direction in [Direction::Coordinate, Direction::Sphere] {
            let points = hit_and_run(&polytope, POINTS, direction, &mut seeded(seed + 100));
            let outside = points.iter().map(|x| polytope.violation(x));
            assert!(
                outside.fold(0.0, f64::max) <= 1e-12,
                "{polytope:?} {direction:?}"
            );
            let gap = marginal_gap(&polytope, &points);
            assert!(
                gap <= marginal_tolerance(POINTS),
                "{polytope:?} {direction:?}: {gap}"
            );
            for (found, expected) in moments(&points).into_iter().zip(&expected) {
                assert!(
                    (found - expected).abs() <= moment_tolerance(POINTS),
                    "{polytope:?} {direction:?}: {found}, {expected}"
                );
            }
        }
    }
}

fn examples_of_walks() -> impl Iterator<Item = (u64, Polytope)> {
    (0..).zip(crate::polytope::examples(6))
}
