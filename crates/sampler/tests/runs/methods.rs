//! The methods to compare with, on maps with known answers.

use std::ops::ControlFlow;

use crate::maps::{Maps, Neuron, World, range, weights};
use crate::resuming::{read_again, resumed};
use sampler::methods::{ActivationMax, DgnAm, Drawn, Method, Ppgn, draw};
use sampler::{Error, HostSpace, Identity, Mixture, Options, Problem, Range, Starts};

const PIXELS: usize = 24;
const CLOSE: f32 = 1e-6;

/// Codes in [0, 1] with a mean of 0.5 and a deviation of 0.3, in units of
/// CaffeNet's codes.
fn scale() -> f32 {
    (0.5_f32.powi(2) + 0.3_f32.powi(2)).sqrt() / 3.793
}

fn everything() -> Range {
    range(f64::NEG_INFINITY, f64::INFINITY)
}

fn linear() -> Neuron {
    Neuron::Linear(weights(PIXELS, 0))
}

fn world(range: Range) -> World {
    World::new(vec![(linear(), range)], PIXELS, 1)
}

fn run(
    maps: &Maps,
    problem: &Problem,
    method: &Method,
    batch: usize,
    budget: f64,
    wanted: u64,
) -> Result<Drawn, Error> {
    let space = HostSpace::new(vec![0.0; PIXELS], vec![1.0; PIXELS]);
    let (generator, observer) = (Identity::new(PIXELS), maps.clone());
    draw(
        space, generator, observer, problem, method, 7, batch, budget, wanted,
    )
}

fn drawn(world: &World, method: &Method, batch: usize, budget: f64, wanted: u64) -> Drawn {
    run(&world.maps, &world.problem(), method, batch, budget, wanted).expect("the method runs")
}

/// The methods with moves that suit the box: the published ones cross it.
fn all_methods() -> Vec<Method> {
    let ppgn = Ppgn {
        rate: 0.5,
        ..Ppgn::default()
    };
    let dgn_am = DgnAm {
        rate: 0.5,
        decay: 1.0,
        ..DgnAm::default()
    };
    let activation_max = ActivationMax {
        step: 0.05,
        ..ActivationMax::default()
    };
    vec![
        Method::Start,
        Method::Random,
        Method::Ppgn(ppgn),
        Method::DgnAm(dgn_am),
        Method::ActivationMax(activation_max),
    ]
}

/// `code + length * direction / norm(direction)` in the box.
fn moved(
    code: &[f32],
    direction: &[f32],
    length: f32,
    norm: impl Fn(&[f32]) -> f32,
    decay: f32,
) -> Vec<f32> {
    let factor = length / norm(direction);
    let step = |(c, d): (&f32, &f32)| decay * (c + factor * d).clamp(0.0, 1.0);
    code.iter().zip(direction).map(step).collect()
}

fn mean_size(d: &[f32]) -> f32 {
    d.iter().map(|d| d.abs()).sum::<f32>() / d.len() as f32
}

fn length(d: &[f32]) -> f32 {
    d.iter().map(|d| d * d).sum::<f32>().sqrt()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    let most = apart.fold(0.0, f32::max);
    assert!(most <= CLOSE, "{what}: {most} apart");
}

#[test]
fn what_is_kept_is_in_range_distinct_and_paid_for() {
    for method in all_methods() {
        let world = world(range(4.0, 6.0));
        let found = drawn(&world, &method, 4, 60.0, 1000);
        assert!(found.evaluations <= 60.0, "{method:?}");
        assert!(
            found.evaluations > 57.0,
            "{method:?}: {}",
            found.evaluations
        );
        assert!(!found.samples.is_empty(), "{method:?}");
        assert!(found.samples.len() as u64 <= found.proposed);
        let mut images: Vec<_> = found.samples.iter().map(|s| s.image.clone()).collect();
        for sample in &found.samples {
            let x: Vec<f32> = sample.image.iter().map(|&b| f32::from(b) / 255.0).collect();
            let value = linear().value(&x);
            assert!((4.0..=6.0).contains(&value), "{method:?}: {value}");
            assert_eq!(sample.activations, [value as f32]);
            assert_eq!(sample.encoding, x);
        }
        images.sort_unstable();
        images.dedup();
        assert_eq!(images.len(), found.samples.len(), "{method:?}");
    }
}

