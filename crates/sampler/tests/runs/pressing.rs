//! An observer that holds the constraints gives the run of one that is told
//! every cotangent, byte for byte.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;

use sampler::{
    Band, Constraint, Failure, HostSpace, Identity, Look, Observer, Press, Sampler, Wanted,
    lagrangian,
};

use crate::maps::{Maps, Neuron, World, range, weights};

const PIXELS: usize = 24;

/// Maps that know the slots' constraints, and how often they were told of some.
struct Holding {
    maps: Maps,
    table: Vec<Vec<Constraint>>,
    values: Vec<f32>,
    told: Rc<Cell<usize>>,
    pressed: Rc<Cell<usize>>,
}

impl Observer<HostSpace> for Holding {
    fn look(
        &mut self,
        images: &Vec<f32>,
        n: usize,
        wanted: Wanted,
    ) -> Result<Look<'_, HostSpace>, Failure> {
        let look = self.maps.look(images, n, wanted)?;
        self.values = look.values.to_vec();
        Ok(look)
    }

    fn pull(&mut self, values: &[f32], encodings: Option<&Vec<f32>>) -> Result<&Vec<f32>, Failure> {
        self.maps.pull(values, encodings)
    }

    fn holds_constraints(&self) -> bool {
        true
    }

    fn constrain(&mut self, slot: usize, constraints: &[Constraint]) -> Result<(), Failure> {
        self.table[slot] = constraints.to_vec();
        self.told.set(self.told.get() + 1);
        Ok(())
    }

    fn press(
        &mut self,
        presses: &[Press],
        encodings: Option<&Vec<f32>>,
    ) -> Result<&Vec<f32>, Failure> {
        self.pressed.set(self.pressed.get() + presses.len());
        let neurons = self.values.len() / presses.len();
        let mut cotangents = Vec::new();
        for (press, values) in presses.iter().zip(self.values.chunks_exact(neurons)) {
            for (constraint, &value) in self.table[press.slot].iter_mut().zip(values) {
                let Constraint { mu, lo, hi, .. } = *constraint;
                let updated = |multiplier: f64| {
                    let band = Band { lo, hi };
                    lagrangian::updated(f64::from(value), multiplier, mu, band)
                };
                if press.update {
                    let most = constraint.most;
                    constraint.multiplier = updated(constraint.multiplier).clamp(-most, most);
                }
                let pressure = if press.press {
                    updated(constraint.multiplier)
                } else {
                    0.0
                };
                cotangents.push(-pressure as f32);
            }
        }
        self.maps.pull(&cotangents, encodings)
    }
}

#[test]
fn who_computes_the_cotangents_changes_no_byte() {
    let neurons = vec![
        (Neuron::Linear(weights(PIXELS, 0)), range(6.0, 6.5)),
        (
            Neuron::Quadratic(vec![0.5; PIXELS], 10.0),
            range(12.0, f64::INFINITY),
        ),
    ];
    let mut world = World::new(neurons, PIXELS, 36);
    world.options.batch = 5;
    let (expected, _) = world.run().unwrap();

    let [told, pressed] = [0, 1].map(|_| Rc::new(Cell::new(0)));
    let observer = Holding {
        maps: world.maps.clone(),
        table: vec![Vec::new(); world.options.batch],
        values: Vec::new(),
        told: Rc::clone(&told),
        pressed: Rc::clone(&pressed),
    };
    let (problem, options) = (world.problem(), world.options.clone());
    let generator = Identity::new(PIXELS);
    let mut sampler = Sampler::new(world.space(), generator, observer, problem, options).unwrap();
    for batch in &expected {
        let found = sampler.next_batch(&mut |_| ControlFlow::Continue(()));
        assert_eq!(found.unwrap().as_ref(), Some(batch));
    }
    // A slot's constraints cross when it is placed, not at every step.
    assert!(
        told.get() > 0 && 2 * told.get() < pressed.get(),
        "{told:?} {pressed:?}"
    );
}
