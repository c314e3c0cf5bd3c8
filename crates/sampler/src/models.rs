//! The generator and the observer at work on one batch of codes, and the count
//! of what they cost.

use crate::error::{Error, Failure};
use crate::objective::RunningSums;
use crate::reservoir::Reservoir;
use crate::space::{Constraint, Generator, Observer, Press, Space, Stride, Wanted};

/// What a step does to the rows it looked at.
pub(crate) struct Moves {
    /// Cotangents of the neurons' values, `[n, m]`.
    pub(crate) d_values: Vec<f32>,
    /// The constraints that they come from, if they do.
    pub(crate) pressing: Vec<Pressing>,
    /// How far each row descends.
    pub(crate) strides: Vec<Stride>,
    /// How far each row goes towards its image's own code.
    pub(crate) shares: Vec<f32>,
}

impl Moves {
    /// All of `n` rows rest.
    pub(crate) fn rest(n: usize, neurons: usize) -> Moves {
        Moves {
            d_values: vec![0.0; n * neurons],
            pressing: Vec::new(),
            strides: vec![Stride::REST; n],
            shares: vec![0.0; n],
        }
    }
}

/// What the constraints of a row do in a step.
pub(crate) struct Pressing {
    pub(crate) press: Press,
    /// One per neuron, before the step and after it.
    pub(crate) before: Vec<Constraint>,
    pub(crate) after: Vec<Constraint>,
}

/// The objective's part in a step.
#[derive(Clone, Copy)]
pub(crate) enum Objective<'a> {
    /// Distances to all: a factor of the gradient of `T`.
    All { fixed: &'a RunningSums, weight: f32 },
    /// Distances to the nearest few among those held: a factor of the gradient
    /// of `R`.
    Nearest {
        fixed: &'a Reservoir,
        near: usize,
        weight: f32,
    },
}

/// A code and where it might go, copied to the host.
pub(crate) struct Bearing {
    /// `[d]`
    pub(crate) code: Vec<f32>,
    /// Its image's own code, `[d]`, where the observer gives it.
    pub(crate) own: Option<Vec<f32>>,
    /// Its cotangent, of a quantity that is being minimised, `[d]`.
    pub(crate) d_code: Vec<f32>,
}

/// A look at images as they will be stored.
pub(crate) struct Examined {
    /// `[n, m]`
    pub(crate) values: Vec<f32>,
    /// `[n, e]`
    pub(crate) encodings: Vec<f32>,
    /// `[n, bytes]`
    pub(crate) bytes: Vec<u8>,
}

/// Work done, in samples. One forward and one pull make one evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) forwards: u64,
    pub(crate) pulls: u64,
}

impl Work {
    pub(crate) fn evaluations(self) -> f64 {
        0.5 * (self.forwards + self.pulls) as f64
    }
}

/// Codes live in rows on the device; a slot keeps its number while its row
/// changes, so that the slots at work always fill the first rows.
pub(crate) struct Models<S: Space, G, O> {
    space: S,
    generator: G,
    observer: O,
    codes: S::Codes,
    /// The slot in each row.
    slot_of: Vec<usize>,
    neurons: usize,
    uses_own_codes: bool,
    /// The constraints that an observer which holds them has of each slot.
    told: Vec<Vec<Constraint>>,
    pub(crate) work: Work,
}

impl<S: Space, G: Generator<S>, O: Observer<S>> Models<S, G, O> {
    pub(crate) fn new(
        mut space: S,
        generator: G,
        observer: O,
        k: usize,
        neurons: usize,
    ) -> Result<Self, Failure> {
        let codes = space.codes(k)?;
        let uses_own_codes = observer.gives_own_codes();
        let slot_of: Vec<usize> = (0..k).collect();
        let told = vec![Vec::new(); k];
        let work = Work::default();
        Ok(Models {
            space,
            generator,
            observer,
            codes,
            slot_of,
            neurons,
            uses_own_codes,
            told,
            work,
        })
    }

    pub(crate) fn uses_own_codes(&self) -> bool {
        self.uses_own_codes
    }

    fn row_of(&self, slot: usize) -> usize {
        self.slot_of
            .iter()
            .position(|&s| s == slot)
            .expect("every slot has a row")
    }

    pub(crate) fn write(&mut self, slot: usize, code: &[f32]) -> Result<(), Failure> {
        let row = self.row_of(slot);
        self.space.write(&mut self.codes, row, code)
    }

    pub(crate) fn read(&mut self, slot: usize) -> Result<Vec<f32>, Failure> {
        let row = self.row_of(slot);
        self.space.read(&self.codes, row)
    }

    /// Brings the slots to the first rows, in their order.
    fn arrange(&mut self, slots: &[usize]) -> Result<(), Failure> {
        for (row, &slot) in slots.iter().enumerate() {
            let from = self.row_of(slot);
            if from != row {
                self.space.swap(&mut self.codes, row, from)?;
                self.slot_of.swap(row, from);
            }
        }
        Ok(())
    }

    /// The values that codes (`[n, d]`) foretell, if the observer can tell.
    pub(crate) fn foretell(&mut self, codes: &[f32], n: usize) -> Result<Option<Vec<f32>>, Error> {
        let Some(values) = self.observer.foretell(codes, n)? else {
            return Ok(None);
        };
        check_size(values, n, self.neurons)?;
        Ok(Some(values.to_vec()))
    }

