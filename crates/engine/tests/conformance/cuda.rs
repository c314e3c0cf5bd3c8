//! The table on a CUDA device: on the simulated one, or with `REQUIRE_CUDA=1`
//! on a real one, which must then be there.
//!
//! The simulated device runs the kernels that a C++ compiler made of their
//! sources, as a device without tensor cores and as one with. Of every few rows
//! one is also run by interpreting the PTX. With `CUDA_CONFORMANCE=all` every
//! row is run both ways, each in three orders of threads and blocks; with
//! `CUDA_CONFORMANCE=compiled` none is interpreted.

use std::sync::{LazyLock, Mutex, PoisonError};

use cuda_sim::{Knob, Simulator};
use engine::Device;
use netfile::Op;

use crate::case::{Case, Way};

/// One row in so many is interpreted.
const INTERPRETED: usize = 12;

/// The simulated device does one thing at a time, and its knobs are those of
/// the whole process.
static TURN: Mutex<()> = Mutex::new(());

/// The ways to compute on a CUDA device, and whether they use tensor cores.
static DEVICES: LazyLock<Vec<Way>> = LazyLock::new(|| {
    if is_real() {
        return vec![way("CUDA", open())];
    }
    let devices = [(75, "no tensor cores"), (90, "tensor cores")];
    let devices = devices.map(|(capability, name)| {
        Simulator::load().set(Knob::Capability, capability);
        way(&format!("simulated CUDA, {name}"), open())
    });
    devices.into()
});

fn way(name: &str, device: Device) -> Way {
    Way {
        name: name.to_owned(),
        transformed: false,
        devices: [device.clone(), device],
    }
}

fn open() -> Device {
    Device::cuda(0, Some(1)).unwrap_or_else(|error| panic!("{error}"))
}

fn is_real() -> bool {
    std::env::var("REQUIRE_CUDA").is_ok_and(|value| value == "1")
}

/// Row number `index` of the table.
pub(crate) fn check(case: &Case, index: usize) -> Result<(), String> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let ways = &*DEVICES;
    if is_real() {
        return case.check(ways);
    }
    // Only inner products see more in a batch than a longer row of pixels.
    let batches: &[usize] = match case.op {
        Op::InnerProduct(_) => &[1, 3, 35],
        _ => &[1, 3, 7],
    };
    let case = &Case {
        batches,
        ..case.clone()
    };
    let mode = std::env::var("CUDA_CONFORMANCE").unwrap_or_default();
    let all = mode == "all";
    let simulator = Simulator::load();
    for interpreted in [false, true] {
        let chosen = index.is_multiple_of(INTERPRETED) && mode != "compiled";
        if interpreted && !all && !chosen {
            continue;
        }
        for order in 0..if all { 3 } else { 1 } {
            simulator.set(Knob::Ptx, interpreted.into());
            simulator.set(Knob::Order, order);
            let checked = case.check(ways);
            checked.map_err(|error| {
                let how = if interpreted {
                    "interpreted"
                } else {
                    "compiled"
                };
                format!("{how}, thread order {order}: {error}")
            })?;
        }
    }
    Ok(())
}
