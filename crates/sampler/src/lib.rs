//! Draws a diverse sample of the *inverse set* of one or several neurons: all
//! inputs whose activations lie in given ranges.
//!
//! The method is that of Hada and Carreira-Perpiñán, "Sampling the 'Inverse
//! Set' of a Neuron" (arXiv 1910.04857): search the code space of a generator,
//! keep every activation in its range by the augmented Lagrangian, and spread
//! the samples in an encoding. The objective is another one by default:
//!
//! ```text
//! the paper's   maximise  sum over all pairs of || E(G(c_i)) - E(G(c_j)) ||^2
//! the default   maximise  sum over near pairs of log || E(G(c_i)) - E(G(c_j)) ||
//! both          subject to  z1 <= f(G(c_i)) <= z2
//! ```
//!
//! The crate knows nothing of networks, files and devices. It sees three small
//! traits ([`Space`], [`Generator`], [`Observer`]), so that it is tested on
//! maps with known answers.
//!
//! # Letters
//!
//! | letter | meaning |
//! |---|---|
//! | `c` | code, a point of the generator's input space, `d` numbers |
//! | `G`, `x = G(c)` | generator, image |
//! | `f`, `[z1, z2]` | activation of a neuron, its range; `m` neurons |
//! | `E`, `e = E(x)` | encoder, encoding |
//! | `K` | samples in a batch, each in a *slot* |
//! | `lambda`, `mu` | multiplier (per slot and neuron), penalty (per neuron) |
//! | `T` | sum of squared distances over all ordered pairs of encodings |
//!
//! # Life of a batch
//!
//! 1. *Place*: fresh random codes, from a fitted model of codes where there is
//!    one. Where values can be foretold from codes, draws are passed over until
//!    one is foretold to lie in the ranges.
//! 2. *Spread*: one short step along the gradient of the augmented Lagrangian,
//!    away from the nearest encodings among those held and those of the batch.
//! 3. *Repair*: Gauss-Newton steps on the constraints alone, until every slot
//!    is inside; then it rests.
//! 4. *Accept*: images are rounded to 8 bits and looked at again; what lies in
//!    the range and is new is accepted, the rest goes back to repair.
//!
//! The paper's own way is one of the [`Options`]: batches that begin at the
//! batch before, the sum of squared distances, no model of codes
//! ([`Options::paper`]). It drifts off the images, and the sum does not part
//! near neighbours.
//!
//! Random numbers are keyed by (seed, batch, slot, attempt), and what passes
//! from one batch to the next is one [`State`]: a run that is interrupted and
//! resumed gives the same bytes as one that is not.

mod accept;
mod batch;
mod climb;
mod error;
pub mod figures;
mod host;
pub mod lagrangian;
mod margin;
pub mod methods;
mod mixture;
mod models;
pub mod objective;
mod options;
mod random;
mod range;
mod reach;
mod repair;
pub mod repulsion;
mod reservoir;
mod run;
mod screen;
mod seen;
mod slot;
mod space;
mod starts;
mod state;

pub use batch::{Batch, Phase, Progress, Sample, Watch};
pub use error::{Error, Failure, Unmet};
pub use host::{HostSpace, Identity};
pub use mixture::Mixture;
pub use options::{Fixed, Options};
pub use range::{Band, Range};
pub use reservoir::Reservoir;
pub use run::{Problem, Sampler};
pub use seen::fnv1a;
pub use space::{Constraint, Generator, Look, Observer, Press, Space, Stride, Wanted};
pub use starts::Starts;
pub use state::{Counts, Flat, State};
