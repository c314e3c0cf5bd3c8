//! The methods that the inverse set's sampler is compared with.
//!
//! None of them knows a range: each *proposes* images, which are rounded to
//! 8 bits, looked at again, and kept where every neuron lies in its accepting
//! band and no equal image was kept before. All pay the same price: a forward
//! and a pull of one sample make one evaluation, a forward alone, the look at
//! a rounded image included, one half. A proposal of a chain whose image lies
//! outside before it is rounded is not looked at again: that would cost it one
//! half for nothing.
//!
//! Where there are several neurons, the chains follow the sum of them; a range
//! with an upper end alone is approached downwards.
//!
//! The paper's own method is no other algorithm: it is
//! [`Options::paper`](crate::Options::paper).

mod activation_max;
mod chain;
mod dgn_am;
mod independent;
mod ppgn;
mod proposals;

use serde::{Deserialize, Serialize};

use crate::batch::Sample;
use crate::error::Error;
use crate::models::Models;
use crate::run::Problem;
use crate::space::{Generator, Observer, Space};
use crate::starts::Starts;
use proposals::Proposals;

pub use activation_max::ActivationMax;
pub use dgn_am::DgnAm;
pub use ppgn::Ppgn;

/// Root mean square of a unit of CaffeNet's fc6 behind its activation function,
/// of mean 0.63 and standard deviation 3.74: the scale of codes that the
/// published constants are made for.
const CAFFENET: f64 = 3.793;

/// What a method found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn {
    /// What was kept, in the order in which it was proposed.
    pub samples: Vec<Sample>,
    /// How many images were proposed, up to the last one that was wanted.
    pub proposed: u64,
    /// What was spent.
    pub evaluations: f64,
}

/// A method, with its constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Independent codes from the distribution that the sampler begins at,
    /// a fitted model of codes where there is one.
    Start,
    /// Independent codes from the per-unit statistics, `mean + std N(0, 1)`.
    Random,
    /// Chains of PPGN (Nguyen et al. 2017).
    Ppgn(Ppgn),
    /// Chains of DGN-AM (Nguyen et al. 2016).
    DgnAm(DgnAm),
    /// Chains on pixels (Simonyan et al. 2014); the generator is
    /// [`Identity`](crate::Identity).
    ActivationMax(ActivationMax),
}

impl Method {
    fn check(&self) -> Result<(), Error> {
        match self {
            Method::Start | Method::Random => Ok(()),
            Method::Ppgn(ppgn) => ppgn.check(),
            Method::DgnAm(dgn_am) => dgn_am.check(),
            Method::ActivationMax(activation_max) => activation_max.check(),
        }
    }

    /// Values of a look beyond those of the ranges' neurons.
    fn further_values(&self) -> usize {
        match self {
            Method::Ppgn(ppgn) => usize::from(ppgn.probability),
            _ => 0,
        }
    }
}

/// Runs a method until `wanted` samples are kept or one more proposal would
/// exceed `budget` evaluations. `problem.samples` does not matter; `batch` is
/// how many proposals, or chains, are worked on at a time. Random numbers are
/// keyed by `seed`, round and slot.
///
/// # Errors
///
/// [`Error::Invalid`] for a method, a problem or a number without sense, or an
/// observer of another number of neurons; [`Error::Model`] if a model fails.
#[expect(clippy::too_many_arguments, reason = "each is a part of the question")]
pub fn draw<S: Space, G: Generator<S>, O: Observer<S>>(
    space: S,
    generator: G,
    observer: O,
    problem: &Problem,
    method: &Method,
    seed: u64,
    batch: usize,
    budget: f64,
    wanted: u64,
) -> Result<Drawn, Error> {
    method.check()?;
    problem.check()?;
    at_least_one("the batch", batch as u64)?;
    at_least_one("the number of wanted samples", wanted)?;
    number("the budget", budget, 0.0..=f64::MAX)?;
    let neurons = problem.ranges.len() + method.further_values();
    let models = Models::new(space, generator, observer, batch, neurons)?;
    let mut proposals = Proposals::new(models, problem, seed, batch, budget, wanted);
    match method {
        Method::Start => independent::propose(&mut proposals, &problem.starts)?,
        Method::Random => {
            independent::propose(&mut proposals, &problem.starts.clone().without_mixture())?;
        }
        Method::Ppgn(ppgn) => chain::propose(&mut proposals, ppgn)?,
        Method::DgnAm(dgn_am) => chain::propose(&mut proposals, dgn_am)?,
        Method::ActivationMax(activation_max) => chain::propose(&mut proposals, activation_max)?,
    }
    Ok(proposals.drawn())
}

/// The scale of these codes, in units of CaffeNet's.
fn scale(starts: &Starts) -> f64 {
    starts.norm() / (starts.dim() as f64).sqrt() / CAFFENET
}

fn at_least_one(what: &'static str, found: u64) -> Result<(), Error> {
    if found > 0 {
        return Ok(());
    }
    Err(Error::Invalid {
        what,
        found: "0".into(),
        expected: "at least 1".into(),
    })
}

fn number(
    what: &'static str,
    found: f64,
    bounds: std::ops::RangeInclusive<f64>,
) -> Result<(), Error> {
    if bounds.contains(&found) {
        return Ok(());
    }
    let expected = if *bounds.end() == f64::MAX {
        format!("a number of at least {}", bounds.start())
    } else {
        format!("a number from {} to {}", bounds.start(), bounds.end())
    };
    Err(Error::Invalid {
        what,
        found: found.to_string(),
        expected,
    })
}
