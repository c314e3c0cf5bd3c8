//! Whole runs on maps with known answers, in the space of 8-bit pixels.

use std::ops::ControlFlow;

use crate::maps::{Neuron, World, range, weights};
use sampler::{Error, Options};

const PIXELS: usize = 24;

/// The bar of the demo is 20 to 30 evaluations per sample on networks; maps
/// this tame need less.
const EVALUATIONS_PER_SAMPLE: f64 = 6.0;

fn linear(salt: usize) -> Neuron {
    Neuron::Linear(weights(PIXELS, salt))
}

/// The least and greatest value of a linear neuron over the box.
fn attainable(neuron: &Neuron) -> (f64, f64) {
    match neuron {
        Neuron::Linear(w) => w.iter().fold((0.0, 0.0), |(lo, hi), &w| {
            (lo + f64::from(w.min(0.0)), hi + f64::from(w.max(0.0)))
        }),
        Neuron::Quadratic(..) => unreachable!("only linear neurons are asked for"),
    }
}

#[test]
fn a_linear_neuron() {
    let world = World::new(vec![(linear(0), range(7.0, 8.0))], PIXELS, 100);
    let (_, evaluations) = world.run_and_verify();
    assert!(
        evaluations <= 100.0 * EVALUATIONS_PER_SAMPLE,
        "{evaluations}"
    );
}

#[test]
fn a_range_above_most_starts() {
    let neuron = linear(0);
    let (_, most) = attainable(&neuron);
    let mut world = World::new(vec![(neuron, range(most - 1.5, most - 1.0))], PIXELS, 40);
    // Nothing foretells values here: a chain saves the way from every start.
    world.options = Options {
        restart_every: 5,
        ..Options::default()
    };
    let (_, evaluations) = world.run_and_verify();
    assert!(
        evaluations <= 40.0 * EVALUATIONS_PER_SAMPLE,
        "{evaluations}"
    );
}

#[test]
fn a_quadratic_neuron_between_two_spheres() {
    let centre = Neuron::Quadratic(vec![0.5; PIXELS], 10.0);
    let world = World::new(vec![(centre, range(8.0, 9.0))], PIXELS, 60);
    let (_, evaluations) = world.run_and_verify();
    assert!(
        evaluations <= 60.0 * EVALUATIONS_PER_SAMPLE,
        "{evaluations}"
    );
}

#[test]
fn an_intersection_of_two_linear_neurons() {
    let neurons = vec![(linear(0), range(6.0, 6.5)), (linear(1), range(3.0, 3.5))];
    let world = World::new(neurons, PIXELS, 50);
    let (_, evaluations) = world.run_and_verify();
    assert!(
        evaluations <= 50.0 * EVALUATIONS_PER_SAMPLE,
        "{evaluations}"
    );
}

#[test]
fn neurons_of_very_different_scale() {
    let large = Neuron::Linear(weights(PIXELS, 0).iter().map(|w| 1000.0 * w).collect());
    let neurons = vec![(large, range(6000.0, 6500.0)), (linear(1), range(3.0, 3.5))];
    let world = World::new(neurons, PIXELS, 50);
    let (_, evaluations) = world.run_and_verify();
    assert!(
        evaluations <= 50.0 * EVALUATIONS_PER_SAMPLE,
        "{evaluations}"
    );
}

#[test]
fn a_neuron_named_twice_is_as_good_as_once() {
    let once = World::new(vec![(linear(0), range(7.0, 8.0))], PIXELS, 30);
    let twice = World::new(vec![(linear(0), range(7.0, 8.0)); 2], PIXELS, 30);
    let (once, _) = once.run_and_verify();
    let (twice, evaluations) = twice.run_and_verify();
    assert!(
        evaluations <= 30.0 * EVALUATIONS_PER_SAMPLE,
        "{evaluations}"
    );
    assert!(
        twice
            .iter()
            .all(|sample| sample.activations[0] == sample.activations[1])
    );
    assert_eq!(once.len(), twice.len());
}

