//! How much memory there is.

use crate::{Device, Error};

/// What to try where the buffers for a batch do not fit.
pub(crate) const SMALLER_BATCH: &str = "try a smaller batch";

/// Bytes that can still be taken without swapping, where the system says so.
fn available() -> u128 {
    let kib = || {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u128>().ok()
    };
    kib().map_or(u128::MAX, |kib| kib * 1024)
}

/// Refuses what the machine cannot hold, before anything is allocated: the
/// system would grant the memory and kill the process later. `floats` is the
/// number of f32 values, `None` when counting them overflowed. On a CUDA device
/// no buffer may hold 2^31 values, which is more than any holds that passes.
pub(crate) fn check(
    device: &Device,
    what: impl FnOnce() -> String,
    floats: Option<usize>,
    remedy: &'static str,
) -> Result<(), Error> {
    let needed = floats.map_or(u128::MAX, |n| n as u128 * 4);
    let available = device.gpu().map_or_else(available, |gpu| gpu.free());
    if needed <= available {
        return Ok(());
    }
    Err(Error::Memory {
        what: what(),
        needed,
        available,
        remedy,
    })
}
