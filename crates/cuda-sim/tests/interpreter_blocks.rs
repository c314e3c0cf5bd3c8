//! The PTX interpreter, kernel by kernel: memory, what the threads of a warp and
//! of a block do together, functions, mistakes that it finds and text that it
//! refuses.
#![allow(unsafe_code, reason = "launches of kernels")]

#[allow(dead_code, reason = "these tests need a part of it")]
mod simulated;

use cuda_sim::Knob;
use cudarc::driver::sys::CUresult;
use cudarc::driver::{DriverError, PushKernelArg};
use simulated::{Simulated, blocks, code, device, launch};

const HEAD: &str = ".version 8.4\n.target sm_80\n.address_size 64\n";

const REGISTERS: &str = ".reg .pred %p<9>; .reg .b16 %rs<9>; .reg .b32 %r<30>; .reg .b64 %rd<20>;
    .reg .f32 %f<20>; .reg .f64 %fd<9>;\n";

/// A module with a kernel `k` of one pointer, which stands in %rd1; %r1 is the
/// thread, %r2 the block, %rd2 the address of the thread's 32 bits.
fn module(outside: &str, body: &str) -> String {
    format!(
        "{HEAD}{outside}\n.visible .entry k(.param .u64 p)\n{{\n{REGISTERS}
        ld.param.u64 %rd1, [p]; mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x;
        mad.lo.s32 %r3, %r2, 64, %r1; mul.wide.u32 %rd3, %r3, 4; add.s64 %rd2, %rd1, %rd3;
        {body}\nret;\n}}\n"
    )
}

/// Runs `k` of `text` in `count` blocks of `threads` over these values.
fn run(
    here: &Simulated,
    text: &str,
    count: u32,
    threads: u32,
    values: &[u32],
) -> Result<Vec<u32>, DriverError> {
    let mut memory = here.stream.clone_htod(values)?;
    let function = here.function(text, "k");
    let mut builder = here.stream.launch_builder(&function);
    builder.arg(&mut memory);
    launch(builder, blocks(count, threads))?;
    let values = here.stream.clone_dtoh(&memory)?;
    here.stream.synchronize()?;
    Ok(values)
}

