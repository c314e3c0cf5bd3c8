//! Kernels on the simulated device: host-compiled and interpreted, what a
//! launch is checked for, what becomes of a device that fails, and planted
//! mistakes. Where the simulator is built with a sanitizer (sanitize.sh), that one
//! must find its own.
#![allow(unsafe_code, reason = "launches, and memory without values")]

mod simulated;

use cuda_sim::Knob;
use cudarc::driver::sys::CUresult;
use cudarc::driver::{DriverError, PushKernelArg};
use simulated::{Simulated, blocks, code, committed, device, launch};

/// The declaration of a kernel, with no body: enough for the host-compiled one.
fn declared(version: &str, target: u32, name: &str, types: &[&str], threads: u32) -> String {
    let parameters: Vec<String> = types
        .iter()
        .enumerate()
        .map(|(number, kind)| format!(".param .{kind} {name}_param_{number}"))
        .collect();
    format!(
        ".version {version}\n.target sm_{target}\n.address_size 64\n\
         .visible .entry {name}(\n{}\n)\n.maxntid {threads}, 1, 1\n{{\n\tret;\n}}\n",
        parameters.join(",\n")
    )
}

const LEN: usize = 1000;

/// `fill` of the kernels over all or a part of `LEN` values.
fn fill(here: &Simulated, value: f32, len: i32) -> Result<Vec<f32>, DriverError> {
    let fill = here.function(&committed("pointwise"), "fill");
    let mut y = here.stream.alloc_zeros::<f32>(LEN)?;
    let mut builder = here.stream.launch_builder(&fill);
    builder.arg(&mut y).arg(&value).arg(&len);
    launch(builder, blocks(4, 256))?;
    let values = here.stream.clone_dtoh(&y)?;
    here.stream.synchronize()?;
    Ok(values)
}

#[test]
fn fills_in_every_order() {
    for ptx in [0, 1] {
        for order in 0..3 {
            let here = device(&[(Knob::Ptx, ptx), (Knob::Order, order)]);
            let values = fill(&here, 2.5, LEN as i32 - 1).unwrap();
            assert!(values[..LEN - 1].iter().all(|&value| value == 2.5));
            assert_eq!(values[LEN - 1], 0.0);
        }
    }
}

#[test]
fn the_same_values_either_way() {
    let run = |ptx| {
        let here = device(&[(Knob::Ptx, ptx)]);
        let forward = here.function(&committed("softmax"), "softmax_forward");
        let x: Vec<f32> = (0..7 * 300).map(|i| (i as f32 * 0.7).sin() * 3.0).collect();
        let x = here.stream.clone_htod(&x).unwrap();
        let mut y = here.stream.alloc_zeros::<f32>(x.len()).unwrap();
        let mut builder = here.stream.launch_builder(&forward);
        builder.arg(&x).arg(&mut y).arg(&300_i32).arg(&7_i32);
        launch(builder, blocks(7, 256)).unwrap();
        let values = here.stream.clone_dtoh(&y).unwrap();
        here.stream.synchronize().unwrap();
        values
    };
    let (compiled, interpreted) = (run(0), run(1));
    assert!((compiled.iter().sum::<f32>() - 7.0).abs() < 1e-5);
    // The exponential function is not the same one.
    for (a, b) in compiled.iter().zip(&interpreted) {
        assert!((a - b).abs() <= 1e-6 * a, "{a} {b}");
    }
}

#[test]
fn modules_are_checked() {
    let here = device(&[(Knob::Capability, 75), (Knob::Driver, 12030)]);
    let load = |version, target| here.load(&declared(version, target, "fill", &["u64"], 256));
    load("8.3", 75).unwrap();
    assert_eq!(
        code(load("8.4", 75)),
        CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION
    );
    assert_eq!(
        code(load("8.3", 80)),
        CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU
    );
    for text in ["", "no PTX"] {
        assert_eq!(code(here.load(text)), CUresult::CUDA_ERROR_INVALID_PTX);
    }
    let module = load("8.3", 75).unwrap();
    assert_eq!(
        code(module.load_function("fil")),
        CUresult::CUDA_ERROR_NOT_FOUND
    );
}

#[test]
fn launches_are_checked() {
    let here = device(&[]);
    let check = |name: &str, types: &[&str], config, expected: CUresult, reason: &str| {
        let function = here.function(&declared("8.4", 75, name, types, 256), name);
        let mut builder = here.stream.launch_builder(&function);
        builder.arg(&0_u64).arg(&0.0_f32).arg(&0_u64);
        assert_eq!(code(launch(builder, config)), expected);
        let error = here.simulator.last_error();
        assert!(error.contains(reason), "{error}");
    };
    let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
    let right = ["u64", "f32", "u32"];
    check(
        "fill",
        &right,
        blocks(0, 256),
        invalid,
        "a grid of 0 x 1 x 1",
    );
    check("fill", &right, blocks(1, 257), invalid, "a block of 257");
    let one = blocks(1, 256);
    let wrong = ["u64", "f32", "u64"];
    check(
        "fill",
        &wrong,
        one,
        invalid,
        "8 4 8 in the PTX, 8 4 4 in the source",
    );
    check("fill", &wrong[..2], one, invalid, "8 4 in the PTX");
    let unknown = CUresult::CUDA_ERROR_NOT_FOUND;
    check("newcomer", &right, one, unknown, "no source file defines");
}

