//! Chains: codes that follow a gradient from one image to the next.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::error::Error;
use crate::methods::proposals::{FORWARD, Proposals, fits};
use crate::models::Bearing;
use crate::range::Range;
use crate::space::{Generator, Observer, Space};
use crate::starts::Starts;

/// How a method moves codes. A chain begins, moves `iterations` times and
/// begins anew; every iterate is looked at before it moves.
pub(crate) trait Rule {
    fn iterations(&self) -> u32;

    /// Whether an iterate, counted from 0, is proposed.
    fn proposes(&self, iterate: u32) -> bool;

    /// Whether it needs the images' own codes.
    fn needs_own_codes(&self) -> bool {
        false
    }

    /// Whether an iterate costs one more forward, for its image's own code.
    fn pays_for_own_codes(&self) -> bool {
        false
    }

    /// The code that a chain begins at, within the bounds.
    fn begin(&self, starts: &Starts, random: &mut ChaCha8Rng) -> Vec<f32>;

    /// The factor of the gradient, from the values of a look.
    fn weight(&self, _values: &[f32]) -> f32 {
        1.0
    }

    /// Moves a code, and keeps it within the bounds. False where there is no
    /// direction to go.
    fn advance(&self, starts: &Starts, at: &mut Iterate<'_>) -> bool;
}

/// A code of a chain and what is known about it.
pub(crate) struct Iterate<'a> {
    /// Its number, from 0.
    pub(crate) number: u32,
    pub(crate) code: &'a mut [f32],
    /// The weighted gradient of the neurons, to be ascended.
    pub(crate) ascent: &'a [f32],
    /// Its image's own code, where it is needed and given.
    pub(crate) own: Option<&'a [f32]>,
}

/// Where the chain in a slot is.
#[derive(Clone, Copy, Default)]
struct Chain {
    round: u64,
    iterate: u32,
}

/// Runs chains side by side for as long as that can be paid.
pub(crate) fn propose<S: Space, G: Generator<S>, O: Observer<S>>(
    proposals: &mut Proposals<'_, S, G, O>,
    rule: &impl Rule,
) -> Result<(), Error> {
    let starts = &proposals.problem.starts;
    let mut chains = vec![Chain::default(); proposals.batch];
    for slot in 0..chains.len() {
        let code = rule.begin(starts, &mut proposals.random(0, slot));
        proposals.write(slot, &code)?;
    }
    loop {
        let slots = proposals.affordable(most_of_an_iterate(proposals, rule));
        if slots.is_empty() {
            return Ok(());
        }
        let bearings = look(proposals, rule, &chains, &slots)?;
        for (&slot, bearing) in slots.iter().zip(bearings) {
            let code = go_on(proposals, rule, slot, &mut chains[slot], bearing);
            proposals.write(slot, &code)?;
        }
    }
}

/// A forward, its pull, the look at the rounded image, and a second pass.
fn most_of_an_iterate<S: Space, G: Generator<S>, O: Observer<S>>(
    proposals: &Proposals<'_, S, G, O>,
    rule: &impl Rule,
) -> f64 {
    let twice = rule.pays_for_own_codes() && proposals.gives_own_codes();
    FORWARD * if twice { 4.0 } else { 3.0 }
}

/// Looks at the chains' codes and proposes those of them that are due.
fn look<S: Space, G: Generator<S>, O: Observer<S>>(
    proposals: &mut Proposals<'_, S, G, O>,
    rule: &impl Rule,
    chains: &[Chain],
    slots: &[usize],
) -> Result<Vec<Bearing>, Error> {
    let ranges = &proposals.problem.ranges;
    let mut due = Vec::new();
    let bearings = proposals.sense(slots, rule.needs_own_codes(), |values| {
        let mut d_values = vec![0.0; values.len()];
        let m = values.len() / slots.len();
        for ((&slot, values), d) in slots
            .iter()
            .zip(values.chunks_exact(m))
            .zip(d_values.chunks_exact_mut(m))
        {
            if rule.proposes(chains[slot].iterate) {
                due.push((slot, fits(ranges, values)));
            }
            let weight = rule.weight(values);
            for (d, range) in d.iter_mut().zip(ranges) {
                *d = -weight * direction(*range);
            }
        }
        d_values
    })?;
    if rule.pays_for_own_codes() && proposals.gives_own_codes() {
        proposals.charge_forwards(slots.len());
    }
    proposals.propose(&due)?;
    Ok(bearings)
}

/// The next code of a chain: where its rule leads, or a new beginning.
fn go_on<S: Space, G: Generator<S>, O: Observer<S>>(
    proposals: &Proposals<'_, S, G, O>,
    rule: &impl Rule,
    slot: usize,
    chain: &mut Chain,
    bearing: Bearing,
) -> Vec<f32> {
    let starts = &proposals.problem.starts;
    let mut code = bearing.code;
    let ascent: Vec<f32> = bearing.d_code.iter().map(|d| -d).collect();
    let moved = rule.advance(
        starts,
        &mut Iterate {
            number: chain.iterate,
            code: &mut code,
            ascent: &ascent,
            own: bearing.own.as_deref(),
        },
    );
    chain.iterate += 1;
    if moved && chain.iterate < rule.iterations() {
        return code;
    }
    chain.round += 1;
    chain.iterate = 0;
    rule.begin(starts, &mut proposals.random(chain.round, slot))
}

/// Where a neuron must go: upwards, unless only the upper end is given.
fn direction(range: Range) -> f32 {
    if range.lo().is_infinite() && range.hi().is_finite() {
        -1.0
    } else {
        1.0
    }
}

/// A code of N(0, 1) per unit, times `scale`.
pub(crate) fn normal(scale: f64, starts: &Starts, random: &mut ChaCha8Rng) -> Vec<f32> {
    let draw = |_| {
        let normal: f64 = StandardNormal.sample(random);
        (scale * normal) as f32
    };
    let mut code: Vec<f32> = (0..starts.dim()).map(draw).collect();
    starts.clip(&mut code);
    code
}

/// Adds `direction`, scaled so that a number of it is `step` long on average.
/// False, and no move, where it is zero or not finite.
pub(crate) fn step(code: &mut [f32], direction: &[f64], step: f64) -> bool {
    let sum: f64 = direction.iter().map(|d| d.abs()).sum();
    let factor = step * direction.len() as f64 / sum;
    if !(sum > 0.0 && factor.is_finite()) {
        return false;
    }
    for (c, d) in code.iter_mut().zip(direction) {
        *c += (factor * d) as f32;
    }
    true
}