#[test]
fn equal_arguments_give_equal_samples() {
    for method in all_methods() {
        let world = world(range(4.0, 6.0));
        let first = drawn(&world, &method, 3, 40.0, 1000);
        assert_eq!(first, drawn(&world, &method, 3, 40.0, 1000), "{method:?}");
    }
}

#[test]
fn every_proposal_costs_what_it_must() {
    // Forward 1/2, pull 1/2, rounded look 1/2 where it is promising, second pass 1/2.
    let own = || Maps::new(vec![linear()], PIXELS).with_manifold(vec![0.5; PIXELS]);
    let once = Ppgn {
        second_pass: false,
        ..Ppgn::default()
    };
    let rows = [
        (Method::Random, everything(), 0.5, 0.5),
        (Method::Random, range(1e3, 2e3), 0.5, 0.5),
        (Method::Ppgn(Ppgn::default()), everything(), 2.0, 2.0),
        (Method::Ppgn(Ppgn::default()), range(1e3, 2e3), 1.5, 2.0),
        (Method::Ppgn(once), everything(), 1.5, 1.5),
        (Method::DgnAm(DgnAm::default()), everything(), 1.5, 1.5),
        (Method::DgnAm(DgnAm::default()), range(1e3, 2e3), 1.0, 1.5),
    ];
    for (method, range, cost, most) in rows {
        let problem = world(range).problem();
        let budget = 20.25;
        let found = run(&own(), &problem, &method, 3, budget, 1000).unwrap();
        let paid = found.proposed as f64 * cost;
        assert_eq!(found.evaluations, paid, "{method:?} {range:?}");
        assert!(paid <= budget && paid + most > budget, "{method:?}: {paid}");
    }
}

#[test]
fn what_is_wanted_ends_the_run_and_the_count() {
    let world = world(everything());
    let found = drawn(&world, &Method::Random, 4, 1e6, 6);
    assert_eq!((found.samples.len(), found.proposed), (6, 6));
    assert_eq!(found.evaluations, 4.0, "two rounds of four");
}

#[test]
fn a_budget_below_one_proposal_gives_none() {
    for method in all_methods() {
        let found = drawn(&world(everything()), &method, 4, 0.25, 10);
        assert_eq!(found, Drawn::default(), "{method:?}");
    }
}

#[test]
fn equal_images_are_kept_once() {
    let mut problem = world(everything()).problem();
    let all = |x: f32| vec![x; PIXELS];
    problem.starts = Starts::new(all(0.5), all(0.0), all(0.0), all(1.0)).unwrap();
    let maps = Maps::new(vec![linear()], PIXELS);
    let found = run(&maps, &problem, &Method::Random, 4, 10.0, 100).unwrap();
    assert_eq!((found.samples.len(), found.proposed), (1, 20));
}

#[test]
fn random_codes_pass_over_the_fitted_model_and_start_codes_follow_it() {
    let corner = Mixture::new(
        &[1.0],
        vec![1.0; PIXELS],
        vec![0.0; PIXELS],
        vec![0.0; PIXELS],
    )
    .unwrap();
    let world = world(everything());
    let mut problem = world.problem();
    problem.starts = problem.starts.with_mixture(corner).unwrap();
    let first = |method| {
        let found = run(&world.maps, &problem, &method, 1, 0.5, 1).unwrap();
        found.samples[0].code.clone()
    };
    assert_eq!(first(Method::Start), vec![1.0; PIXELS]);
    assert_ne!(first(Method::Random), vec![1.0; PIXELS]);
    let plain = drawn(&world, &Method::Random, 1, 0.5, 1);
    assert_eq!(first(Method::Random), plain.samples[0].code);
}