/// What one block of 64 threads makes of 64 values, alike in every order.
#[track_caller]
fn block(outside: &str, body: &str, values: impl Fn(u32) -> u32) -> Vec<u32> {
    let text = module(outside, body);
    let values: Vec<u32> = (0..64).map(values).collect();
    let results = [0, 1, 2].map(|order| {
        let here = device(&[(Knob::Ptx, 1), (Knob::Order, order)]);
        run(&here, &text, 1, 64, &values).unwrap()
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
    results[0].clone()
}

#[track_caller]
fn assert_each(results: &[u32], expected: impl Fn(u32) -> u32) {
    for (thread, result) in results.iter().enumerate() {
        assert_eq!(*result, expected(thread as u32), "thread {thread}");
    }
}

#[test]
fn a_barrier_orders_shared_memory() {
    let results = block(
        "",
        ".shared .align 4 .b8 row[256];
        ld.global.u32 %r4, [%rd2]; mov.u32 %r5, row; shl.b32 %r6, %r1, 2; add.s32 %r7, %r5, %r6;
        st.shared.u32 [%r7], %r4; bar.sync 0;
        xor.b32 %r8, %r6, 252; add.s32 %r9, %r5, %r8; ld.shared.u32 %r10, [%r9];
        st.global.u32 [%rd2], %r10;",
        |thread| thread * 3,
    );
    assert_each(&results, |thread| (63 - thread) * 3);
}

#[test]
fn a_missing_barrier_shows_what_nobody_wrote() {
    let body = ".shared .align 4 .b8 row[256];
        mov.u32 %r5, row; shl.b32 %r6, %r1, 2; add.s32 %r7, %r5, %r6; st.shared.u32 [%r7], %r1;
        xor.b32 %r8, %r6, 252; add.s32 %r9, %r5, %r8; ld.shared.u32 %r10, [%r9];
        st.global.u32 [%rd2], %r10;";
    let here = device(&[(Knob::Ptx, 1)]);
    let results = run(&here, &module("", body), 1, 64, &[0; 64]).unwrap();
    assert_eq!(results[0], u32::MAX);
    assert_eq!(results[63], 0);
}

#[test]
fn every_block_has_fresh_shared_memory_and_registers() {
    let body = ".shared .align 4 .b8 word[4];
        ld.shared.u32 %r4, [word]; and.b32 %r5, %r4, %r6; st.shared.u32 [word], 1; mov.u32 %r6, 1;
        st.global.u32 [%rd2], %r5;";
    let here = device(&[(Knob::Ptx, 1)]);
    let results = run(&here, &module("", body), 3, 1, &[0; 129]).unwrap();
    assert_eq!([results[0], results[64], results[128]], [u32::MAX; 3]);
}

#[test]
fn vectors_and_narrow_values() {
    let results = block(
        "",
        ".shared .align 16 .b8 four[1024]; .local .align 16 .b8 own[16];
        mov.u32 %r4, four; shl.b32 %r5, %r1, 4; add.s32 %r6, %r4, %r5; ld.global.nc.u32 %r7, [%rd2];
        st.shared.v4.u32 [%r6], {%r7, %r1, %r7, 5}; ld.shared.v2.u32 {%r8, %r9}, [%r6+8];
        st.local.v2.u32 [own+8], {%r8, %r9}; mov.u64 %rd4, own; ld.local.v4.u32 {%r10, %r11, %r12, %r13}, [%rd4];
        add.s32 %r14, %r12, %r13; and.b32 %r15, %r10, %r11; add.s32 %r14, %r14, %r15; st.global.u32 [%rd2], %r14;
        ld.global.s8 %r16, [%rd2]; ld.global.u8 %r17, [%rd2+1]; ld.global.s16 %r18, [%rd2+2];
        shl.b32 %r16, %r16, 16; add.s32 %r16, %r16, %r17; add.s32 %r16, %r16, %r18; st.global.u32 [%rd2], %r16;
        st.global.u8 [%rd2+3], %r1;",
        |thread| 0x8070_00f0 + thread,
    );
    // The local memory that nobody wrote is all ones: it adds -1.
    assert_each(&results, |thread| {
        let sum = 0x8070_00f0 + thread + 5 - 1;
        let low = ((sum as u8 as i8 as i32) << 16) as u32;
        let all = low
            .wrapping_add(sum >> 8 & 255)
            .wrapping_add((sum >> 16) as i16 as u32);
        all & 0x00ff_ffff | thread << 24
    });
}

#[test]
fn generic_addresses_and_tables() {
    let results = block(
        ".const .align 4 .u32 table[4] = {10, 20, 30, 40};
        .global .align 4 .b8 bytes[8] = {1, 0, 0, 0, 2, 0, 0, 0};
        .shared .align 4 .b8 row[256];",
        ".local .align 4 .b8 own[8];
        shl.b32 %r5, %r1, 2; cvt.u64.u32 %rd4, %r5; mov.u64 %rd5, row; add.s64 %rd5, %rd5, %rd4;
        cvta.shared.u64 %rd6, %rd5; st.u32 [%rd6], %r1; ld.shared.u32 %r6, [%rd5];
        mov.u64 %rd7, own; cvta.local.u64 %rd8, %rd7; st.u32 [%rd8+4], 100; ld.local.u32 %r7, [own+4];
        and.b32 %r8, %r5, 12; cvt.u64.u32 %rd9, %r8; mov.u64 %rd10, table; add.s64 %rd10, %rd10, %rd9;
        ld.const.u32 %r9, [%rd10]; ld.global.u32 %r10, [bytes+4]; ld.u32 %r11, [%rd2];
        add.s32 %r12, %r6, %r7; add.s32 %r12, %r12, %r9; add.s32 %r12, %r12, %r10; add.s32 %r12, %r12, %r11;
        st.global.u32 [%rd2], %r12;",
        |thread| thread * 1000,
    );
    assert_each(&results, |thread| {
        thread + 100 + 10 * (thread % 4 + 1) + 2 + thread * 1000
    });
}

#[test]
fn shuffles() {
    let results = block(
        "",
        "ld.global.u32 %r4, [%rd2];
        shfl.sync.bfly.b32 %r5, %r4, 3, 31, -1; shfl.sync.down.b32 %r6|%p1, %r4, 5, 31, -1;
        shfl.sync.up.b32 %r7, %r4, 2, 0, -1; mul.lo.s32 %r8, %r1, 7; shfl.sync.idx.b32 %r9, %r4, %r8, 31, -1;
        shfl.sync.down.b32 %r10, %r4, 3, 0x181f, -1;
        selp.b32 %r11, 1000, 0, %p1; add.s32 %r12, %r5, %r11; shl.b32 %r6, %r6, 8; xor.b32 %r12, %r12, %r6;
        shl.b32 %r7, %r7, 14; xor.b32 %r12, %r12, %r7; shl.b32 %r9, %r9, 20; xor.b32 %r12, %r12, %r9;
        shl.b32 %r10, %r10, 26; xor.b32 %r12, %r12, %r10; st.global.u32 [%rd2], %r12;",
        |thread| thread,
    );
    assert_each(&results, |thread| {
        let (warp, lane) = (thread & 32, thread & 31);
        let (down, is_in) = if lane < 27 {
            (lane + 5, 1000)
        } else {
            (lane, 0)
        };
        let up = if lane < 2 { lane } else { lane - 2 };
        let part = if lane % 8 < 5 { lane + 3 } else { lane };
        ((warp + (lane ^ 3)) + is_in)
            ^ (warp + down) << 8
            ^ (warp + up) << 14
            ^ (warp + lane * 7 % 32) << 20
            ^ (warp + part) << 26
    });
}

#[test]
fn parts_of_a_warp_on_their_own() {
    let results = block(
        "",
        "and.b32 %r4, %r1, 31; setp.lt.u32 %p1, %r4, 16; @%p1 bra low;
        shfl.sync.bfly.b32 %r5, %r1, 2, 31, 0xffff0000; bra.uni all;
        low: shfl.sync.bfly.b32 %r5, %r1, 1, 31, 0xffff;
        all: bar.warp.sync -1; st.global.u32 [%rd2], %r5;",
        |_| 0,
    );
    assert_each(&results, |thread| {
        thread ^ if thread & 31 < 16 { 1 } else { 2 }
    });
}

/// D = A B + C with whole numbers, which tf32 holds exactly; the low bits of A
/// must not be read.
#[test]
fn tensor_core_product() {
    let results = block(
        "",
        "and.b32 %r4, %r1, 31; shr.u32 %r5, %r4, 2; and.b32 %r6, %r4, 3;
        mad.lo.s32 %r7, %r5, 8, %r6; cvt.rn.f32.s32 %f1, %r7; add.s32 %r8, %r7, 64; cvt.rn.f32.s32 %f2, %r8;
        add.s32 %r8, %r7, 4; cvt.rn.f32.s32 %f3, %r8; add.s32 %r8, %r7, 68; cvt.rn.f32.s32 %f4, %r8;
        mov.b32 %r10, %f1; mov.b32 %r11, %f2; mov.b32 %r12, %f3; mov.b32 %r13, %f4; or.b32 %r11, %r11, 0x1fff;
        sub.s32 %r8, %r6, %r5; cvt.rn.f32.s32 %f5, %r8; add.s32 %r8, %r8, 4; cvt.rn.f32.s32 %f6, %r8;
        mov.b32 %r14, %f5; mov.b32 %r15, %f6; cvt.rn.f32.s32 %f7, %r4; mov.f32 %f8, 0f3F000000;
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f9, %f10, %f11, %f12}, {%r10, %r11, %r12, %r13},
            {%r14, %r15}, {%f7, %f8, %f8, %f7};
        setp.lt.u32 %p1, %r1, 32; selp.f32 %f13, %f9, %f12, %p1; st.global.f32 [%rd2], %f13;",
        |_| 0,
    );
    assert_each(&results, |thread| {
        let (lane, is_last) = (thread & 31, thread >= 32);
        let row = lane / 4 + if is_last { 8 } else { 0 };
        let column = lane % 4 * 2 + u32::from(is_last);
        let products = (0..8).map(|k| (row * 8 + k) as f32 * (k as f32 - column as f32));
        (products.sum::<f32>() + lane as f32).to_bits()
    });
}

#[test]
fn functions_and_branch_tables() {
    let results = block(
        ".func (.param .b32 result) twice(.param .b32 value);
        .func (.param .b32 result) more(.param .b32 value, .param .align 4 .b8 pair[8])
        { .reg .b32 %r<9>; ld.param.u32 %r1, [value]; ld.param.u32 %r2, [pair+4];
        { .param .b32 p0; st.param.b32 [p0+0], %r1; .param .b32 r0; call.uni (r0), twice, (p0); ld.param.b32 %r3, [r0+0]; }
        add.s32 %r4, %r3, %r2; st.param.b32 [result+0], %r4; ret; }
        .func (.param .b32 result) twice(.param .b32 value)
        { .reg .b32 %r<9>; ld.param.u32 %r1, [value]; add.s32 %r2, %r1, %r1; st.param.b32 [result+0], %r2; ret; }",
        "and.b32 %r4, %r1, 3; ts: .branchtargets l0, l1, l2, l0; brx.idx %r4, ts;
        l0: mov.u32 %r5, 7; bra.uni end; l1: mov.u32 %r5, 8; bra.uni end; l2: mov.u32 %r5, 9;
        end: { .param .b32 p0; st.param.b32 [p0+0], %r1; .param .align 4 .b8 p1[8]; st.param.b32 [p1+0], 0;
        st.param.b32 [p1+4], %r5; .param .b32 r0; call.uni (r0), more, (p0, p1); ld.param.b32 %r6, [r0+0]; }
        st.global.u32 [%rd2], %r6;",
        |_| 0,
    );
    assert_each(&results, |thread| {
        2 * thread + [7, 8, 9, 7][thread as usize % 4]
    });
}

#[test]
fn structs_are_passed_by_value() {
    let text = format!(
        "{HEAD}.visible .entry k(.param .u64 p, .param .align 4 .b8 s[12])\n{{\n{REGISTERS}
        ld.param.u64 %rd1, [p]; ld.param.u32 %r4, [s+4]; mov.b64 %rd4, s; add.s64 %rd5, %rd4, 8;
        ld.param.f32 %f1, [%rd5]; cvt.rzi.s32.f32 %r5, %f1; add.s32 %r6, %r4, %r5; st.global.u32 [%rd1], %r6; ret; }}"
    );
    let here = device(&[(Knob::Ptx, 1)]);
    let mut memory = here.stream.alloc_zeros::<u32>(1).unwrap();
    let function = here.function(&text, "k");
    let fields = [1_i32, 20, 300.0_f32.to_bits() as i32];
    let mut builder = here.stream.launch_builder(&function);
    builder.arg(&mut memory).arg(&fields);
    launch(builder, blocks(1, 1)).unwrap();
    let values = here.stream.clone_dtoh(&memory).unwrap();
    here.stream.synchronize().unwrap();
    assert_eq!(values, [320]);
}

