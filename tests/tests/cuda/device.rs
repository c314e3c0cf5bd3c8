//! The device of these tests, and the ways in which it computes.

use std::io::Write as _;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use cuda_sim::{Knob, Simulator};
use engine::Device;

/// The simulated device does one thing at a time, and its knobs are those of
/// the whole process.
static TURN: Mutex<()> = Mutex::new(());

/// The real device; or the simulated one without tensor cores, and with.
static DEVICES: LazyLock<Vec<(String, Device)>> = LazyLock::new(|| {
    if is_real() {
        return vec![("real".into(), open())];
    }
    let devices = [75, 90].map(|capability| {
        Simulator::load().set(Knob::Capability, capability);
        (format!("simulated, capability {capability}"), open())
    });
    devices.into()
});

fn open() -> Device {
    Device::cuda(0, Some(1)).unwrap_or_else(|error| panic!("{error}"))
}

fn is_real() -> bool {
    std::env::var("REQUIRE_CUDA").is_ok_and(|value| value == "1")
}

fn is_thorough() -> bool {
    std::env::var("CUDA_CHECKS").is_ok_and(|value| value == "all")
}

/// A turn to use the device.
pub(crate) struct Turn {
    _guard: MutexGuard<'static, ()>,
}

/// Waits for a turn. The simulated device then runs compiled kernels, threads
/// in ascending order.
pub(crate) fn turn() -> Turn {
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if !is_real() {
        LazyLock::force(&DEVICES);
        let simulator = Simulator::load();
        for knob in [Knob::Ptx, Knob::Order, Knob::Drop] {
            simulator.set(knob, 0);
        }
    }
    Turn { _guard: guard }
}

impl Turn {
    /// The device, with tensor cores if it is simulated.
    pub(crate) fn device(&self) -> &'static Device {
        let (_, device) = DEVICES.last().expect("there is a device");
        device
    }

    /// Calls `check` with every device, in every way to compute that is asked
    /// for. What a failing test shows ends with the way that failed.
    pub(crate) fn every_way(&self, check: impl Fn(&Device)) {
        self.every_named_way(|device, _| check(device));
    }

    /// The same; ways of one name give the same bits.
    pub(crate) fn every_named_way(&self, check: impl Fn(&Device, &str)) {
        for (name, device) in &*DEVICES {
            if is_real() {
                check(device, name);
                continue;
            }
            let ways = if is_thorough() { 6 } else { 1 };
            for way in 0..ways {
                let (ptx, order) = (way / 3, way % 3);
                let kernels = ["compiled", "interpreted"][ptx];
                let name = format!("{name}, {kernels}");
                println!("{name}, order of threads: {order}");
                let simulator = Simulator::load();
                simulator.set(Knob::Ptx, ptx as i64);
                simulator.set(Knob::Order, order as i64);
                check(device, &name);
            }
        }
    }

    /// The simulator, which a test needs that counts launches or drops them. On
    /// a real device there is none, and it says that the test was left out.
    pub(crate) fn simulator(&self, test: &str) -> Option<&'static Simulator> {
        if is_real() {
            // Not by a macro: what a passing test prints is not shown.
            let line = format!("LEFT OUT on a real device: {test}; it needs the simulator\n");
            std::io::stderr().write_all(line.as_bytes()).ok();
            return None;
        }
        Some(Simulator::load())
    }
}
