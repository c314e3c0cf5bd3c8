//! A short look at what activations a neuron can reach.

use std::ops::ControlFlow;

use crate::encoding::Distance;
use crate::{Error, Job, Neuron, Pair, Request};

/// The activations that plain descent and ascent drove a neuron to, from a few
/// starts in the space that is searched. Others may lie beyond.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The least, of an image that was not rounded to 8 bits.
    pub least: f64,
    /// The greatest, of an image that was not rounded to 8 bits.
    pub greatest: f64,
    /// Starts, from each of which it went down and up.
    pub starts: usize,
    /// Evaluations that it took.
    pub evaluations: f64,
    /// What was searched: `codes of fashion generator` or `pixels`.
    pub space: String,
}

impl Pair {
    /// Probes a neuron; its range does not matter. `watch` hears how many
    /// evaluations of how many are spent.
    ///
    /// # Errors
    /// [`Error::Request`] where the networks do not fit together or the
    /// generator has no code space, [`Error::Sampler`] where no image has an
    /// activation.
    pub fn probe(
        self,
        neuron: &Neuron,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<Probe, Error> {
        let request = Request {
            neurons: vec![format!("{}=0..", neuron.name())],
            // Nothing is encoded, and pixels need no layer.
            distance: Distance::Pixels,
            ..Request::default()
        };
        let mut job = Job::new(self, &request)?;
        job.options.reservoir = 1;
        let starts = job.options.climb_starts.min(job.options.batch);
        let planned = 2 * starts * job.options.climb_steps as usize;
        let found = job.sampler(None)?.extremes(0, &mut |progress| {
            watch(progress.evaluations as usize, planned);
            ControlFlow::Continue(())
        });
        let ([least, greatest], evaluations) = found.map_err(|cause| job.error(cause))?;
        if least > greatest {
            return Err(Error::Sampler(format!(
                "no start gives an image with an activation of {neuron}"
            )));
        }
        Ok(Probe {
            // A rectified zero may be negative; nobody wants to read that.
            least: f64::from(least) + 0.0,
            greatest: f64::from(greatest) + 0.0,
            starts,
            evaluations,
            space: job.space(),
        })
    }
}
