//! What an op is given when it runs.

use std::sync::{Mutex, MutexGuard};

use crate::cpu::{Call, Epilogue, Floats};
use crate::cuda::{self, Gpu, Memory};
use crate::{Buffer, Instructions};

/// Arguments of a forward pass. All slices hold exactly `n` samples.
pub(crate) struct Forward<'a> {
    pub n: usize,
    pub instructions: Instructions,
    pub x: &'a [&'a [f32]],
    pub y: &'a mut [f32],
    pub saved: &'a mut [f32],
    pub scratch: &'a Scratch,
    /// The negative slope, not below 0, of a ReLU that `y` is to be sent through
    /// as it is written.
    pub relu: Option<f32>,
}

/// Arguments of an input gradient. All slices hold exactly `n` samples; `dx`
/// has one entry per input.
pub(crate) struct Backward<'a, 'b> {
    pub n: usize,
    pub instructions: Instructions,
    pub x: &'a [&'a [f32]],
    pub y: &'a [f32],
    pub dy: &'a [f32],
    pub saved: &'a [f32],
    pub scratch: &'a Scratch,
    pub dx: &'a mut [&'b mut [f32]],
    /// Where `x` was made by a ReLU of this negative slope, not below 0: `dx` is to be
    /// carried on to what that ReLU was given, which has the sign of `x`.
    pub relu: Option<f32>,
}

impl<'a> Forward<'a> {
    /// As a linear map of the one input, with a bias per channel.
    pub(super) fn call(self, bias: Option<&'a [f32]>) -> Call<'a> {
        Call {
            instructions: self.instructions,
            n: self.n,
            x: self.x[0],
            y: self.y,
            epilogue: Epilogue {
                bias,
                relu: self.relu,
                mask: None,
            },
            scratch: self.scratch,
        }
    }
}

impl<'a> Backward<'a, '_> {
    /// As a linear map of the cotangent.
    pub(super) fn call(self) -> Call<'a> {
        Call {
            instructions: self.instructions,
            n: self.n,
            x: self.dy,
            y: self.dx[0],
            epilogue: Epilogue {
                mask: self.relu.map(|slope| (self.x[0], slope)),
                ..Epilogue::default()
            },
            scratch: self.scratch,
        }
    }
}

/// Working space: one piece per worker thread, and one that they share.
#[derive(Debug)]
pub(crate) struct Scratch {
    lanes: Vec<Mutex<Floats>>,
    shared: Mutex<Floats>,
}

impl Scratch {
    /// `lane` f32 for each of `threads` workers, `shared` for all.
    pub(crate) fn new(threads: usize, lane: usize, shared: usize) -> Scratch {
        Scratch {
            lanes: (0..threads)
                .map(|_| Mutex::new(Floats::new(0.0, lane)))
                .collect(),
            shared: Mutex::new(Floats::new(0.0, shared)),
        }
    }

    /// What the workers share, for the one that hands it out.
    pub(crate) fn shared(&self) -> MutexGuard<'_, Floats> {
        self.shared.lock().expect("no step panics")
    }

    /// The piece of the worker that calls. Hold it only over code that starts
    /// no parallel work of its own: the worker might be handed a task that
    /// asks for the same piece.
    pub(crate) fn lane(&self) -> MutexGuard<'_, Floats> {
        let worker = rayon::current_thread_index().unwrap_or(0);
        self.lanes[worker]
            .lock()
            .expect("no task panics while it holds its scratch")
    }
}

/// Arguments of a forward pass on a CUDA device, for `n` samples of every
/// buffer.
pub(crate) struct LaunchForward<'a> {
    pub gpu: &'a Gpu,
    pub n: usize,
    pub x: &'a [&'a Buffer],
    pub y: &'a mut Buffer,
    pub saved: &'a mut Memory<f32>,
    /// As many values as [`super::Op::shared`] asks for, of no meaning before or
    /// after.
    pub shared: &'a mut Memory<f32>,
    /// See [`Forward::relu`].
    pub relu: Option<f32>,
}

/// Arguments of an input gradient on a CUDA device.
pub(crate) struct LaunchBackward<'a, 'b> {
    pub gpu: &'a Gpu,
    pub n: usize,
    pub x: &'a [&'a Buffer],
    pub y: &'a Buffer,
    pub dy: &'a Buffer,
    pub saved: &'a Memory<f32>,
    pub shared: &'a mut Memory<f32>,
    pub dx: &'a mut [&'b mut Buffer],
    /// See [`Backward::relu`].
    pub relu: Option<f32>,
}

impl<'a> LaunchForward<'a> {
    /// As a linear map of the one input.
    pub(super) fn call(self) -> cuda::Call<'a> {
        cuda::Call {
            gpu: self.gpu,
            n: self.n,
            x: self.x[0],
            y: self.y,
            shared: self.shared,
            relu: self.relu,
            mask: None,
        }
    }
}

impl<'a> LaunchBackward<'a, '_> {
    /// As a linear map of the cotangent.
    pub(super) fn call(self) -> cuda::Call<'a> {
        cuda::Call {
            gpu: self.gpu,
            n: self.n,
            x: self.dy,
            y: self.dx[0],
            shared: self.shared,
            relu: None,
            mask: self.relu.map(|slope| (self.x[0], slope)),
        }
    }
}
