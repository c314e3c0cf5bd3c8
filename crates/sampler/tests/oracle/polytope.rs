//! The slab `lo <= w.x <= hi` cut with the unit cube: its facts in closed form.

/// `{ x in [0,1]^d : lo <= w.x <= hi }`; `lo` and `hi` may be infinite.
#[derive(Clone, Debug)]
pub(crate) struct Polytope {
    /// `w`, `[d]`.
    pub(crate) weights: Vec<f64>,
    pub(crate) lo: f64,
    pub(crate) hi: f64,
}

impl Polytope {
    /// Dimensions.
    pub(crate) fn dim(&self) -> usize {
        self.weights.len()
    }

    /// Least and greatest `w.x` over the cube.
    pub(crate) fn attainable(&self) -> (f64, f64) {
        self.weights.iter().fold((0.0, 0.0), |(least, most), &w| {
            (least + w.min(0.0), most + w.max(0.0))
        })
    }

    /// Whether no point of the cube lies in the slab.
    pub(crate) fn is_empty(&self) -> bool {
        let (least, most) = self.attainable();
        self.lo > most || self.hi < least
    }

    /// How far a point lies outside: the greatest amount by which it misses a
    /// bound of the cube or of the slab, 0 inside.
    pub(crate) fn violation(&self, x: &[f64]) -> f64 {
        let s = dot(&self.weights, x);
        let slab = (self.lo - s).max(s - self.hi);
        x.iter()
            .map(|&x| (-x).max(x - 1.0))
            .fold(slab, f64::max)
            .max(0.0)
    }

    /// A point in the interior of a set that is not empty: the one of the
    /// segment between the corners of least and greatest `w.x` that lies in
    /// the middle of the values attained.
    pub(crate) fn interior(&self) -> Vec<f64> {
        let (least, most) = self.attainable();
        let middle = 0.5 * (self.lo.max(least) + self.hi.min(most));
        let t = (2.0 * middle - least - most) / (most - least);
        let unit = |&w: &f64| {
            if w == 0.0 {
                0.5
            } else {
                0.5 + 0.5 * t * w.signum()
            }
        };
        self.weights.iter().map(unit).collect()
    }

    /// The volume.
    pub(crate) fn volume(&self) -> f64 {
        volume_below(&self.weights, self.hi) - volume_below(&self.weights, self.lo)
    }

    /// The share of the volume with `w.x <= s`.
    pub(crate) fn share_below(&self, s: f64) -> f64 {
        let below = |s| volume_below(&self.weights, s);
        (below(s.clamp(self.lo, self.hi)) - below(self.lo)) / self.volume()
    }

    /// The greatest `u.x`, by linear programming duality: for any price `p` of
    /// `w.x`, `sum max(u_i - p w_i, 0) + p hi` (`lo` if `p < 0`) bounds it, and
    /// the least bound, at a kink in `p`, is attained.
    pub(crate) fn support(&self, u: &[f64]) -> f64 {
        let bound = |p: f64| {
            let cube: f64 = u
                .iter()
                .zip(&self.weights)
                .map(|(u, w)| (u - p * w).max(0.0))
                .sum();
            let face = if p > 0.0 { self.hi } else { self.lo };
            cube + if p == 0.0 { 0.0 } else { p * face }
        };
        let kinks = u.iter().zip(&self.weights).filter(|(_, w)| **w != 0.0);
        kinks.map(|(u, w)| bound(u / w)).fold(bound(0.0), f64::min)
    }
}

/// `a.b`.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The volume of `{ x in [0,1]^d : w.x <= b }`: with all weights positive, by
/// inclusion and exclusion of the corners `v`,
/// `sum_v (-1)^|v| max(b - w.v, 0)^d / (d! prod w)`. Coordinates of negative
/// weight are turned around, those of weight 0 left out.
fn volume_below(weights: &[f64], b: f64) -> f64 {
    let sizes: Vec<f64> = weights
        .iter()
        .filter(|w| **w != 0.0)
        .map(|w| w.abs())
        .collect();
    let b = b - weights.iter().map(|w| w.min(0.0)).sum::<f64>();
    if b < 0.0 {
        return 0.0;
    }
    if b >= sizes.iter().sum() {
        return 1.0;
    }
    let d = sizes.len();
    let corners = (0..1_usize << d).map(|corner| {
        let (at, ones) = corner_value(&sizes, corner);
        let sign = if ones % 2 == 0 { 1.0 } else { -1.0 };
        sign * (b - at).max(0.0).powi(d as i32)
    });
    let whole: f64 = sizes
        .iter()
        .enumerate()
        .map(|(k, w)| (k + 1) as f64 * w)
        .product();
    corners.sum::<f64>() / whole
}