#[test]
fn mistakes_are_found() {
    use CUresult::{
        CUDA_ERROR_ILLEGAL_ADDRESS as ILLEGAL, CUDA_ERROR_LAUNCH_FAILED as FAILED,
        CUDA_ERROR_LAUNCH_TIMEOUT as TIMEOUT, CUDA_ERROR_MISALIGNED_ADDRESS as MISALIGNED,
    };
    let mistakes = [
        (
            "ld.global.u32 %r4, [%rd2+4];",
            ILLEGAL,
            "illegal address 0x",
        ),
        (
            "st.global.u32 [%rd1+-4], %r4;",
            ILLEGAL,
            "illegal address 0x",
        ),
        (
            "ld.global.u32 %r4, [%rd4+-3];",
            ILLEGAL,
            "illegal address 0xfffffffffffffffc",
        ),
        (
            "st.global.v2.u32 [%rd1+252], {%r1, %r1};",
            MISALIGNED,
            "misaligned address 0x",
        ),
        (
            "st.global.u16 [%rd1+1], %r1;",
            MISALIGNED,
            "misaligned address 0x",
        ),
        (
            ".shared .align 8 .b8 s[8]; mov.u32 %r4, s; ld.shared.u64 %rd4, [%r4+8];",
            FAILED,
            "illegal shared address 0x8",
        ),
        (
            ".shared .align 8 .b8 s[8]; mov.u32 %r4, s; ld.shared.u32 %r5, [%r4+-4];",
            FAILED,
            "illegal shared address",
        ),
        (
            ".local .align 4 .b8 own[16]; mov.u64 %rd4, own; st.local.u32 [%rd4+16], %r1;",
            FAILED,
            "illegal local address 0x10",
        ),
        (
            "setp.lt.u32 %p1, %r1, 32; @%p1 bar.sync 0;",
            TIMEOUT,
            "divergent barrier: block (0,0,0) thread 0: @%p1 bar.sync 0",
        ),
        (
            "setp.lt.u32 %p1, %r1, 32; @%p1 bra low; bar.sync 0; ret; low: bar.sync 0;",
            TIMEOUT,
            "divergent barrier: block (0,0,0) thread 0: bar.sync 0",
        ),
        (
            "setp.eq.u32 %p1, %r1, 40; @%p1 ret; bar.warp.sync -1;",
            TIMEOUT,
            "deadlock: threads wait for lanes of their warp that will not come: block (0,0,0) thread 32: bar.warp.sync",
        ),
        (
            "setp.eq.u32 %p1, %r1, 3; @%p1 bar.sync 0; shfl.sync.bfly.b32 %r4, %r1, 1, 31, -1; @!%p1 bar.sync 0;",
            TIMEOUT,
            "deadlock",
        ),
        ("trap;", FAILED, "trap"),
    ];
    for (body, expected, reason) in mistakes {
        let here = device(&[(Knob::Ptx, 1)]);
        let result = run(&here, &module("", body), 1, 64, &[0; 64]);
        assert_eq!(code(result), expected, "{body}");
        let said = here.simulator.last_error();
        assert!(said.contains(reason), "{body}: {said}");
    }
}

