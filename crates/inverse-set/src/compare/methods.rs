//! The methods that are compared, by name.

use std::fmt;
use std::str::FromStr;

use sampler::Options;
use sampler::methods::{self, ActivationMax, DgnAm, Ppgn};
use serde_json::{Value, json};

use crate::Error;
use crate::neuron::did_you_mean;

/// A way to find images in a neuron's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The sampler with its defaults.
    InverseSet,
    /// The paper as literally as it can be read.
    Paper,
    /// The chain of "Plug & Play Generative Networks", without noise; its
    /// constants are those of [`Ppgn::tuned`].
    Ppgn,
    /// The same with the published constants, rescaled to the pair's codes.
    PpgnPublished,
    /// The ascent of "Synthesizing the preferred inputs for neurons", on codes;
    /// its constants are those of [`DgnAm::tuned`].
    DgnAm,
    /// The same with the published constants, rescaled to the pair's codes.
    DgnAmPublished,
    /// Simonyan's ascent, on pixels.
    ActivationMax,
    /// Independent codes from the generator's per-unit statistics.
    Random,
    /// Independent codes from the distribution that `inverse-set` begins at.
    Start,
    /// Reference images.
    Dataset,
    /// Reference images, put through classifier and generator.
    Reconstruction,
}

impl Method {
    /// Every method, in the order of a table.
    pub const ALL: [Method; 11] = [
        Method::InverseSet,
        Method::Paper,
        Method::Ppgn,
        Method::PpgnPublished,
        Method::DgnAm,
        Method::DgnAmPublished,
        Method::ActivationMax,
        Method::Random,
        Method::Start,
        Method::Dataset,
        Method::Reconstruction,
    ];

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Method::InverseSet => "inverse-set",
            Method::Paper => "paper",
            Method::Ppgn => "ppgn",
            Method::PpgnPublished => "ppgn-published",
            Method::DgnAm => "dgn-am",
            Method::DgnAmPublished => "dgn-am-published",
            Method::ActivationMax => "activation-max",
            Method::Random => "random",
            Method::Start => "start",
            Method::Dataset => "dataset",
            Method::Reconstruction => "reconstruction",
        }
    }

    /// Whether its images are looked up, at no cost in evaluations.
    pub(crate) fn looks_up(self) -> bool {
        matches!(self, Method::Dataset | Method::Reconstruction)
    }

    /// How it is run; `own` are the options of `inverse-set` for the pair.
    pub(crate) fn plan(self, own: &Options) -> Plan {
        match self {
            Method::InverseSet => Plan::Sampler(own.clone()),
            Method::Paper => Plan::Sampler(Options::paper()),
            Method::Ppgn => ppgn(Ppgn::tuned()),
            Method::PpgnPublished => ppgn(Ppgn::default()),
            Method::DgnAm => Plan::Draw(methods::Method::DgnAm(DgnAm::tuned())),
            Method::DgnAmPublished => Plan::Draw(methods::Method::DgnAm(DgnAm::default())),
            Method::ActivationMax => {
                Plan::Draw(methods::Method::ActivationMax(ActivationMax::default()))
            }
            Method::Random => Plan::Draw(methods::Method::Random),
            Method::Start => Plan::Draw(methods::Method::Start),
            Method::Dataset => Plan::Dataset,
            Method::Reconstruction => Plan::Reconstruction,
        }
    }

    /// Name and constants, as `compare.json` has them.
    pub(crate) fn record(self, own: &Options) -> Value {
        let constants = match self.plan(own) {
            Plan::Sampler(options) => serde_json::to_value(options),
            Plan::Draw(method) => serde_json::to_value(method),
            Plan::Dataset | Plan::Reconstruction => Ok(Value::Null),
        };
        json!({ "method": self.name(), "constants": constants.expect("constants are plain") })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = Error;

    /// # Errors
    /// [`Error::Request`] lists the methods that there are.
    fn from_str(text: &str) -> Result<Method, Error> {
        let found = Method::ALL.into_iter().find(|method| method.name() == text);
        found.ok_or_else(|| {
            let names = Method::ALL.map(Method::name);
            Error::Request(format!(
                "method {text:?}: expected one of {}{}",
                names.join(", "),
                did_you_mean(text, names.into_iter())
            ))
        })
    }
}

/// PPGN's chain, with the probability of the class where a softmax follows the
/// neuron's layer.
fn ppgn(constants: Ppgn) -> Plan {
    Plan::Draw(methods::Method::Ppgn(Ppgn {
        probability: true,
        ..constants
    }))
}

/// How a method is run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Plan {
    /// By the sampler.
    Sampler(Options),
    /// By proposals.
    Draw(methods::Method),
    /// Among the reference images.
    Dataset,
    /// Among their reconstructions.
    Reconstruction,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuned_and_published_constants_differ_and_are_recorded() {
        let own = Options::default();
        for (tuned, published) in [
            (Method::Ppgn, Method::PpgnPublished),
            (Method::DgnAm, Method::DgnAmPublished),
        ] {
            let [tuned, published] =
                [tuned, published].map(|m| m.record(&own)["constants"].clone());
            assert!(tuned.is_object() && published.is_object());
            assert_ne!(tuned, published);
        }
        let published = Method::PpgnPublished.record(&own);
        assert_eq!(published["constants"]["ppgn"]["eps1"], 1e-5);
        assert_eq!(published["constants"]["ppgn"]["probability"], true);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for method in Method::ALL {
            assert_eq!(method.name().parse::<Method>().unwrap(), method);
        }
        let error = "ppgm".parse::<Method>().unwrap_err().to_string();
        assert!(error.ends_with("; did you mean \"ppgn\"?"), "{error}");
        assert!(error.starts_with("method \"ppgm\": expected one of inverse-set, paper, "));
    }
}
