//! The figures of one run of a method.

use sampler::figures::{Diversity, Fidelity, diversity, fidelity, vendi};
use serde::{Deserialize, Serialize};

use super::pools::Pools;
use super::set::ImageSet;

/// Nearest neighbours of a reference image that precision, density and coverage
/// look at.
pub(crate) const NEIGHBOURS: usize = 5;

/// One run of a method for one neuron. Figures of distances and of the judge's
/// features are those of `compared` of its samples: as many as the method that
/// all are compared with has, or all if these are fewer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFigures {
    /// Seed of the run and of everything that was drawn for it.
    pub seed: u64,
    /// Samples in the range, no two of them equal.
    pub found: usize,
    /// Images that the method proposed.
    pub proposed: u64,
    /// How many of these lie in the range.
    pub in_range: usize,
    /// Evaluations in all; none where images are only looked up.
    pub evaluations: Option<f64>,
    /// Seconds in all; none where images are only looked up.
    pub seconds: Option<f64>,
    /// How many samples, drawn by seed, are compared with as many references.
    pub compared: usize,
    /// Distances between them in E.
    pub diversity: Option<Diversity>,
    /// The same of as many real images in the range.
    pub real: Option<Diversity>,
    /// Their Vendi score in E.
    pub vendi: Option<f64>,
    /// Precision, density and coverage in the judge's features.
    pub fidelity: Option<Fidelity>,
    /// The same of as many samples of `inverse-set`'s run of this seed.
    pub rival: Option<Fidelity>,
    /// Share of all N references that all samples found cover.
    pub reached: f64,
    /// The same of `inverse-set`'s run of this seed.
    pub rival_reached: Option<f64>,
    /// Share that the judge gives the neuron's class; none for a neuron without
    /// a label that the judge has.
    pub judged: Option<f64>,
}

/// What a method found for one seed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub set: ImageSet,
    pub proposed: u64,
    pub in_range: usize,
    pub evaluations: Option<f64>,
    pub seconds: Option<f64>,
}

/// What the figures of one neuron and seed are measured against.
pub(crate) struct Measure<'a> {
    pub pools: &'a Pools,
    /// Every real image in the range.
    pub real: &'a ImageSet,
    /// N: the most samples and references.
    pub wanted: usize,
    pub seed: u64,
    /// Numbers in an encoding, and in the judge's features.
    pub lengths: [usize; 2],
    /// The judge's class.
    pub class: Option<usize>,
    /// The samples of `inverse-set`.
    pub rival: Option<ImageSet>,
}

impl Measure<'_> {
    pub(crate) fn figures(&self, found: &Found) -> RunFigures {
        let compared = found.set.count.min(self.wanted);
        let sample = found.set.drawn(self.seed, compared);
        let [e, _] = self.lengths;
        RunFigures {
            seed: self.seed,
            found: found.set.count,
            proposed: found.proposed,
            in_range: found.in_range,
            evaluations: found.evaluations,
            seconds: found.seconds,
            compared,
            diversity: diversity(&sample.encodings, e),
            real: diversity(&self.real.drawn(self.seed, compared).encodings, e),
            vendi: vendi(&sample.encodings, e),
            fidelity: self.fidelity(&found.set, compared),
            rival: self
                .rival
                .as_ref()
                .and_then(|rival| self.fidelity(rival, compared)),
            reached: self.reached(&found.set),
            rival_reached: self.rival.as_ref().map(|rival| self.reached(rival)),
            judged: self.class.and_then(|class| sample.share_of(class)),
        }
    }

    /// Of `n` samples against `n` references; none of so few that there is no
    /// fifth neighbour.
    fn fidelity(&self, samples: &ImageSet, n: usize) -> Option<Fidelity> {
        if samples.count < n {
            return None;
        }
        let references = self.pools.references.drawn(self.seed, n);
        let samples = samples.drawn(self.seed, n);
        fidelity(
            &samples.features,
            &references.features,
            self.lengths[1],
            NEIGHBOURS,
        )
    }

    /// The coverage of N references by all samples that were found.
    fn reached(&self, samples: &ImageSet) -> f64 {
        let references = self.pools.references.drawn(self.seed, self.wanted);
        let samples = samples.drawn(self.seed, self.wanted);
        let features = (&samples.features, &references.features);
        fidelity(features.0, features.1, self.lengths[1], NEIGHBOURS)
            .map_or(0.0, |figures| figures.coverage)
    }
}

/// How a figure is read from a run; none where the run does not have it.
pub(crate) type Reading = fn(&RunFigures) -> Option<f64>;

