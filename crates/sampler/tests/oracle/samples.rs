//! The sampler's own runs, held against the exact inverse set.

use std::ops::ControlFlow;

use sampler::{Error, HostSpace, Identity, Options, Problem, Range, Sample, Sampler, Starts};

use crate::neuron::{LinearLogistic, Scale, logit, widened};
use crate::polytope::{Polytope, examples};
use crate::vertices::spread;
use crate::walks::{Direction, hit_and_run, seeded};

const SAMPLES: usize = 200;

/// Of the bounds of `w.x`, for sums in f64.
const ROUNDED: f64 = 1e-12;

/// What a run on maps this tame may cost.
const EVALUATIONS_PER_SAMPLE: f64 = 10.0;

/// A neuron's samples with its value in `lo..hi`, and the evaluations it took.
fn drawn(
    neuron: &LinearLogistic,
    (lo, hi): (f64, f64),
    samples: usize,
    options: Options,
) -> Result<(Vec<Sample>, f64), Error> {
    let d = neuron.weights.len();
    let all = |x: f32| vec![x; d];
    let problem = Problem {
        ranges: vec![Range::new(lo, hi)?],
        starts: Starts::new(all(0.5), all(0.3), all(0.0), all(1.0))?,
        samples: samples as u64,
    };
    let space = HostSpace::new(all(0.0), all(1.0));
    let mut sampler = Sampler::new(space, Identity::new(d), neuron.clone(), problem, options)?;
    let mut found = Vec::new();
    while let Some(batch) = sampler.next_batch(&mut |_| ControlFlow::Continue(()))? {
        found.extend(batch.samples);
    }
    Ok((found, sampler.state().counts().evaluations()))
}

/// The stored image as a point of the cube.
fn point(sample: &Sample) -> Vec<f64> {
    let pixels = sample.image.iter();
    pixels.map(|&byte| f64::from(byte) / 255.0).collect()
}

fn on_polytope(polytope: &Polytope, options: Options) -> (Vec<Sample>, f64) {
    let neuron = LinearLogistic::new(polytope.weights.clone(), 0.0, Scale::Logit);
    drawn(&neuron, (polytope.lo, polytope.hi), SAMPLES, options).expect("the range is wide enough")
}

/// Every sample, as it was made and as it is stored.
fn assert_inside(polytope: &Polytope, samples: &[Sample]) {
    assert_eq!(samples.len(), SAMPLES);
    for sample in samples {
        for x in [point(sample), widened(&sample.code)] {
            let outside = polytope.violation(&x);
            assert!(outside <= ROUNDED, "{polytope:?} {x:?}: {outside}");
        }
    }
}

#[test]
fn images_lie_in_the_polytope_before_and_after_they_are_rounded() {
    for polytope in examples(6) {
        let (samples, evaluations) = on_polytope(&polytope, Options::default());
        assert_inside(&polytope, &samples);
        let most = EVALUATIONS_PER_SAMPLE * SAMPLES as f64;
        assert!(evaluations <= most, "{polytope:?}: {evaluations}");
    }
}

#[test]
fn without_a_margin_the_look_at_the_rounded_image_keeps_it_in_the_polytope() {
    // Repair ends on a face of the slab, and rounding moves half of the images out.
    let options = Options {
        margin: 0.0,
        depth: 0.0,
        ..Options::default()
    };
    for polytope in examples(6) {
        assert_inside(&polytope, &on_polytope(&polytope, options.clone()).0);
    }
}

#[test]
fn a_chain_of_long_spread_steps_leaves_samples_farther_apart_than_uniform_ones() {
    // The sum of squared distances to all, which the vertices maximise.
    let chain = Options {
        near: 0,
        restart_every: 0,
        spread: 0.3,
        ..Options::default()
    };
    for polytope in examples(6) {
        let points: Vec<Vec<f64>> = on_polytope(&polytope, chain.clone())
            .0
            .iter()
            .map(point)
            .collect();
        let uniform = hit_and_run(&polytope, SAMPLES, Direction::Sphere, &mut seeded(1));
        let times = spread(&points) / spread(&uniform);
        assert!(times >= 2.0, "{polytope:?}: {times}");
    }
}

#[test]
fn where_all_starts_saturate_the_logit_is_sampled_and_the_sigmoid_is_flat() {
    let weights = [12.0, -8.0, 10.0, 6.0, 4.0, -7.0, 8.0, 9.0].map(|w| 3.0 * w);
    let neuron = |scale| LinearLogistic::new(weights.to_vec(), 24.0, scale);
    for (z1, z2) in [(0.999, 0.99999), (0.00001, 0.001), (0.9, 0.95)] {
        let set = neuron(Scale::Logit).inverse_set(z1, z2);
        let (samples, evaluations) = drawn(
            &neuron(Scale::Logit),
            (logit(z1), logit(z2)),
            50,
            Options::default(),
        )
        .unwrap_or_else(|error| panic!("{z1}..{z2}: {error}"));
        assert!(
            evaluations <= 50.0 * EVALUATIONS_PER_SAMPLE,
            "{z1}..{z2}: {evaluations}"
        );
        for sample in &samples {
            let x = point(sample);
            let f = neuron(Scale::Sigmoid).value(&x);
            assert!((z1..=z2).contains(&f), "{z1}..{z2}: {f}");
            assert_eq!(set.violation(&x), 0.0, "{z1}..{z2}: {x:?}");
        }
        match drawn(&neuron(Scale::Sigmoid), (z1, z2), 50, Options::default()) {
            Err(Error::Unreachable { least, .. }) => assert_eq!(least, 1.0, "{z1}..{z2}"),
            other => panic!("{z1}..{z2}: {other:?}"),
        }
    }
}
