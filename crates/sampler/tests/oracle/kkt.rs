//! The conditions of Karush, Kuhn and Tucker at a point of a polytope.

use crate::polytope::{Polytope, dot};

/// A constraint counts as active within this distance.
const ACTIVE: f64 = 1e-5;

/// How far a gradient to be ascended is from being a non-negative combination
/// of the outward normals of the active constraints, as a share of its norm.
///
/// Normals of the cube are coordinate axes: for any multiplier `p` of the slab
/// the best ones of the cube follow one by one. What remains is convex in `p`,
/// and its derivative is bisected.
pub(crate) fn residual(polytope: &Polytope, x: &[f64], gradient: &[f64]) -> f64 {
    let norm = dot(gradient, gradient).sqrt();
    let (mut low, mut high) = price_bounds(polytope, x, norm);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        let rest = unexplained(polytope, x, gradient, middle);
        if dot(&polytope.weights, &rest) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let rest = unexplained(polytope, x, gradient, 0.5 * (low + high));
    dot(&rest, &rest).sqrt() / norm
}

/// What the slab's multiplier may be: of the sign of its active face.
fn price_bounds(polytope: &Polytope, x: &[f64], norm: f64) -> (f64, f64) {
    let s = dot(&polytope.weights, x);
    let least = polytope
        .weights
        .iter()
        .filter(|w| **w != 0.0)
        .fold(f64::INFINITY, |least, w| least.min(w.abs()));
    let most = norm / least;
    let at = |face: f64| (s - face).abs() <= ACTIVE;
    (
        if at(polytope.lo) { -most } else { 0.0 },
        if at(polytope.hi) { most } else { 0.0 },
    )
}

/// `gradient - price w`, less what the cube's active bounds hold back.
fn unexplained(polytope: &Polytope, x: &[f64], gradient: &[f64], price: f64) -> Vec<f64> {
    let terms = gradient.iter().zip(&polytope.weights).zip(x);
    terms
        .map(|((g, w), &x)| {
            let rest = g - price * w;
            match x {
                x if x <= ACTIVE => rest.max(0.0),
                x if x >= 1.0 - ACTIVE => rest.min(0.0),
                _ => rest,
            }
        })
        .collect()
}

#[test]
fn points_judged_by_hand() {
    let polytope = Polytope {
        weights: vec![1.0, 1.0],
        lo: 0.5,
        hi: 1.5,
    };
    let root = f64::sqrt(0.5);
    let cases = [
        ("inside", [0.5, 0.4], [1.0, 0.0], 1.0),
        (
            "on the upper face, along its normal",
            [0.75, 0.75],
            [2.0, 2.0],
            0.0,
        ),
        (
            "on the upper face, against its normal",
            [0.75, 0.75],
            [-1.0, -1.0],
            1.0,
        ),
        (
            "on the upper face, half along it",
            [0.75, 0.75],
            [1.0, 0.0],
            root,
        ),
        (
            "on the lower face, along its normal",
            [0.25, 0.25],
            [-3.0, -3.0],
            0.0,
        ),
        ("at a lower bound, inwards", [0.0, 0.7], [1.0, 0.0], 1.0),
        ("at a lower bound, outwards", [0.0, 0.7], [-1.0, 0.0], 0.0),
        ("at an upper bound, outwards", [1.0, 0.2], [1.0, 0.0], 0.0),
        ("at an upper bound, inwards", [1.0, 0.2], [-1.0, 0.0], 1.0),
        (
            "at a vertex, between its normals",
            [1.0, 0.5],
            [3.0, 1.0],
            0.0,
        ),
        (
            "at a vertex, beyond one normal",
            [1.0, 0.5],
            [1.0, 3.0],
            2.0 * root / f64::sqrt(10.0),
        ),
        (
            "at a corner, between the axes",
            [0.0, 1.0],
            [-1.0, 2.0],
            0.0,
        ),
    ];
    for (name, x, gradient, expected) in cases {
        let found = residual(&polytope, &x, &gradient);
        assert!(
            (found - expected).abs() <= 1e-9,
            "{name}: {found}, {expected}"
        );
    }
}
