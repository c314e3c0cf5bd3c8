//! The simulated driver as cudarc sees it: memory, streams, events, graphs.
#![allow(
    unsafe_code,
    reason = "cudarc's memory without values, and its raw layer"
)]

mod simulated;

use std::path::Path;
use std::process::Command;

use cuda_sim::{Counts, Knob};
use cudarc::driver::sys::{CUevent_flags, CUgraphInstantiate_flags, CUresult, CUstreamCaptureMode};
use cudarc::driver::{CudaContext, PushKernelArg, result};
use simulated::{blocks, code, committed, device, launch, simulator};

const CAPTURE: CUstreamCaptureMode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;

#[test]
fn cudarc_finds_the_library() {
    let here = device(&[]);
    assert_eq!(here.context.name().unwrap(), "device: simulated");
    assert_eq!(here.context.compute_capability().unwrap(), (9, 0));
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libraries = maps.lines().filter(|line| line.contains("libcuda.so"));
    let paths = libraries.map(|line| line.split_whitespace().last().unwrap());
    let paths: Vec<&Path> = paths.map(Path::new).collect();
    assert!(!paths.is_empty());
    assert!(paths.iter().all(|path| *path == cuda_sim::library()));
}

#[test]
fn no_device() {
    let (_simulator, _alone) = simulator(&[(Knob::Devices, 0)]);
    assert_eq!(code(result::init()), CUresult::CUDA_ERROR_NO_DEVICE);
}

#[test]
fn several_devices() {
    let here = device(&[(Knob::Devices, 2)]);
    let second = CudaContext::new(1).unwrap();
    let memory = second.default_stream().alloc_zeros::<u8>(64).unwrap();
    let (free, total) = second.mem_get_info().unwrap();
    assert_eq!(total - free, 64);
    let (free, total) = here.context.mem_get_info().unwrap();
    assert_eq!(total - free, 0);
    drop(memory);
    let third = CudaContext::new(2);
    assert_eq!(code(third), CUresult::CUDA_ERROR_INVALID_DEVICE);
}

#[test]
#[ignore = "a part of `environment`, in a process of its own"]
fn of_capability_75() {
    cuda_sim::Simulator::load();
    let context = CudaContext::new(0).unwrap();
    assert_eq!(context.compute_capability().unwrap(), (7, 5));
    context.default_stream().clone_htod(&[0_u8; 12]).unwrap();
    context.synchronize().unwrap();
}

#[test]
fn environment() {
    let counts = std::env::temp_dir().join(format!("cuda-sim-counts-{}", std::process::id()));
    let program = std::env::current_exe().unwrap();
    let run = Command::new(program)
        .args(["--ignored", "--exact", "of_capability_75"])
        .env("CUDA_SIM_CAPABILITY", "75")
        .env("CUDA_SIM_COUNT", &counts)
        .output();
    assert!(run.unwrap().status.success());
    let text = std::fs::read_to_string(&counts).unwrap();
    std::fs::remove_file(counts).unwrap();
    assert!(text.contains("\nbytes_to_device 12\n"), "{text}");
}

#[test]
fn copies_in_order() {
    for pools in [0, 1] {
        let here = device(&[(Knob::Pools, pools)]);
        let first = here.stream.clone_htod(&[1.0_f32, 2.0, 3.0, 4.0]).unwrap();
        let mut second = here.stream.alloc_zeros::<f32>(4).unwrap();
        here.stream
            .memcpy_dtod(&first.slice(1..3), &mut second.slice_mut(2..4))
            .unwrap();
        let values = here.stream.clone_dtoh(&second).unwrap();
        here.stream.synchronize().unwrap();
        assert_eq!(values, [0.0, 0.0, 2.0, 3.0]);
    }
}

