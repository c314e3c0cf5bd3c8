//! Interruption, resumption and limits: the same bytes, whatever happens in between.

use std::ops::ControlFlow;

use crate::maps::{Maps, Neuron, World, range, weights};
use sampler::{Batch, Error, Flat, HostSpace, Identity, Phase, Progress, Sampler, State};

const PIXELS: usize = 24;

fn world() -> World {
    let neurons = vec![
        (Neuron::Linear(weights(PIXELS, 0)), range(6.0, 6.5)),
        (
            Neuron::Quadratic(vec![0.5; PIXELS], 10.0),
            range(12.0, 14.0),
        ),
    ];
    let mut world = World::new(neurons, PIXELS, 36);
    world.options.batch = 5;
    world.options.reservoir = 12;
    world
}

pub(crate) fn resumed(world: &World, state: State) -> Sampler<HostSpace, Identity, Maps> {
    let (space, generator, observer) = (world.space(), Identity::new(PIXELS), world.maps.clone());
    let (problem, options) = (world.problem(), world.options.clone());
    Sampler::resume(space, generator, observer, problem, options, state).unwrap()
}

/// The state as it comes back from a file and the batches so far.
pub(crate) fn read_again(state: &State, batches: &[Batch], world: &World) -> State {
    let json = serde_json::to_string(&state.flat().counts).unwrap();
    let flat = Flat {
        counts: serde_json::from_str(&json).unwrap(),
        ..state.flat()
    };
    let (k, reservoir) = (world.options.batch, world.options.reservoir);
    let mut state = State::from_flat(flat, k, 2, PIXELS, reservoir).unwrap();
    for sample in batches.iter().flat_map(|batch| &batch.samples) {
        state.remember(world.options.seed, &sample.encoding, sample.hash);
    }
    state
}

#[test]
fn a_run_stopped_after_any_batch_goes_on_with_the_same_bytes() {
    let world = world();
    let (whole, evaluations) = world.run().unwrap();
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
    assert_eq!(sampler.state().counts().evaluations(), evaluations);
    assert_eq!(sampler.state().reservoir().encodings().len(), 12 * PIXELS);
}

#[test]
fn a_batch_that_was_interrupted_is_made_again_the_same() {
    let world = world();
    let (whole, _) = world.run().unwrap();
    let mut sampler = world.sampler().unwrap();
    let mut pieces: Vec<Batch> = Vec::new();
    let mut interrupted = None;
    loop {
        let mut looks = 0;
        let mut watch = |progress: &Progress| {
            looks += 1;
            if looks == 3 && interrupted != Some(progress.batch) {
                interrupted = Some(progress.batch);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        match sampler.next_batch(&mut watch) {
            Ok(Some(batch)) => pieces.push(batch),
            Ok(None) => break,
            Err(Error::Stopped) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(interrupted, Some(whole.len() as u64 - 1));
    assert_eq!(pieces, whole);
}

#[test]
fn the_seed_decides_everything() {
    let world = world();
    let mut other = world.clone();
    other.options.seed = 1;
    assert_eq!(world.run().unwrap(), world.run().unwrap());
    assert_ne!(world.run().unwrap().0, other.run().unwrap().0);
}

#[test]
fn more_samples_begin_with_the_same_ones() {
    let world = world();
    let mut fewer = world.clone();
    fewer.samples = 7;
    let samples = |world: &World| -> Vec<_> {
        world
            .run()
            .unwrap()
            .0
            .into_iter()
            .flat_map(|batch| batch.samples)
            .collect()
    };
    assert_eq!(samples(&fewer), samples(&world)[..7]);
}

#[test]
fn the_limit_on_evaluations_keeps_what_was_accepted() {
    let mut world = world();
    let (whole, evaluations) = world.run().unwrap();
    let limit = (0.6 * evaluations) as u64;
    world.options.max_evals = Some(limit);
    let mut sampler = world.sampler().unwrap();
    let mut kept = Vec::new();
    let error = loop {
        match sampler.next_batch(&mut |_| ControlFlow::Continue(())) {
            Ok(batch) => kept.extend(batch),
            Err(error) => break error,
        }
    };
    assert!(!kept.is_empty());
    assert_eq!(kept, whole[..kept.len()]);
    assert!(sampler.state().counts().evaluations() <= limit as f64);
    match error {
        Error::OutOfEvaluations {
            limit: l,
            accepted,
            samples: 36,
        } => {
            assert_eq!((l, accepted), (limit, 5 * kept.len() as u64));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_state_of_another_problem_is_refused() {
    let world = world();
    let mut sampler = world.sampler().unwrap();
    sampler
        .next_batch(&mut |_| ControlFlow::Continue(()))
        .unwrap();
    let flat = sampler.state().flat();
    let (k, reservoir) = (world.options.batch, world.options.reservoir);
    for (k, neurons, dim) in [(k + 1, 2, PIXELS), (k, 3, PIXELS), (k, 2, PIXELS - 1)] {
        let refused = State::from_flat(flat.clone(), k, neurons, dim, reservoir);
        assert!(matches!(refused, Err(Error::State { .. })));
    }
}

#[test]
fn reports_tell_the_share_inside_and_the_range_of_values() {
    let world = world();
    let mut sampler = world.sampler().unwrap();
    let mut phases = Vec::new();
    let mut last = None;
    sampler
        .next_batch(&mut |progress| {
            phases.push(progress.phase);
            assert!(progress.inside <= progress.slots);
            assert!(progress.least[0] <= progress.greatest[0]);
            last = Some(progress.clone());
            ControlFlow::Continue(())
        })
        .unwrap();
    let last = last.unwrap();
    assert_eq!((last.phase, last.inside, last.batch), (Phase::Accept, 5, 0));
    assert!(phases.contains(&Phase::Spread) && phases.contains(&Phase::Repair));
}