#[test]
fn unknown_text_is_refused_with_its_line() {
    let lines = [
        ("frobnicate.u32 %r1, %r2;", "unknown opcode"),
        ("add.s32 %r1, %r2;", "wrong number of operands"),
        ("add.s32 %r1, %r2, %r99;", "unknown name %r99"),
        ("bra nowhere;", "unknown label nowhere"),
        ("ld.param.u64 %rd1, [p+4];", "outside of the parameter"),
        ("bar.sync 1;", "only barrier 0"),
        (
            "ld.global.v4.u32 {%r1, %r2}, [%rd1];",
            "a vector of another length",
        ),
        ("add.s32 %r1, , %r2;", "missing operand"),
        (".maxnreg 3;", "unknown directive"),
        ("mov.f32 %f1, 0fXYZ;", "not a number"),
    ];
    for (line, reason) in lines {
        let here = device(&[(Knob::Ptx, 1)]);
        let text =
            format!("{HEAD}.visible .entry k(.param .u64 p)\n{{\n{REGISTERS}\n{line}\nret;\n}}\n");
        let number = text.lines().position(|other| other == line).unwrap() + 1;
        let result = here.load(&text);
        assert_eq!(code(result), CUresult::CUDA_ERROR_INVALID_PTX, "{line}");
        let said = here.simulator.last_error();
        assert!(said.contains(reason), "{line}: {said}");
        assert!(said.contains(&format!("line {number}: ")), "{line}: {said}");
    }
}

#[test]
fn recursion_is_refused() {
    let here = device(&[(Knob::Ptx, 1)]);
    let text = module(".func again() { call.uni again; ret; }", "call.uni again;");
    assert_eq!(code(here.load(&text)), CUresult::CUDA_ERROR_INVALID_PTX);
    let said = here.simulator.last_error();
    assert!(said.contains("recursive function again"), "{said}");
}