#[test]
fn a_dropped_launch() {
    let here = device(&[(Knob::Drop, 2)]);
    let filled: Vec<f32> = (0..3)
        .map(|_| fill(&here, 1.0, LEN as i32).unwrap()[0])
        .collect();
    assert_eq!(filled, [1.0, 0.0, 1.0]);
    assert_eq!(here.simulator.counts().kernels_run, 2);
}

#[test]
fn a_lost_device() {
    let here = device(&[(Knob::Lose, 2)]);
    let lost = CUresult::CUDA_ERROR_ILLEGAL_ADDRESS;
    fill(&here, 1.0, LEN as i32).unwrap();
    assert_eq!(code(fill(&here, 1.0, LEN as i32)), lost);
    assert_eq!(code(here.stream.synchronize()), lost);
    assert_eq!(code(here.context.mem_get_info()), lost);
    drop(here);
    // A new context is as good as new.
    let here = device(&[]);
    fill(&here, 1.0, LEN as i32).unwrap();
}

#[test]
fn an_illegal_address_loses_the_device() {
    let here = device(&[(Knob::Ptx, 1)]);
    let lost = CUresult::CUDA_ERROR_ILLEGAL_ADDRESS;
    assert_eq!(code(fill(&here, 1.0, LEN as i32 + 1)), lost);
    let error = here.simulator.last_error();
    assert!(error.starts_with("fill: illegal address"), "{error}");
    assert_eq!(code(here.context.synchronize()), lost);
}

/// Values that a planted kernel turns round, in two blocks.
const TURNED: usize = 128;

/// Runs a planted kernel; gives y, or what the simulator says when it fails.
fn turned(name: &str, order: i64) -> Result<Vec<f32>, String> {
    let here = device(&[(Knob::Order, order)]);
    let function = here.function(&declared("8.4", 75, name, &["u64", "u64"], 64), name);
    let x: Vec<f32> = (0..TURNED).map(|i| i as f32).collect();
    let x = here.stream.clone_htod(&x).unwrap();
    let mut y = here.stream.alloc_zeros::<f32>(TURNED).unwrap();
    let mut builder = here.stream.launch_builder(&function);
    builder.arg(&x).arg(&mut y);
    launch(builder, blocks(2, 64)).unwrap();
    let mut values = vec![0.0; TURNED];
    here.stream.memcpy_dtoh(&y, &mut values).unwrap();
    match here.stream.synchronize() {
        Ok(()) => Ok(values),
        Err(DriverError(code)) => Err(format!("{code:?}: {}", here.simulator.last_error())),
    }
}

fn right() -> Vec<f32> {
    let turned = |i| (i / 64 * 64 + 63 - i % 64) as f32;
    (0..TURNED).map(turned).collect()
}

#[test]
fn no_mistake() {
    for order in 0..3 {
        assert_eq!(turned("planted_nothing", order).unwrap(), right());
    }
}

#[test]
fn uninitialised_shared_memory() {
    for order in 0..3 {
        let values = turned("planted_uninitialised_shared", order).unwrap();
        for (i, (value, right)) in values.iter().zip(&right()).enumerate() {
            assert!(value == right && i % 64 != 0 || value.is_nan() && i % 64 == 0);
        }
    }
}

#[test]
fn deadlocks() {
    for order in 0..3 {
        for (name, place) in [
            ("planted_divergent_barrier", "32 threads wait at a barrier"),
            ("planted_partial_shuffle", "62 at a warp collective"),
        ] {
            let error = turned(name, order).unwrap_err();
            let start = format!("CUDA_ERROR_LAUNCH_TIMEOUT: {name}: deadlock: block (");
            assert!(error.starts_with(&start), "{error}");
            assert!(error.contains(place), "{error}");
        }
    }
}

#[cfg(not(sanitized))]
#[test]
fn missing_barrier() {
    for order in 0..3 {
        let values = turned("planted_missing_barrier", order).unwrap();
        assert!(values.iter().any(|value| value.is_nan()));
    }
}

#[cfg(sanitized)]
mod sanitized {
    use std::process::Command;

    use super::turned;

    /// The kernel that `run_one` runs.
    const KERNEL: &str = "PLANTED_KERNEL";

    #[test]
    #[ignore = "a part of `reports`, in a process of its own"]
    fn run_one() {
        let name = std::env::var(KERNEL).unwrap();
        turned(&name, 0).unwrap();
    }

    #[test]
    fn reports() {
        let cases: &[(&str, &str)] = match env!("CUDA_SIM_SANITIZE") {
            "address" => &[
                ("planted_out_of_bounds", "heap-buffer-overflow"),
                ("planted_shared_out_of_bounds", "index 64 out of bounds"),
                ("planted_misaligned", "misaligned address"),
            ],
            _ => &[("planted_missing_barrier", "data race")],
        };
        for (name, finding) in cases.iter().chain(&[("planted_nothing", "")]) {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "sanitized::run_one", "--nocapture"])
                .env(KERNEL, name)
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(
                output.status.success(),
                finding.is_empty(),
                "{name}: {text}"
            );
            assert!(text.contains(finding), "{name}: {text}");
            assert_eq!(
                text.contains("planted.cu:"),
                !finding.is_empty(),
                "{name}: {text}"
            );
        }
    }
}