#[test]
fn a_step_of_ppgn_is_that_of_the_formula() {
    // The second value is the probability: it has no gradient of its own.
    let probability = Neuron::Linear(vec![0.02; PIXELS]);
    let own = vec![0.25; PIXELS];
    let maps = Maps::new(vec![linear(), probability.clone()], PIXELS).with_manifold(own.clone());
    let method = Ppgn {
        eps1: 0.05,
        rate: 0.2,
        probability: true,
        ..Ppgn::default()
    };
    let problem = world(everything()).problem();
    let found = run(&maps, &problem, &Method::Ppgn(method), 1, 8.0, 4).unwrap();
    for pair in found.samples.windows(2) {
        let h = &pair[0].code;
        let p = probability.value(h) as f32;
        let w = weights(PIXELS, 0);
        let eps1 = 0.05 / scale().powi(2);
        let d: Vec<f32> = (0..PIXELS)
            .map(|k| eps1 * (own[k] - h[k]) + (1.0 - p) * w[k])
            .collect();
        let expected = moved(h, &d, 0.2 * scale(), mean_size, 1.0);
        assert_close(&pair[1].code, &expected, "PPGN");
        assert_eq!(pair[0].activations.len(), 1);
    }
    assert_eq!(found.samples.len(), 4);
}

#[test]
fn tuned_constants_run_and_are_not_the_published_ones() {
    let world = world(range(4.0, 6.0));
    for (tuned, published) in [
        (Method::Ppgn(Ppgn::tuned()), Method::Ppgn(Ppgn::default())),
        (
            Method::DgnAm(DgnAm::tuned()),
            Method::DgnAm(DgnAm::default()),
        ),
    ] {
        assert_ne!(tuned, published);
        let found = drawn(&world, &tuned, 3, 40.0, 1000);
        assert!(found.proposed > 0 && found.evaluations <= 40.0, "{tuned:?}");
    }
}

#[test]
fn own_codes_of_another_space_do_not_matter_to_who_needs_none() {
    let maps = Maps::new(vec![linear()], PIXELS).with_manifold(vec![0.5; 3]);
    let problem = world(everything()).problem();
    for method in all_methods() {
        if !matches!(method, Method::Ppgn(_)) {
            let found = run(&maps, &problem, &method, 3, 9.0, 6).unwrap();
            assert_eq!(found.samples.len(), 6, "{method:?}");
        }
    }
}

#[test]
fn a_step_of_dgn_am_is_that_of_the_formula() {
    let method = DgnAm {
        rate: 0.4,
        last_rate: 0.0,
        iterations: 10,
        ..DgnAm::default()
    };
    let found = drawn(&world(everything()), &Method::DgnAm(method), 1, 6.0, 4);
    for (i, pair) in found.samples.windows(2).enumerate() {
        let rate = 0.4 * (1.0 - i as f32 / 10.0) * scale();
        let expected = moved(&pair[0].code, &weights(PIXELS, 0), rate, mean_size, 0.99);
        assert_close(&pair[1].code, &expected, "DGN-AM");
    }
    assert_eq!(found.samples.len(), 4);
}

#[test]
fn a_step_of_activation_max_is_that_of_the_formula() {
    let method = ActivationMax {
        l2: 0.7,
        step: 0.05,
        ..ActivationMax::default()
    };
    let problem = world(everything()).problem();
    let found = drawn(
        &world(everything()),
        &Method::ActivationMax(method),
        1,
        6.0,
        4,
    );
    for pair in found.samples.windows(2) {
        let x = &pair[0].code;
        let w = weights(PIXELS, 0);
        let d: Vec<f32> = (0..PIXELS).map(|k| w[k] - 1.4 * (x[k] - 0.5)).collect();
        let step = 0.05 * problem.starts.norm() as f32;
        assert_close(
            &pair[1].code,
            &moved(x, &d, step, length, 1.0),
            "activation-max",
        );
    }
    let start = &found.samples[0].code;
    assert!(start.iter().all(|x| (x - 0.5).abs() < 0.2), "{start:?}");
    assert_eq!(found.samples.len(), 4);
}

#[test]
fn a_range_with_an_upper_end_alone_is_approached_from_above() {
    for method in all_methods().into_iter().skip(2) {
        let lowest = drawn(
            &world(range(f64::NEG_INFINITY, -3.5)),
            &method,
            2,
            100.0,
            1000,
        );
        assert!(!lowest.samples.is_empty(), "{method:?}");
    }
}