    /// One forward of the slots; `decide` sees their values (`[n, m]`) and says
    /// how they move; one pull, unless all rest.
    pub(crate) fn step(
        &mut self,
        slots: &[usize],
        objective: Option<Objective<'_>>,
        decide: impl FnOnce(&[f32]) -> Moves,
    ) -> Result<(), Error> {
        self.arrange(slots)?;
        let n = slots.len();
        let wanted = Wanted {
            encodings: objective.is_some(),
            own_codes: self.uses_own_codes,
        };
        let images = self.generator.decode(&self.codes, n)?;
        let look = self.observer.look(images, n, wanted)?;
        check_size(look.values, n, self.neurons)?;
        self.work.forwards += n as u64;
        let moves = decide(look.values);
        if let Some(own) = look.own_codes
            && moves.shares.iter().any(|&share| share > 0.0)
        {
            self.space.approach(&mut self.codes, own, &moves.shares)?;
        }
        if moves.strides.iter().all(|stride| stride.longest == 0.0) {
            return Ok(());
        }
        let d_encodings = match (objective, look.encodings) {
            (Some(Objective::All { fixed, weight }), Some(encodings)) => {
                Some(self.space.spread(encodings, n, fixed, weight)?)
            }
            (
                Some(Objective::Nearest {
                    fixed,
                    near,
                    weight,
                }),
                Some(encodings),
            ) => Some(self.space.repel(encodings, n, fixed, near, weight)?),
            _ => None,
        };
        let pressed = !moves.pressing.is_empty() && self.observer.holds_constraints();
        let d_images = if pressed {
            for Pressing { press, before, .. } in &moves.pressing {
                if self.told[press.slot] != *before {
                    self.observer.constrain(press.slot, before)?;
                }
            }
            let presses: Vec<Press> = moves.pressing.iter().map(|p| p.press).collect();
            for Pressing { press, after, .. } in moves.pressing {
                self.told[press.slot] = after;
            }
            self.observer.press(&presses, d_encodings)?
        } else {
            self.observer.pull(&moves.d_values, d_encodings)?
        };
        let d_codes = self.generator.pull(d_images)?;
        self.space
            .descend(&mut self.codes, d_codes, &moves.strides)?;
        self.work.pulls += n as u64;
        Ok(())
    }

    /// The slots from 0 on were accepted, see [`Space::remember`].
    pub(crate) fn remember(&mut self, before: u64, rows: &[Option<usize>]) -> Result<(), Failure> {
        self.space.remember(before, rows)
    }

    /// One forward of the slots, one pull of the cotangents that `decide` makes
    /// of their values (both `[n, m]`), and no move. Own codes are read where
    /// they are wanted and given.
    pub(crate) fn sense(
        &mut self,
        slots: &[usize],
        own_codes: bool,
        decide: impl FnOnce(&[f32]) -> Vec<f32>,
    ) -> Result<Vec<Bearing>, Error> {
        self.arrange(slots)?;
        let n = slots.len();
        let wanted = Wanted {
            encodings: false,
            own_codes: own_codes && self.uses_own_codes,
        };
        let images = self.generator.decode(&self.codes, n)?;
        let look = self.observer.look(images, n, wanted)?;
        check_size(look.values, n, self.neurons)?;
        let d_values = decide(look.values);
        let own = match look.own_codes {
            Some(own) if own_codes => rows(&mut self.space, own, n)?
                .into_iter()
                .map(Some)
                .collect(),
            _ => vec![None; n],
        };
        let d_images = self.observer.pull(&d_values, None)?;
        let d_codes = self.generator.pull(d_images)?;
        let d_codes = rows(&mut self.space, d_codes, n)?;
        let codes = rows(&mut self.space, &self.codes, n)?;
        self.work.forwards += n as u64;
        self.work.pulls += n as u64;
        let bearing = |((code, own), d_code)| Bearing { code, own, d_code };
        let all = codes.into_iter().zip(own).zip(d_codes);
        Ok(all.map(bearing).collect())
    }

    /// One forward of the slots through their rounded images.
    pub(crate) fn examine(&mut self, slots: &[usize]) -> Result<Examined, Error> {
        self.arrange(slots)?;
        let n = slots.len();
        let mut bytes = Vec::new();
        let images = self.generator.decode(&self.codes, n)?;
        let rounded = self.space.round(images, n, &mut bytes)?;
        let wanted = Wanted {
            encodings: true,
            own_codes: false,
        };
        let look = self.observer.look(rounded, n, wanted)?;
        check_size(look.values, n, self.neurons)?;
        self.work.forwards += n as u64;
        let values = look.values.to_vec();
        let Some(seen) = look.encodings else {
            return Err(invalid("the encodings of a look", "missing", "present"));
        };
        for (row, &slot) in slots.iter().enumerate() {
            self.space.keep(seen, row, slot)?;
        }
        let encodings = self.space.read_encodings(seen, n)?;
        Ok(Examined {
            values,
            encodings,
            bytes,
        })
    }
}

/// The first `n` rows, on the host.
fn rows<S: Space>(space: &mut S, codes: &S::Codes, n: usize) -> Result<Vec<Vec<f32>>, Failure> {
    (0..n).map(|row| space.read(codes, row)).collect()
}

fn check_size(values: &[f32], n: usize, neurons: usize) -> Result<(), Error> {
    if values.len() == n * neurons {
        return Ok(());
    }
    let (found, expected) = (values.len().to_string(), format!("{n} x {neurons}"));
    Err(invalid("the number of values of a look", &found, &expected))
}

fn invalid(what: &'static str, found: &str, expected: &str) -> Error {
    Error::Invalid {
        what,
        found: found.into(),
        expected: expected.into(),
    }
}
