//! Runs frozen networks: every layer's forward pass and its gradient with
//! respect to its input.
//!
//! A [`Network`] is a graph with weights prepared for a [`Device`]; a [`Plan`]
//! holds the buffers to run it on up to a fixed number of samples at once. The
//! gradient of a whole network is the business of the crate `autograd`. The
//! module [`reference`](mod@reference) says in plain f64 loops what every op means.
//!
//! ```text
//! netfile::NetworkFile -> Network -> Plan::forward -> activations of any layer
//!                                    Plan::backward -> one layer's dx from its dy
//! ```

mod buffer;
mod cpu;
mod cuda;
mod device;
mod error;
mod image_step;
mod layer_shape;
mod memory;
mod network;
mod ops;
mod places;
mod plan;
mod readout;
pub mod reference;
pub mod search;
mod shape;
mod tape;
mod values;

pub use buffer::Buffer;
pub use cpu::Instructions;
pub use device::{Cpu, Device};
pub use error::Error;
pub use image_step::{Clamp, Decoder, Encoder};
pub use layer_shape::LayerShape;
pub use network::{Network, NodeId};
pub use plan::Plan;
pub use readout::Readout;
pub use shape::Shape;
pub use tape::Tape;
