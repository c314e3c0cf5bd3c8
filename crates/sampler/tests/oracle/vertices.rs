//! The vertices of a polytope, and the greatest sum of squared distances that
//! any `n` of its points have.
//!
//! `T` is convex in all points together, so it is greatest where every point
//! is a vertex.

use crate::polytope::{Polytope, dot, examples};
use crate::walks::{Direction, hit_and_run, in_cube, seeded};

/// All vertices: corners of the cube inside the slab, and points where a face
/// of the slab cuts an edge of the cube.
pub(crate) fn vertices(polytope: &Polytope) -> Vec<Vec<f64>> {
    let corners: Vec<Vec<f64>> = (0..1_usize << polytope.dim())
        .map(|bits| {
            (0..polytope.dim())
                .map(|k| (bits >> k & 1) as f64)
                .collect()
        })
        .collect();
    let edges = corners.iter().flat_map(|corner| {
        let zeros = (0..corner.len()).filter(|&k| corner[k] == 0.0);
        zeros.map(move |axis| (corner, axis))
    });
    let cuts = edges.flat_map(|(corner, axis)| cuts(polytope, corner, axis));
    let inside = corners.iter().filter(|x| polytope.violation(x) == 0.0);
    inside.cloned().chain(cuts).collect()
}

/// Where the slab's faces cut the edge from `corner` along `axis`, ends excluded.
fn cuts(polytope: &Polytope, corner: &[f64], axis: usize) -> Vec<Vec<f64>> {
    let s = dot(&polytope.weights, corner);
    [polytope.lo, polytope.hi]
        .into_iter()
        .map(|face| (face - s) / polytope.weights[axis])
        .filter(|t| 0.0 < *t && *t < 1.0)
        .map(|t| {
            let mut x = corner.to_vec();
            x[axis] = t;
            x
        })
        .collect()
}

/// The greatest `T` of `fixed` points and `n` more of the polytope, over all
/// multisets of `n` vertices.
pub(crate) fn greatest_spread(polytope: &Polytope, fixed: &[Vec<f64>], n: usize) -> f64 {
    fn extend(vertices: &[Vec<f64>], chosen: &mut Vec<Vec<f64>>, missing: usize) -> f64 {
        if missing == 0 {
            return spread(chosen);
        }
        let mut greatest = f64::NEG_INFINITY;
        for (k, vertex) in vertices.iter().enumerate() {
            chosen.push(vertex.clone());
            greatest = greatest.max(extend(&vertices[k..], chosen, missing - 1));
            chosen.pop();
        }
        greatest
    }
    extend(&vertices(polytope), &mut fixed.to_vec(), n)
}

/// `T`, the sum of squared distances over all ordered pairs, as it is written.
pub(crate) fn spread(points: &[Vec<f64>]) -> f64 {
    let from = |a: &Vec<f64>| points.iter().map(|b| square_distance(a, b)).sum::<f64>();
    points.iter().map(from).sum()
}

pub(crate) fn square_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// The whole cube.
pub(crate) fn cube(d: usize) -> Polytope {
    Polytope {
        weights: vec![1.0; d],
        lo: f64::NEG_INFINITY,
        hi: f64::INFINITY,
    }
}

#[test]
fn vertices_known_by_hand() {
    let slab = |weights: &[f64], lo, hi| Polytope {
        weights: weights.to_vec(),
        lo,
        hi,
    };
    let cases = [
        ("a hexagon", slab(&[1.0, 1.0], 0.5, 1.5), 6),
        (
            "a square cut through two corners",
            slab(&[1.0, 1.0], 1.0, 1.5),
            4,
        ),
        ("a cube without a corner", slab(&[1.0; 3], 0.5, 9.0), 10),
        (
            "a slice between layers of corners",
            slab(&[1.0; 3], 1.25, 1.75),
            12,
        ),
        (
            "half of a square, along an axis",
            slab(&[1.0, 0.0], 0.5, 2.0),
            4,
        ),
        ("a cube", cube(4), 16),
    ];
    for (name, polytope, expected) in cases {
        assert_eq!(vertices(&polytope).len(), expected, "{name}");
    }
}

#[test]
fn vertices_span_the_polytope_in_every_direction() {
    let mut random = seeded(7);
    for polytope in examples(4) {
        let vertices = vertices(&polytope);
        for _ in 0..500 {
            let u: Vec<f64> = in_cube(polytope.dim(), &mut random)
                .iter()
                .map(|u| 2.0 * u - 1.0)
                .collect();
            let found = vertices.iter().map(|v| dot(&u, v)).fold(f64::MIN, f64::max);
            let expected = polytope.support(&u);
            assert!(
                (found - expected).abs() <= 1e-12,
                "{polytope:?} {u:?}: {found}, {expected}"
            );
        }
    }
}

#[test]
fn every_vertex_lies_in_the_polytope_and_none_twice() {
    for polytope in examples(4) {
        let vertices = vertices(&polytope);
        for (k, v) in vertices.iter().enumerate() {
            assert!(polytope.violation(v) <= 1e-12, "{polytope:?} {v:?}");
            let twin = vertices[..k].iter().any(|u| square_distance(u, v) < 1e-12);
            assert!(!twin, "{polytope:?} {v:?}");
        }
    }
}

#[test]
fn two_points_are_best_at_the_ends_of_a_diameter() {
    for polytope in examples(4) {
        let vertices = vertices(&polytope);
        let pairs = vertices
            .iter()
            .flat_map(|a| vertices.iter().map(move |b| (a, b)));
        let diameter = pairs
            .map(|(a, b)| square_distance(a, b))
            .fold(0.0, f64::max);
        let found = greatest_spread(&polytope, &[], 2);
        assert!(
            (found - 2.0 * diameter).abs() <= 1e-12,
            "{polytope:?}: {found}"
        );
    }
}

#[test]
fn on_the_cube_half_of_the_points_at_either_of_two_opposite_corners_are_best() {
    for (d, n) in [(1, 4), (2, 2), (2, 4), (3, 4), (2, 6), (4, 2)] {
        let expected = (n * n * d) as f64 / 2.0;
        assert_eq!(greatest_spread(&cube(d), &[], n), expected, "{d} {n}");
    }
}

#[test]
fn no_points_of_the_interior_are_farther_apart_than_the_best_vertices() {
    for polytope in examples(4) {
        let best = greatest_spread(&polytope, &[], 3);
        let points = hit_and_run(&polytope, 900, Direction::Sphere, &mut seeded(3));
        for three in points.chunks(3) {
            assert!(spread(three) < best, "{polytope:?} {three:?}");
        }
    }
}