/// Every figure by name, in the order of `compare.csv`.
pub(crate) const FIGURES: [(&str, Reading); 23] = [
    ("found", |run| Some(run.found as f64)),
    ("proposed", |run| Some(run.proposed as f64)),
    ("in_range", |run| {
        ratio(run.in_range as f64, run.proposed as f64)
    }),
    ("evaluations", |run| run.evaluations),
    ("evaluations_per_sample", |run| {
        ratio(run.evaluations?, run.found as f64)
    }),
    ("seconds_per_sample", |run| {
        ratio(run.seconds?, run.found as f64)
    }),
    ("compared", |run| Some(run.compared as f64)),
    ("pair_distance_mean", |run| Some(run.diversity?.mean)),
    ("pair_distance_std", |run| Some(run.diversity?.std)),
    ("pair_distance_least", |run| Some(run.diversity?.least)),
    ("nearest_distance_mean", |run| Some(run.diversity?.nearest)),
    ("real_pair_distance_mean", |run| Some(run.real?.mean)),
    ("real_nearest_distance_mean", |run| Some(run.real?.nearest)),
    ("vendi", |run| run.vendi),
    ("precision", |run| Some(run.fidelity?.precision)),
    ("density", |run| Some(run.fidelity?.density)),
    ("coverage", |run| Some(run.fidelity?.coverage)),
    ("reached", |run| Some(run.reached)),
    ("judged", |run| run.judged),
    ("inverse_set_precision", |run| Some(run.rival?.precision)),
    ("inverse_set_coverage", |run| Some(run.rival?.coverage)),
    ("coverage_ahead", |run| {
        Some(run.rival?.coverage - run.fidelity?.coverage)
    }),
    ("reached_ahead", |run| {
        Some(run.rival_reached? - run.reached)
    }),
];

/// The figure of a name in [`FIGURES`].
pub(crate) fn reading(name: &str) -> Reading {
    let found = FIGURES.iter().find(|(other, _)| *other == name);
    found.expect("figures are asked for by name").1
}

pub(crate) fn ratio(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| a / b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images at points of a line, in E and in the judge's features alike.
    fn line(points: impl IntoIterator<Item = f32>, class: usize) -> ImageSet {
        let points: Vec<f32> = points.into_iter().collect();
        ImageSet {
            count: points.len(),
            images: vec![0; points.len()],
            classes: vec![class; points.len()],
            encodings: points.clone(),
            features: points,
        }
    }

    fn integers(from: i32, to: i32) -> impl Iterator<Item = f32> {
        (from..to).map(|i| i as f32)
    }

    fn figures(samples: ImageSet, rival: &ImageSet) -> RunFigures {
        let pools = Pools {
            references: line(integers(0, 20), 3),
            ..Pools::default()
        };
        let measure = Measure {
            pools: &pools,
            real: &pools.references,
            wanted: 20,
            seed: 0,
            lengths: [1, 1],
            class: Some(3),
            rival: Some(rival.clone()),
        };
        measure.figures(&Found {
            proposed: 2 * samples.count as u64,
            in_range: samples.count,
            evaluations: Some(samples.count as f64 * 3.0),
            set: samples,
            ..Found::default()
        })
    }

    fn read(name: &str, run: &RunFigures) -> Option<f64> {
        reading(name)(run)
    }

    #[test]
    fn samples_that_are_the_references_are_perfect() {
        let rival = line(integers(0, 20), 3);
        let run = figures(rival.clone(), &rival);
        for (name, expected) in [
            ("found", 20.0),
            ("in_range", 0.5),
            ("evaluations_per_sample", 3.0),
            ("compared", 20.0),
            ("pair_distance_mean", 7.0),
            ("real_pair_distance_mean", 7.0),
            ("pair_distance_least", 1.0),
            ("nearest_distance_mean", 1.0),
            ("precision", 1.0),
            ("coverage", 1.0),
            ("reached", 1.0),
            ("judged", 1.0),
            ("coverage_ahead", 0.0),
            ("reached_ahead", 0.0),
        ] {
            let found = read(name, &run).unwrap();
            assert!((found - expected).abs() < 1e-12, "{name}: {found}");
        }
        assert_eq!(read("seconds_per_sample", &run), None);
    }

    #[test]
    fn a_method_with_few_is_compared_at_its_count_and_at_its_cost() {
        let rival = line(integers(0, 20), 3);
        // Eight samples in one place, off the line's middle.
        let run = figures(line([2.0; 8], 4), &rival);
        assert_eq!((run.found, run.compared), (8, 8));
        assert_eq!(run.judged, Some(0.0));
        // Balls of five neighbours have radius 5 at the end and 3 inside: the
        // point 2 lies in those of 0 to 5.
        assert_eq!(run.reached, 6.0 / 20.0);
        assert_eq!(read("reached_ahead", &run), Some(14.0 / 20.0));
        assert!(read("coverage_ahead", &run).unwrap() > 0.0);
    }

    #[test]
    fn a_method_with_nothing_reaches_nothing() {
        let rival = line(integers(0, 20), 3);
        for count in [0, 1, 5] {
            let run = figures(line(integers(100, 100 + count), 3), &rival);
            assert_eq!(run.fidelity, None, "{count}");
            assert_eq!((run.reached, run.rival_reached), (0.0, Some(1.0)));
            assert_eq!(read("coverage_ahead", &run), None);
        }
        let nothing = figures(ImageSet::default(), &rival);
        assert_eq!((nothing.judged, nothing.vendi), (None, None));
        assert_eq!(read("in_range", &nothing), None);
    }
}