/// `w.v` of the corner whose ones are the bits of `corner`, and their number.
fn corner_value(weights: &[f64], corner: usize) -> (f64, u32) {
    let ones = weights
        .iter()
        .enumerate()
        .filter(|(k, _)| corner >> k & 1 == 1);
    (ones.map(|(_, w)| w).sum(), corner.count_ones())
}

/// Polytopes of every kind, with from 2 to `most` dimensions: narrow and wide
/// slabs, cut at one side, at both, through corners and along an edge.
pub(crate) fn examples(most: usize) -> Vec<Polytope> {
    const OPEN: f64 = f64::INFINITY;
    let all: [(&[f64], f64, f64); 9] = [
        (&[1.0, 1.0], 0.5, 1.5),
        (&[1.5, -0.75], 0.0, 0.25),
        (&[1.0, 0.5, 0.75], 1.0, 1.25),
        (&[-1.0, 0.5, 1.25], 0.5, OPEN),
        (&[0.5, 0.0, -1.0], -OPEN, -0.375),
        (&[1.0, -0.5, 0.75, 1.5], 1.0, 1.5),
        (&[-0.625, -1.25, 0.5, -0.875], -1.75, -1.5),
        (&[1.0, -0.5, 0.75, 1.5, -1.0], 0.25, 0.75),
        (&[1.0, 1.0, -0.5, 0.625, 0.75, 1.5], 3.0, 3.25),
    ];
    all.into_iter()
        .filter(|(weights, ..)| weights.len() <= most)
        .map(|(weights, lo, hi)| Polytope {
            weights: weights.to_vec(),
            lo,
            hi,
        })
        .collect()
}

#[test]
fn volumes_known_by_hand() {
    let cases: [(&[f64], f64, f64); 8] = [
        (&[1.0, 1.0], 0.5, 0.125),
        (&[1.0, 1.0], 1.5, 0.875),
        (&[1.0, -1.0], 0.0, 0.5),
        (&[2.0, 0.0], 0.5, 0.25),
        (&[-1.0], -0.25, 0.75),
        (&[1.0, 1.0, 1.0], 1.0, 1.0 / 6.0),
        (&[1.0, 1.0, 1.0, 1.0], 2.0, 0.5),
        (&[0.0], -1.0, 0.0),
    ];
    for (weights, b, expected) in cases {
        let found = volume_below(weights, b);
        assert!(
            (found - expected).abs() <= 1e-14,
            "{weights:?} {b}: {found}"
        );
    }
}

#[test]
fn a_set_is_empty_beyond_what_is_attained_and_the_cube_if_it_spans_it() {
    let slab = |lo, hi| Polytope {
        weights: vec![2.0, -1.0, 0.5],
        lo,
        hi,
    };
    assert_eq!(slab(0.0, 1.0).attainable(), (-1.0, 2.5));
    let cases = [
        (2.6, 3.0, true),
        (2.5, 3.0, false),
        (-2.0, -1.1, true),
        (-2.0, -1.0, false),
        (-1.0, 2.5, false),
    ];
    for (lo, hi, empty) in cases {
        assert_eq!(slab(lo, hi).is_empty(), empty, "{lo}..{hi}");
    }
    assert!((slab(-1.0, 2.5).volume() - 1.0).abs() <= 1e-14);
    assert_eq!(slab(2.6, 3.0).volume(), 0.0);
}

#[test]
fn the_interior_point_touches_no_bound() {
    for polytope in examples(6) {
        let x = polytope.interior();
        let s = dot(&polytope.weights, &x);
        assert!(
            polytope.lo + 0.05 < s && s < polytope.hi - 0.05,
            "{polytope:?}"
        );
        assert!(x.iter().all(|&x| 0.0 < x && x < 1.0), "{polytope:?} {x:?}");
    }
}