#[test]
fn open_ends() {
    for open in [range(8.0, f64::INFINITY), range(f64::NEG_INFINITY, 1.0)] {
        let world = World::new(vec![(linear(0), open)], PIXELS, 30);
        let (_, evaluations) = world.run_and_verify();
        assert!(
            evaluations <= 30.0 * EVALUATIONS_PER_SAMPLE,
            "{evaluations}"
        );
    }
}

#[test]
fn one_sample_one_slot_and_numbers_that_do_not_divide() {
    for (samples, batch) in [(1, 10), (1, 1), (12, 1), (23, 10), (9, 4)] {
        let mut world = World::new(vec![(linear(0), range(7.0, 8.0))], PIXELS, samples);
        world.options.batch = batch;
        world.run_and_verify();
    }
}

#[test]
fn a_single_slot_without_restarts_still_moves_on() {
    let mut world = World::new(vec![(linear(0), range(7.0, 8.0))], PIXELS, 10);
    world.options = Options {
        batch: 1,
        restart_every: 0,
        near: 0,
        spread: 0.3,
        ..Options::default()
    };
    let (samples, _) = world.run_and_verify();
    let steps = samples
        .windows(2)
        .map(|pair| sampler::figures::distance(&pair[0].encoding, &pair[1].encoding));
    let least = steps.fold(f64::INFINITY, f64::min);
    // The noise alone would move it by 0.07.
    assert!(
        least > 0.15,
        "two neighbours of the chain are only {least} apart"
    );
}

#[test]
fn spreading_spreads() {
    let mean_square = |spread: f64| {
        let mut world = World::new(vec![(linear(0), range(7.0, 8.0))], PIXELS, 50);
        world.options = Options {
            spread,
            restart_every: 0,
            near: 0,
            ..Options::default()
        };
        let mut sampler = world.sampler().unwrap();
        while sampler
            .next_batch(&mut |_| std::ops::ControlFlow::Continue(()))
            .unwrap()
            .is_some()
        {}
        sampler.state().sums().total() / (50.0 * 49.0)
    };
    let (little, much) = (mean_square(0.01), mean_square(0.2));
    assert!(much > 1.5 * little, "{little} {much}");
}

#[test]
fn a_step_along_the_repulsion_parts_near_neighbours() {
    use sampler::{HostSpace, Reservoir, Space, Stride};
    // Two codes that are their own encodings, and a fixed one between them.
    let mut space = HostSpace::new(vec![-9.0; 2], vec![9.0; 2]);
    let mut codes = vec![0.1, 0.0, -0.1, 0.0];
    let mut fixed = Reservoir::new(1);
    fixed.offer(0, &[0.0, 0.0]);
    let cotangents = space.repel(&codes.clone(), 2, &fixed, 1, 1.0);
    let cotangents = cotangents.unwrap().clone();
    let stride = Stride {
        gap: f32::INFINITY,
        longest: 0.5,
    };
    space
        .descend(&mut codes, &cotangents, &[stride; 2])
        .unwrap();
    assert_eq!(codes, [0.6, 0.0, -0.6, 0.0]);
}

#[test]
fn a_range_that_rounding_all_but_fills() {
    // Rounding moves this neuron by 0.003 on average; the band keeps a quarter.
    let neuron = linear(0);
    let world = World::new(vec![(neuron, range(7.0, 7.03))], PIXELS, 30);
    world.run_and_verify();
}

#[test]
fn a_range_too_narrow_for_rounding_names_the_least_width() {
    let narrow = |width: f64| World::new(vec![(linear(0), range(7.0, 7.0 + width))], PIXELS, 10);
    let least = match narrow(0.004).run() {
        Err(Error::TooNarrow {
            neuron: 0, least, ..
        }) => least,
        other => panic!("{other:?}"),
    };
    assert!(least > 0.004 && least < 0.1, "{least}");
    narrow(1.01 * least).run_and_verify();
}

