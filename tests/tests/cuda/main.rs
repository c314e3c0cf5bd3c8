//! Networks, the pixel step, the search and whole runs on a CUDA device: the
//! simulated one, or with `REQUIRE_CUDA=1` a real one, which must then be there.
//!
//! The simulated device runs the kernels that a C++ compiler made of their
//! sources, threads in ascending order. With `CUDA_CHECKS=all` what is cheap
//! enough is also run in two other orders of threads and blocks, and by
//! interpreting the PTX. That reading without waiting shows is a matter of
//! `cuda-sim`'s own tests.

mod device;
mod networks;
mod pixels;
mod runs;
mod search;
