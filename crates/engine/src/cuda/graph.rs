//! Launches that are recorded once and then asked for as one.

use std::fmt;

use cudarc::driver::{CudaGraph, sys};

use super::Gpu;

/// A recorded sequence of launches. The memory that they name must outlive it.
pub(crate) struct Graph(CudaGraph);

#[allow(unsafe_code, reason = "the driver's handles are addresses")]
// SAFETY: a graph may be used by any thread as long as no two do at once, and every
// use borrows its owner mutably.
unsafe impl Send for Graph {}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Graph")
    }
}

impl Gpu {
    /// Records what `work` asks for, without doing it; `None` after a failure.
    pub(crate) fn record(&self, work: impl FnOnce()) -> Option<Graph> {
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        self.attempt("recording a step", |gpu| gpu.stream.begin_capture(mode));
        work();
        let mut graph = None;
        self.attempt("recording a step", |gpu| {
            graph = gpu.stream.end_capture(sys::CUgraphInstantiate_flags(0))?;
            Ok(())
        });
        graph.map(Graph)
    }

    /// Asks for a recorded sequence.
    pub(crate) fn replay(&self, graph: &Graph) {
        self.attempt("running a recorded step", |_| graph.0.launch());
    }
}