#[test]
fn copies_outside_of_memory_are_refused() {
    let here = device(&[]);
    let memory = unsafe { result::malloc_sync(16) }.unwrap();
    let mut host = [0_u8; 17];
    let copy = unsafe { result::memcpy_dtoh_sync(&mut host, memory) };
    assert_eq!(code(copy), CUresult::CUDA_ERROR_INVALID_VALUE);
    let copy = unsafe { result::memcpy_htod_sync(memory + 1, &host[..16]) };
    assert_eq!(code(copy), CUresult::CUDA_ERROR_INVALID_VALUE);
    unsafe { result::memcpy_htod_sync(memory, &host[..16]) }.unwrap();
    unsafe { result::free_sync(memory) }.unwrap();
    for address in [memory, 8] {
        let free = unsafe { result::free_sync(address) };
        assert_eq!(code(free), CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    here.stream.synchronize().unwrap();
}

#[test]
fn unwritten_memory_is_not_a_number() {
    let here = device(&[]);
    let memory = unsafe { here.stream.alloc::<f32>(3) }.unwrap();
    let values = here.stream.clone_dtoh(&memory).unwrap();
    here.stream.synchronize().unwrap();
    assert!(values.iter().all(|value| value.is_nan()));
}

#[test]
fn a_forgotten_wait_shows() {
    for eager in [0, 1] {
        let here = device(&[(Knob::Eager, eager)]);
        let memory = here.stream.clone_htod(&[7.0_f32]).unwrap();
        let mut host = vec![f32::NAN];
        here.stream.memcpy_dtoh(&memory, &mut host).unwrap();
        assert_eq!(host[0].is_nan(), eager == 0);
        here.stream.synchronize().unwrap();
        assert_eq!(host, [7.0]);
    }
}

#[test]
fn page_locked_memory_is_read_late() {
    let here = device(&[]);
    let mut pinned = unsafe { here.context.alloc_pinned_with_flags::<f32>(1, 0) }.unwrap();
    pinned.as_mut_slice().unwrap()[0] = 1.0;
    let address = pinned.as_mut_ptr().unwrap();
    let mut pageable = [1.0_f32];
    let late = here.stream.clone_htod(&pinned).unwrap();
    let early = here.stream.clone_htod(&pageable).unwrap();
    // The mistake: both are overwritten before the copies are waited for.
    unsafe { *address = 2.0 };
    pageable[0] = 2.0;
    let late = here.stream.clone_dtoh(&late).unwrap();
    let early = here.stream.clone_dtoh(&early).unwrap();
    here.stream.synchronize().unwrap();
    assert_eq!((late[0], early[0], pageable[0]), (2.0, 1.0, 2.0));
}

#[test]
fn out_of_memory() {
    let here = device(&[(Knob::Memory, 1)]);
    let half = here.stream.alloc_zeros::<u8>(600 << 10).unwrap();
    let (free, total) = here.context.mem_get_info().unwrap();
    assert_eq!((free, total), ((1 << 20) - (600 << 10), 1 << 20));
    let too_much = here.stream.alloc_zeros::<u8>(600 << 10);
    assert_eq!(code(too_much), CUresult::CUDA_ERROR_OUT_OF_MEMORY);
    drop(half);
    here.stream.alloc_zeros::<u8>(1 << 20).unwrap();
}

#[test]
fn events() {
    let here = device(&[]);
    let other = here.context.new_stream().unwrap();
    let with_time = Some(CUevent_flags::CU_EVENT_DEFAULT);
    let start = here.stream.record_event(with_time).unwrap();
    let mut memory = here.stream.alloc_zeros::<f32>(4).unwrap();
    here.stream.memcpy_htod(&[5.0_f32; 4], &mut memory).unwrap();
    let end = here.stream.record_event(with_time).unwrap();
    assert!(!end.is_complete());

    // The other stream comes to the copy through the event alone.
    other.wait(&end).unwrap();
    let values = other.clone_dtoh(&memory).unwrap();
    other.synchronize().unwrap();
    assert_eq!(values, [5.0; 4]);
    assert!(end.is_complete());
    assert!(start.elapsed_ms(&end).unwrap() >= 0.0);
    let without_time = here.stream.record_event(None).unwrap();
    let elapsed = start.elapsed_ms(&without_time);
    assert_eq!(code(elapsed), CUresult::CUDA_ERROR_INVALID_HANDLE);
}

#[test]
fn graphs() {
    let here = device(&[]);
    unsafe { here.context.disable_event_tracking() };
    let add = here.function(&committed("pointwise"), "add");
    let terms = here.stream.clone_htod(&[1.0_f32, 10.0]).unwrap();
    let mut sum = here.stream.alloc_zeros::<f32>(2).unwrap();
    here.stream.synchronize().unwrap();
    here.simulator.reset_counts();

    here.stream.begin_capture(CAPTURE).unwrap();
    for _ in 0..2 {
        let mut builder = here.stream.launch_builder(&add);
        builder.arg(&mut sum).arg(&terms).arg(&2_i32);
        launch(builder, blocks(1, 256)).unwrap();
    }
    let graph = here.stream.end_capture(CUgraphInstantiate_flags(0));
    let graph = graph.unwrap().unwrap();
    graph.upload().unwrap();
    let values = here.stream.clone_dtoh(&sum).unwrap();
    here.stream.synchronize().unwrap();
    assert_eq!(values, [0.0, 0.0], "a capture runs nothing");

    for _ in 0..3 {
        graph.launch().unwrap();
    }
    let values = here.stream.clone_dtoh(&sum).unwrap();
    here.stream.synchronize().unwrap();
    assert_eq!(values, [6.0, 60.0]);
    let expected = Counts {
        graph_launches: 3,
        kernels_run: 6,
        bytes_to_host: 16,
        waits: 2,
        ..Counts::default()
    };
    assert_eq!(here.simulator.counts(), expected);

    // The third launch after this is the first kernel of the second graph.
    here.simulator.set(Knob::Drop, 3);
    graph.launch().unwrap();
    graph.launch().unwrap();
    let values = here.stream.clone_dtoh(&sum).unwrap();
    here.stream.synchronize().unwrap();
    assert_eq!(values, [9.0, 90.0]);
}

#[test]
fn captures_forbid_waiting() {
    let here = device(&[]);
    unsafe { here.context.disable_event_tracking() };
    here.stream.begin_capture(CAPTURE).unwrap();
    let wait = here.stream.synchronize();
    assert_eq!(code(wait), CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    let end = here.stream.end_capture(CUgraphInstantiate_flags(0));
    let Err(error) = end else {
        panic!("the capture should have failed")
    };
    assert_eq!(error.0, CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

    here.stream.begin_capture(CAPTURE).unwrap();
    let allocation = here.stream.alloc_zeros::<f32>(1);
    assert_eq!(
        code(allocation),
        CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
    );
    let null_stream = here.context.default_stream().begin_capture(CAPTURE);
    assert_eq!(
        code(null_stream),
        CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
    );
}

#[test]
fn a_context_that_nobody_holds_is_empty() {
    let here = device(&[(Knob::Memory, 1)]);
    unsafe { result::malloc_sync(1 << 20) }.unwrap();
    assert_eq!(here.context.mem_get_info().unwrap(), (0, 1 << 20));
    drop(here);
    let here = device(&[(Knob::Memory, 1)]);
    assert_eq!(here.context.mem_get_info().unwrap(), (1 << 20, 1 << 20));
}
