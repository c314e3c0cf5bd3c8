//! All that passes from one batch to the next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::margin::Shifts;
use crate::models::Work;
use crate::objective::RunningSums;
use crate::reservoir::Reservoir;
use crate::seen::Seen;

/// The counters of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Batches finished.
    pub batches: u64,
    /// Samples accepted.
    pub accepted: u64,
    /// Rounded images that were not accepted.
    pub rejected: u64,
    /// Slots that were not repaired and got another code.
    pub replaced: u64,
    /// Samples sent forward through generator and observer.
    pub forwards: u64,
    /// Samples pulled back.
    pub pulls: u64,
}

impl Counts {
    /// Evaluations: a forward and a pull of one sample make one.
    pub fn evaluations(&self) -> f64 {
        self.work().evaluations()
    }

    pub(crate) fn work(&self) -> Work {
        Work {
            forwards: self.forwards,
            pulls: self.pulls,
        }
    }
}

/// The state between two batches.
///
/// [`State::flat`] and [`State::from_flat`] write and read it without loss,
/// but for what is made of the samples: the reservoir, the sums over the seeds
/// and the hashes of the images. These come back from the samples themselves, by
/// [`State::remember`]: written with every batch, they would make batches
/// dearer the longer a run is.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub(crate) counts: Counts,
    /// `lambda` of every slot, `[K, m]`.
    pub(crate) multipliers: Vec<f64>,
    /// The batch before, `[K, d]`; empty before the first.
    pub(crate) codes: Vec<f32>,
    /// Root mean square norm of encodings at the starting codes.
    pub(crate) encoding_unit: f64,
    pub(crate) shifts: Shifts,
    pub(crate) sums: RunningSums,
    /// Running sums over the seeds, the first K samples.
    pub(crate) seeds: RunningSums,
    k: u64,
    pub(crate) reservoir: Reservoir,
    /// Hashes of all accepted images.
    pub(crate) seen: Seen,
}

/// A [`State`] as named arrays and integers, for any file format: no number
/// needs to survive being printed in decimal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flat {
    /// Counters.
    pub counts: Counts,
    /// Arrays of f32 by name.
    pub f32s: BTreeMap<String, Vec<f32>>,
    /// Arrays of f64 by name.
    pub f64s: BTreeMap<String, Vec<f64>>,
    /// Arrays of u64 by name.
    pub u64s: BTreeMap<String, Vec<u64>>,
}

impl State {
    /// That of a run from its beginning, with batches of `k`, `neurons` ranges
    /// and a reservoir of so many.
    pub fn new(k: usize, neurons: usize, reservoir: usize) -> State {
        State {
            counts: Counts::default(),
            multipliers: vec![0.0; k * neurons],
            codes: Vec::new(),
            encoding_unit: 1.0,
            shifts: Shifts::new(neurons),
            sums: RunningSums::default(),
            seeds: RunningSums::default(),
            k: k as u64,
            reservoir: Reservoir::new(reservoir),
            seen: Seen::default(),
        }
    }

    /// The counters.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Running sums over all accepted encodings.
    pub fn sums(&self) -> &RunningSums {
        &self.sums
    }

    /// A bounded sample of the accepted encodings.
    pub fn reservoir(&self) -> &Reservoir {
        &self.reservoir
    }

    /// Takes note of an accepted sample. To complete a state that was read
    /// again, call it for every sample of the run's batches, in their order.
    /// Gives the row of the reservoir that now holds the encoding, if one does.
    pub fn remember(&mut self, seed: u64, encoding: &[f32], hash: u64) -> Option<usize> {
        if self.seeds.count() < self.k {
            let sample = RunningSums::of(encoding, encoding.len());
            self.seeds = self.seeds.merged(&sample);
        }
        self.seen.insert(hash);
        self.reservoir.offer(seed, encoding)
    }

    /// The state as named arrays, without what [`State::remember`] brings back.
    pub fn flat(&self) -> Flat {
        let scalars = vec![self.encoding_unit, self.sums.m2()];
        let f64s = [
            ("mean", &self.sums.mean().to_vec()),
            ("multipliers", &self.multipliers),
            ("scalars", &scalars),
            ("shift_squares", &self.shifts.squares),
        ];
        let integers = vec![self.sums.count(), self.shifts.count];
        Flat {
            counts: self.counts,
            f32s: named([("codes", &self.codes)]),
            f64s: named(f64s),
            u64s: named([("integers", &integers)]),
        }
    }

    /// The state of a problem with batches of `k`, `neurons` ranges and codes
    /// of `dim` numbers, and an empty reservoir of `capacity`.
    ///
    /// # Errors
    ///
    /// [`Error::State`] if an array is missing or does not fit these sizes.
    pub fn from_flat(
        mut flat: Flat,
        k: usize,
        neurons: usize,
        dim: usize,
        capacity: usize,
    ) -> Result<State, Error> {
        let codes_len = if flat.counts.batches == 0 { 0 } else { k * dim };
        let integers = taken(&mut flat.u64s, "integers", Some(2))?;
        let scalars = taken(&mut flat.f64s, "scalars", Some(2))?;
        let mean = taken(&mut flat.f64s, "mean", None)?;
        Ok(State {
            counts: flat.counts,
            multipliers: taken(&mut flat.f64s, "multipliers", Some(k * neurons))?,
            codes: taken(&mut flat.f32s, "codes", Some(codes_len))?,
            encoding_unit: scalars[0],
            shifts: Shifts {
                count: integers[1],
                squares: taken(&mut flat.f64s, "shift_squares", Some(neurons))?,
            },
            sums: RunningSums::from_parts(integers[0], mean, scalars[1]),
            seeds: RunningSums::default(),
            k: k as u64,
            reservoir: Reservoir::new(capacity),
            seen: Seen::default(),
        })
    }
}

fn named<T: Clone, const N: usize>(arrays: [(&str, &Vec<T>); N]) -> BTreeMap<String, Vec<T>> {
    arrays
        .map(|(name, array)| (name.to_owned(), array.clone()))
        .into()
}

fn taken<T>(
    arrays: &mut BTreeMap<String, Vec<T>>,
    name: &'static str,
    expected: Option<usize>,
) -> Result<Vec<T>, Error> {
    let array = arrays.remove(name).unwrap_or_default();
    match expected {
        Some(expected) if array.len() != expected => Err(Error::State {
            array: name,
            found: array.len(),
            expected,
        }),
        _ => Ok(array),
    }
}
