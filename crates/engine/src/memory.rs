//! How much memory there is.

use crate::Error;

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
/// number of f32 values, `None` when counting them overflowed.
pub(crate) fn check(what: impl FnOnce() -> String, floats: Option<usize>) -> Result<(), Error> {
    let needed = floats.map_or(u128::MAX, |n| n as u128 * 4);
    let available = available();
    if needed <= available {
        return Ok(());
    }
    Err(Error::Memory {
        what: what(),
        needed,
        available,
    })
}
