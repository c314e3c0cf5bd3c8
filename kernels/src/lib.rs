//! The CUDA kernels: their sources (`*.cu`), the PTX that is made from them by
//! `cargo xtask ptx`, and the arguments that each of them takes.
//!
//! A kernel is a struct whose fields are its arguments in their order; making
//! one computes nothing. The crate knows neither the driver nor networks:
//! `engine` launches. A test holds every argument list to the parameters that
//! the PTX declares.

mod declare;
mod grid;
pub mod occupancy;

pub mod affine;
pub mod codes;
pub mod constraints;
pub mod correlation;
pub mod correlation_tensor;
pub mod dense;
pub mod dense_tensor;
pub mod eltwise;
pub mod image_step;
pub mod lrn;
pub mod moves;
pub mod pointwise;
pub mod pool;
pub mod product;
pub mod readout;
pub mod repulsion;
pub mod rounding;
pub mod softmax;
pub mod spread;

pub use declare::{Entry, In, Kernel, Out};

/// The PTX of one source file.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Name of the source file, without `.cu`.
    pub name: &'static str,
    /// PTX as text.
    pub ptx: &'static str,
    /// Least compute capability that it runs on, as in 75 for 7.5.
    pub capability: u32,
    /// The kernels in it.
    pub entries: &'static [Entry],
}

/// All modules.
pub const MODULES: &[Module] = &[
    affine::MODULE,
    codes::MODULE,
    constraints::MODULE,
    correlation::MODULE,
    correlation_tensor::MODULE,
    dense::MODULE,
    dense_tensor::MODULE,
    eltwise::MODULE,
    image_step::MODULE,
    lrn::MODULE,
    moves::MODULE,
    pointwise::MODULE,
    pool::MODULE,
    product::MODULE,
    readout::MODULE,
    repulsion::MODULE,
    rounding::MODULE,
    softmax::MODULE,
    spread::MODULE,
];