#[test]
fn a_chain_begins_anew_after_its_iterations_and_proposes_what_is_due() {
    let ppgn = |iterations, save_every| {
        Method::Ppgn(Ppgn {
            iterations,
            save_every,
            rate: 0.1,
            ..Ppgn::default()
        })
    };
    let world = world(everything());
    let codes = |method: &Method, wanted| -> Vec<Vec<f32>> {
        let found = drawn(&world, method, 1, 1e4, wanted);
        found
            .samples
            .into_iter()
            .map(|sample| sample.code)
            .collect()
    };
    let short = codes(&ppgn(2, 1), 6);
    assert_eq!(codes(&ppgn(200, 1), 2), short[..2]);
    // Of chains of two iterates, the first ones.
    let firsts = [short[0].clone(), short[2].clone(), short[4].clone()];
    assert_eq!(codes(&ppgn(2, 2), 3), firsts);
    assert_ne!(firsts[0], firsts[1]);

    let last = |propose_every| {
        Method::DgnAm(DgnAm {
            iterations: 3,
            propose_every,
            ..DgnAm::default()
        })
    };
    let all = codes(&last(1), 6);
    assert_eq!(codes(&last(3), 2), [all[2].clone(), all[5].clone()]);
}

#[test]
fn a_chain_without_a_gradient_begins_anew() {
    let flat = World::new(
        vec![(Neuron::Linear(vec![0.0; PIXELS]), everything())],
        PIXELS,
        1,
    );
    let found = drawn(&flat, &Method::DgnAm(DgnAm::default()), 2, 15.0, 1000);
    assert_eq!(found.samples.len(), 10, "every one a start of its own");
}

#[test]
fn nonsense_is_refused() {
    let zero = Ppgn {
        iterations: 0,
        ..Ppgn::default()
    };
    let endless = DgnAm {
        rate: f64::NAN,
        ..DgnAm::default()
    };
    let missing = Ppgn {
        probability: true,
        ..Ppgn::default()
    };
    let still = ActivationMax {
        step: 0.0,
        ..ActivationMax::default()
    };
    let rows = [
        (Method::Ppgn(zero), 4, 10.0, 1),
        (Method::Ppgn(missing), 4, 10.0, 1),
        (Method::DgnAm(endless), 4, 10.0, 1),
        (Method::ActivationMax(still), 4, 10.0, 1),
        (Method::Random, 0, 10.0, 1),
        (Method::Random, 4, f64::NAN, 1),
        (Method::Random, 4, f64::INFINITY, 1),
        (Method::Random, 4, 10.0, 0),
    ];
    let world = world(everything());
    for (method, batch, budget, wanted) in rows {
        let refused = run(
            &world.maps,
            &world.problem(),
            &method,
            batch,
            budget,
            wanted,
        );
        assert!(
            matches!(refused, Err(Error::Invalid { .. })),
            "{method:?} {batch} {budget} {wanted}"
        );
    }
}

fn paper_world() -> World {
    let neurons = vec![
        (linear(), range(6.0, 6.5)),
        (
            Neuron::Quadratic(vec![0.5; PIXELS], 10.0),
            range(12.0, 14.0),
        ),
    ];
    let mut world = World::new(neurons, PIXELS, 30);
    world.options = Options {
        batch: 5,
        reservoir: 12,
        ..Options::paper()
    };
    world
}

#[test]
fn the_paper_keeps_its_promise_and_goes_on_with_the_same_bytes() {
    let world = paper_world();
    world.run_and_verify();
    let (whole, _) = world.run().unwrap();
    let mut sampler = world.sampler().unwrap();
    let mut pieces = Vec::new();
    while let Some(batch) = sampler
        .next_batch(&mut |_| ControlFlow::Continue(()))
        .unwrap()
    {
        pieces.push(batch);
        let state = read_again(sampler.state(), &pieces, &world);
        assert_eq!(&state, sampler.state());
        sampler = resumed(&world, state);
    }
    assert_eq!(pieces, whole);
}

#[test]
fn distances_to_the_seeds_differ_from_those_to_all_from_the_third_batch_on() {
    let seeds = paper_world();
    let mut all = seeds.clone();
    all.options.distances = sampler::Fixed::All;
    let (seeds, _) = seeds.run().unwrap();
    let (all, _) = all.run().unwrap();
    assert_eq!(seeds[..2], all[..2]);
    assert_ne!(seeds[2], all[2]);
}
