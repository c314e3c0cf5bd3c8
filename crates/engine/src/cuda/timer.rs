//! How long a device takes, by its own clock.

use cudarc::driver::sys::CUevent_flags;

use super::Gpu;
use crate::Error;

impl Gpu {
    /// Milliseconds between two events, of which one comes before what `work`
    /// asks for and one behind it; waits for the second.
    ///
    /// # Errors
    /// As [`Gpu::finish`].
    pub(crate) fn time(&self, work: impl FnOnce()) -> Result<f32, Error> {
        const TIMED: Option<CUevent_flags> = Some(CUevent_flags::CU_EVENT_DEFAULT);
        let (mut start, mut ms) = (None, 0.0);
        self.attempt("timing", |gpu| {
            start = Some(gpu.stream.record_event(TIMED)?);
            Ok(())
        });
        work();
        self.attempt("timing", |gpu| {
            let end = gpu.stream.record_event(TIMED)?;
            let start = start.as_ref().expect("nothing has failed");
            ms = start.elapsed_ms(&end)?;
            Ok(())
        });
        self.finish()?;
        Ok(ms)
    }
}