#[test]
fn an_unreachable_range_is_reported_with_what_was_reached() {
    let neuron = linear(0);
    let (least, most) = attainable(&neuron);
    let close = 0.01 * (most - least);
    for (lo, hi) in [(most + 0.5, most + 2.0), (least - 2.0, least - 0.5)] {
        let world = World::new(vec![(neuron.clone(), range(lo, hi))], PIXELS, 10);
        match world.run() {
            Err(Error::Unreachable {
                neuron: 0,
                least: low,
                greatest,
                evaluations,
                ..
            }) => {
                let (found, known) = if lo > most {
                    (greatest, most)
                } else {
                    (low, least)
                };
                assert!((f64::from(found) - known).abs() <= close, "{found} {known}");
                assert!(evaluations <= 1000.0, "{evaluations}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn plain_descent_and_ascent_find_the_extremes() {
    let neuron = linear(0);
    let (least, most) = attainable(&neuron);
    let close = 0.01 * (most - least);
    // The range is met at once; it ends no climb.
    let world = World::new(vec![(neuron, range(least, most))], PIXELS, 10);
    let mut sampler = world.sampler().unwrap();
    let mut extremes = || sampler.extremes(0, &mut |_| ControlFlow::Continue(()));
    let ([low, high], evaluations) = extremes().unwrap();
    assert!((f64::from(low) - least).abs() <= close, "{low} {least}");
    assert!((f64::from(high) - most).abs() <= close, "{high} {most}");
    let Options {
        climb_steps,
        climb_starts,
        ..
    } = Options::default();
    let both = 2.0 * f64::from(climb_steps) * climb_starts as f64;
    assert_eq!(evaluations, both);
    assert_eq!(extremes().unwrap(), ([low, high], evaluations));
}

#[test]
fn neurons_that_exclude_each_other_are_named() {
    let opposite = Neuron::Linear(weights(PIXELS, 0).iter().map(|w| -w).collect());
    let neurons = vec![
        (linear(1), range(1.0, 8.0)),
        (linear(0), range(7.0, 8.0)),
        (opposite, range(-5.0, -4.0)),
    ];
    let world = World::new(neurons, PIXELS, 10);
    match world.run() {
        Err(Error::NotTogether { unmet, .. }) => {
            assert_eq!(unmet.met.len() + unmet.missed.len(), 3);
            assert!(
                unmet.met.contains(&0) && unmet.missed.len() == 1,
                "{unmet:?}"
            );
            // The two that are opposite come as near as 7 and -7, or 5 and -5.
            let near = |j: usize, value: f32| (unmet.values[j].abs() - value).abs() < 0.1;
            let at = if unmet.met.contains(&1) { 7.0 } else { 5.0 };
            assert!(near(1, at) && near(2, at), "{unmet:?}");
            // Between them lies what is nearest to both.
            let sum = |values: &[f32]| values[1] + values[2];
            assert!(sum(&unmet.nearest).abs() < 0.1, "{unmet:?}");
            assert!((5.5..6.5).contains(&unmet.nearest[1]), "{unmet:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_computed() {
    let good = World::new(vec![(linear(0), range(7.0, 8.0))], PIXELS, 10);
    let mut none = good.clone();
    none.samples = 0;
    let mut no_range = good.clone();
    no_range.ranges.clear();
    let mut no_batch = good;
    no_batch.options.batch = 0;
    for world in [none, no_range, no_batch] {
        assert!(matches!(world.sampler().err(), Some(Error::Invalid { .. })));
    }
}

#[test]
fn the_pull_draws_samples_to_the_manifold() {
    let point: Vec<f32> = (0..PIXELS).map(|k| (k % 5) as f32 / 4.0).collect();
    let mean_distance = |pull: f64| {
        let mut world = World::new(vec![(linear(0), range(5.0, 8.0))], PIXELS, 30);
        world.maps = world.maps.with_manifold(point.clone());
        world.options.pull = pull;
        world.options.settle_pull = pull;
        world.options.repair_pull = 0.5 * pull;
        let (samples, _) = world.run_and_verify();
        let distances = samples
            .iter()
            .map(|s| sampler::figures::distance(&s.encoding, &point));
        distances.sum::<f64>() / samples.len() as f64
    };
    let (without, with) = (mean_distance(0.0), mean_distance(0.3));
    assert!(with < 0.8 * without, "{with} {without}");
}
