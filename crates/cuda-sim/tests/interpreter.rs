//! The PTX interpreter, instruction by instruction: what each gives for chosen
//! operands.

#![allow(unsafe_code, reason = "launches of kernels")]

#[allow(dead_code, reason = "these tests need a part of it")]
mod simulated;

use cuda_sim::Knob;
use cudarc::driver::PushKernelArg;
use simulated::{blocks, device, launch};

/// One instruction or several; what is in a, b and c (registers 1 to 3 of every
/// type hold their low bits), and what the last instruction's register 0 must
/// hold then.
type Case = (&'static str, [u64; 3], u64);

/// Runs every case as a kernel of its own and lists those that differ.
#[track_caller]
fn check(cases: &[Case]) {
    let mut text = String::from(".version 8.4\n.target sm_80\n.address_size 64\n");
    for (index, (code, _, _)) in cases.iter().enumerate() {
        text += &kernel(index, code);
    }
    let here = device(&[(Knob::Ptx, 1)]);
    let module = here.load(&text).unwrap();
    let mut results = here.stream.alloc_zeros::<u64>(cases.len()).unwrap();
    for (index, (_, operands, _)) in cases.iter().enumerate() {
        let function = module.load_function(&format!("case_{index}")).unwrap();
        let mut result = results.slice_mut(index..=index);
        let mut builder = here.stream.launch_builder(&function);
        builder.arg(&mut result);
        for operand in operands {
            builder.arg(operand);
        }
        launch(builder, blocks(1, 1)).unwrap();
    }
    let results = here.stream.clone_dtoh(&results).unwrap();
    here.stream.synchronize().unwrap();
    let wrong: Vec<String> = cases
        .iter()
        .zip(&results)
        .filter(|((_, _, expected), result)| *result != expected)
        .map(|((code, operands, expected), result)| {
            format!("{code} of {operands:x?} gives {result:x}, not {expected:x}")
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn kernel(index: usize, code: &str) -> String {
    let last = code.rsplit("; ").next().unwrap();
    let destination = last
        .split_whitespace()
        .find(|word| word.starts_with('%'))
        .unwrap();
    let widen = match destination.split_once("0").unwrap().0 {
        "%rs" => "cvt.u64.u16 %rd7, %rs0;",
        "%r" => "cvt.u64.u32 %rd7, %r0;",
        "%f" => "mov.b32 %r7, %f0; cvt.u64.u32 %rd7, %r7;",
        "%fd" => "mov.b64 %rd7, %fd0;",
        "%p" => "selp.u64 %rd7, 1, 0, %p0;",
        _ => "mov.u64 %rd7, %rd0;",
    };
    let mut text = format!(
        ".visible .entry case_{index}(.param .u64 out, .param .u64 p1, .param .u64 p2, .param .u64 p3)
        {{
        .reg .pred %p<8>; .reg .b16 %rs<8>; .reg .b32 %r<8>; .reg .b64 %rd<8>;
        .reg .f32 %f<8>; .reg .f64 %fd<8>;\n"
    );
    for register in 1..=3 {
        text += &format!(
            "ld.param.u64 %rd{register}, [p{register}]; cvt.u32.u64 %r{register}, %rd{register};
            cvt.u16.u64 %rs{register}, %rd{register}; mov.b32 %f{register}, %r{register};
            mov.b64 %fd{register}, %rd{register}; setp.ne.s64 %p{register}, %rd{register}, 0;\n"
        );
    }
    text + code
        + &format!(";\n{widen} ld.param.u64 %rd6, [out]; st.global.u64 [%rd6], %rd7; ret; }}\n")
}

const fn f(value: f32) -> u64 {
    value.to_bits() as u64
}

const fn d(value: f64) -> u64 {
    value.to_bits()
}

const fn s(value: i32) -> u64 {
    value as u32 as u64
}

const MINUS: u64 = u64::MAX;
const NAN: u64 = 0x7fc0_0000;
const INFINITY: u64 = 0x7f80_0000;
/// The greatest number below 1, and the least above.
const BELOW: u64 = 0x3f7f_ffff;
const ABOVE: u64 = 0x3f80_0001;

#[test]
fn integers() {
    check(&[
        ("add.s32 %r0, %r1, %r2", [s(i32::MAX), 1, 0], s(i32::MIN)),
        ("add.s64 %rd0, %rd1, -3", [5, 0, 0], 2),
        ("sub.s16 %rs0, %rs1, %rs2", [3, 5, 0], 0xfffe),
        ("mul.lo.s16 %rs0, %rs1, %rs2", [0xffff, 0xffff, 0], 1),
        ("mul.lo.s32 %r0, %r1, %r2", [s(-3), 7, 0], s(-21)),
        (
            "mul.hi.u32 %r0, %r1, %r2",
            [0xffff_ffff, 0xffff_ffff, 0],
            0xffff_fffe,
        ),
        ("mul.hi.s32 %r0, %r1, %r2", [s(-1), 2, 0], s(-1)),
        ("mul.hi.u64 %rd0, %rd1, %rd2", [MINUS, 2, 0], 1),
        ("mul.hi.s64 %rd0, %rd1, %rd2", [MINUS, 2, 0], MINUS),
        ("mul.wide.s32 %rd0, %r1, %r2", [s(-2), 3, 0], -6_i64 as u64),
        (
            "mul.wide.u32 %rd0, %r1, %r2",
            [s(-2), 3, 0],
            3 * 0xffff_fffe,
        ),
        ("mul.wide.u16 %r0, %rs1, %rs2", [0xffff, 2, 0], 0x1fffe),
        ("mul.wide.s16 %r0, %rs1, %rs2", [0xffff, 2, 0], s(-2)),
        ("mad.lo.s32 %r0, %r1, %r2, %r3", [s(-3), 7, 1], s(-20)),
        ("mad.hi.u32 %r0, %r1, %r2, %r3", [0x8000_0000, 4, 1], 3),
        (
            "mad.wide.s32 %rd0, %r1, %r2, %rd3",
            [s(-3), 7, 1],
            -20_i64 as u64,
        ),
        ("div.s32 %r0, %r1, %r2", [s(-7), 2, 0], s(-3)),
        (
            "div.s32 %r0, %r1, %r2",
            [s(i32::MIN), s(-1), 0],
            s(i32::MIN),
        ),
        ("div.u32 %r0, %r1, %r2", [s(-7), 2, 0], 0x7fff_fffc),
        ("div.u32 %r0, %r1, %r2", [5, 0, 0], s(-1)),
        ("rem.s32 %r0, %r1, %r2", [s(-7), 2, 0], s(-1)),
        (
            "rem.s64 %rd0, %rd1, %rd2",
            [-7_i64 as u64, 4, 0],
            -3_i64 as u64,
        ),
        ("rem.u64 %rd0, %rd1, %rd2", [MINUS, 10, 0], 5),
        ("min.s32 %r0, %r1, %r2", [s(-7), 2, 0], s(-7)),
        ("min.u32 %r0, %r1, %r2", [s(-7), 2, 0], 2),
        ("max.s64 %rd0, %rd1, %rd2", [MINUS, 2, 0], 2),
        ("max.u16 %rs0, %rs1, %rs2", [0xffff, 2, 0], 0xffff),
        ("abs.s32 %r0, %r1", [s(-7), 0, 0], 7),
        ("neg.s64 %rd0, %rd1", [7, 0, 0], -7_i64 as u64),
        (
            "add.cc.u32 %r0, %r1, %r2; addc.u32 %r0, %r3, 0",
            [s(-1), 1, 5],
            6,
        ),
        (
            "sub.cc.u32 %r0, %r1, %r2; subc.u32 %r0, %r3, 0",
            [1, 2, 5],
            4,
        ),
        (
            "mad.lo.cc.u32 %r0, %r1, %r2, 1; madc.hi.u32 %r0, %r1, %r2, %r3",
            [s(-1), s(-1), 5],
            3,
        ),
    ]);
}

#[test]
fn bits() {
    check(&[
        ("and.b32 %r0, %r1, %r2", [12, 10, 0], 8),
        ("or.b64 %rd0, %rd1, %rd2", [12, 10, 0], 14),
        ("xor.b16 %rs0, %rs1, %rs2", [12, 10, 0], 6),
        ("not.b32 %r0, %r1", [0, 0, 0], s(-1)),
        ("and.pred %p0, %p1, %p2", [1, 0, 0], 0),
        ("or.pred %p0, %p1, %p2", [1, 0, 0], 1),
        ("xor.pred %p0, %p1, %p2", [1, 1, 0], 0),
        ("not.pred %p0, %p1", [0, 0, 0], 1),
        ("shl.b32 %r0, %r1, %r2", [3, 31, 0], 0x8000_0000),
        ("shl.b32 %r0, %r1, %r2", [3, 32, 0], 0),
        ("shr.u32 %r0, %r1, %r2", [s(-8), 1, 0], 0x7fff_fffc),
        ("shr.u32 %r0, %r1, %r2", [s(-8), 40, 0], 0),
        ("shr.s32 %r0, %r1, %r2", [s(-8), 40, 0], s(-1)),
        (
            "shr.s64 %rd0, %rd1, 2",
            [-8_i64 as u64, 0, 0],
            -2_i64 as u64,
        ),
        ("shf.l.wrap.b32 %r0, %r1, %r2, %r3", [0x8000_0000, 1, 33], 3),
        (
            "shf.r.clamp.b32 %r0, %r1, %r2, %r3",
            [0x8000_0000, 1, 33],
            1,
        ),
        ("bfe.u32 %r0, %r1, %r2, %r3", [0x1234_5678, 8, 12], 0x456),
        ("bfe.s32 %r0, %r1, 4, 4", [0x80, 0, 0], s(-8)),
        ("bfe.s32 %r0, %r1, 28, 8", [0x8000_0000, 0, 0], s(-8)),
        ("bfi.b32 %r0, %r1, %r2, 8, 4", [0xff, 0, 0], 0xf00),
        ("brev.b32 %r0, %r1", [1, 0, 0], 0x8000_0000),
        ("popc.b64 %r0, %rd1", [MINUS, 0, 0], 64),
        ("clz.b32 %r0, %r1", [1, 0, 0], 31),
        ("clz.b64 %r0, %rd1", [0, 0, 0], 64),
        ("bfind.u32 %r0, %r1", [0x100, 0, 0], 8),
        ("bfind.shiftamt.u32 %r0, %r1", [0x100, 0, 0], 23),
        ("bfind.s32 %r0, %r1", [s(-1), 0, 0], s(-1)),
        (
            "lop3.b32 %r0, %r1, %r2, %r3, 0xE2",
            [0xf0f0, 0xff00, 0xcccc],
            0xf0cc,
        ),
        (
            "prmt.b32 %r0, %r1, %r2, 0x7410",
            [0x3322_1100, 0x7766_5544, 0],
            0x7744_1100,
        ),
        ("prmt.b32 %r0, %r1, %r2, 0x000b", [0x8000_0000, 0, 0], 0xff),
        ("mov.b64 %rd0, {%r1, %r2}", [1, 2, 0], 0x2_0000_0001),
        (
            "mov.b64 {_, %r4}, %rd1; mov.u32 %r0, %r4",
            [0x2_0000_0001, 0, 0],
            2,
        ),
        ("mov.b32 %r0, {%rs1, %rs2}", [1, 2, 0], 0x2_0001),
        (
            "mov.b32 {%rs4, %rs5}, %r1; mov.u16 %rs0, %rs5",
            [0x2_0001, 0, 0],
            2,
        ),
        ("selp.b32 %r0, %r1, %r2, %p3", [1, 2, 0], 2),
        ("selp.f64 %fd0, %fd1, %fd2, %p3", [1, 2, 1], 1),
    ]);
}

#[test]
fn floats() {
    let third = f(1.0 / 3.0);
    check(&[
        ("add.f32 %f0, %f1, %f2", [f(0.1), f(0.2), 0], f(0.1 + 0.2)),
        ("add.rz.f32 %f0, %f1, 0f33000000", [f(1.0), 0, 0], f(1.0)),
        ("add.rp.f32 %f0, %f1, 0f33000000", [f(1.0), 0, 0], ABOVE),
        ("sub.rm.f32 %f0, %f1, 0f33000000", [f(1.0), 0, 0], BELOW),
        (
            "sub.rn.f64 %fd0, %fd1, %fd2",
            [d(0.3), d(0.1), 0],
            d(0.3 - 0.1),
        ),
        ("mul.rn.f32 %f0, %f1, %f2", [ABOVE, BELOW, 0], f(1.0)),
        (
            "fma.rn.f32 %f0, %f1, %f2, 0fBF800000",
            [ABOVE, BELOW, 0],
            0x337f_fffe,
        ),
        (
            "fma.rn.f64 %fd0, %fd1, %fd2, %fd3",
            [d(3.0), d(5.0), d(-1.0)],
            d(14.0),
        ),
        ("div.rn.f32 %f0, %f1, %f2", [f(1.0), f(3.0), 0], third),
        ("div.rz.f32 %f0, %f1, %f2", [f(1.0), f(3.0), 0], third - 1),
        ("div.approx.f32 %f0, %f1, %f2", [f(1.0), f(4.0), 0], f(0.25)),
        ("div.full.f32 %f0, %f1, %f2", [f(1.0), f(4.0), 0], f(0.25)),
        ("rcp.rn.f32 %f0, %f1", [f(3.0), 0, 0], third),
        ("rcp.approx.ftz.f32 %f0, %f1", [f(8.0), 0, 0], f(0.125)),
        (
            "rcp.approx.ftz.f64 %fd0, %fd1",
            [d(3.0), 0, 0],
            0x3fd5_5555_0000_0000,
        ),
        ("sqrt.rn.f32 %f0, %f1", [f(2.0), 0, 0], f(2.0_f32.sqrt())),
        ("sqrt.rn.f64 %fd0, %fd1", [d(2.0), 0, 0], d(2.0_f64.sqrt())),
        ("sqrt.approx.f32 %f0, %f1", [f(9.0), 0, 0], f(3.0)),
        ("rsqrt.approx.f32 %f0, %f1", [f(4.0), 0, 0], f(0.5)),
        ("ex2.approx.ftz.f32 %f0, %f1", [f(-3.0), 0, 0], f(0.125)),
        ("ex2.approx.ftz.f32 %f0, %f1", [f(-127.0), 0, 0], 0),
        ("ex2.approx.f32 %f0, %f1", [f(-127.0), 0, 0], 0x0040_0000),
        ("lg2.approx.f32 %f0, %f1", [f(8.0), 0, 0], f(3.0)),
        ("tanh.approx.f32 %f0, %f1", [f(100.0), 0, 0], f(1.0)),
        ("neg.f32 %f0, %f1", [0, 0, 0], f(-0.0)),
        ("abs.f64 %fd0, %fd1", [d(-2.0), 0, 0], d(2.0)),
        ("copysign.f32 %f0, %f1, %f2", [f(-0.0), f(2.0), 0], f(-2.0)),
        ("min.f32 %f0, %f1, %f2", [0, f(-0.0), 0], f(-0.0)),
        ("min.f32 %f0, %f1, %f2", [NAN, f(2.0), 0], f(2.0)),
        ("max.f32 %f0, %f1, %f2", [f(2.0), NAN, 0], f(2.0)),
        ("max.NaN.f32 %f0, %f1, %f2", [f(2.0), NAN, 0], NAN),
        ("max.f64 %fd0, %fd1, %fd2", [d(2.0), d(3.0), 0], d(3.0)),
        // Subnormal numbers, kept and flushed; results held in 0 to 1.
        ("add.f32 %f0, %f1, %f2", [1, 1, 0], 2),
        ("add.ftz.f32 %f0, %f1, %f2", [1, 0x8000_0001, 0], 0),
        (
            "mul.ftz.f32 %f0, %f1, 0fBF000000",
            [0x0080_0000, 0, 0],
            f(-0.0),
        ),
        ("add.sat.f32 %f0, %f1, %f2", [f(0.7), f(0.7), 0], f(1.0)),
        ("fma.rn.sat.f32 %f0, %f1, %f2, %f3", [NAN, 0, 0], 0),
    ]);
}

#[test]
fn comparisons() {
    check(&[
        ("setp.lt.s32 %p0, %r1, %r2", [s(-1), 1, 0], 1),
        ("setp.lt.u32 %p0, %r1, %r2", [s(-1), 1, 0], 0),
        ("setp.le.s64 %p0, %rd1, %rd2", [MINUS, 1, 0], 1),
        ("setp.hi.u64 %p0, %rd1, %rd2", [MINUS, 1, 0], 1),
        ("setp.ge.s16 %p0, %rs1, %rs2", [0xffff, 1, 0], 0),
        ("setp.gt.u16 %p0, %rs1, %rs2", [0xffff, 1, 0], 1),
        ("setp.eq.b32 %p0, %r1, 7", [7, 0, 0], 1),
        ("setp.ne.s16 %p0, %rs1, 7", [0x1_0007, 0, 0], 0),
        ("setp.eq.f32 %p0, %f1, %f2", [0, f(-0.0), 0], 1),
        ("setp.eq.f32 %p0, %f1, %f2", [NAN, NAN, 0], 0),
        ("setp.equ.f32 %p0, %f1, %f2", [NAN, NAN, 0], 1),
        ("setp.ne.f32 %p0, %f1, %f2", [NAN, 0, 0], 0),
        ("setp.neu.f32 %p0, %f1, %f2", [NAN, 0, 0], 1),
        ("setp.lt.f32 %p0, %f1, %f2", [f(-1.0), f(1.0), 0], 1),
        ("setp.ltu.f32 %p0, %f1, %f2", [f(1.0), NAN, 0], 1),
        ("setp.leu.f32 %p0, %f1, %f2", [f(1.0), f(0.5), 0], 0),
        ("setp.gt.f64 %p0, %fd1, %fd2", [d(2.0), d(1.0), 0], 1),
        ("setp.gtu.f64 %p0, %fd1, %fd2", [d(1.0), d(2.0), 0], 0),
        ("setp.geu.f32 %p0, %f1, %f2", [f(1.0), f(1.0), 0], 1),
        ("setp.ge.f32 %p0, %f1, %f2", [INFINITY, f(1.0), 0], 1),
        ("setp.eq.ftz.f32 %p0, %f1, %f2", [1, 0, 0], 1),
        ("setp.num.f32 %p0, %f1, %f2", [f(1.0), NAN, 0], 0),
        ("setp.nan.f32 %p0, %f1, %f2", [f(1.0), NAN, 0], 1),
        ("setp.lt.and.s32 %p0, %r1, %r2, %p3", [1, 2, 0], 0),
        ("setp.lt.and.s32 %p0, %r1, %r2, !%p3", [1, 2, 0], 1),
        (
            "setp.lt.or.s32 %p4|%p0, %r1, %r2, %p3; mov.pred %p0, %p0",
            [1, 2, 0],
            0,
        ),
        ("setp.lt.xor.s32 %p0, %r1, %r2, %p3", [1, 2, 1], 0),
        ("mov.u32 %r0, 1; @%p1 mov.u32 %r0, 2", [0, 0, 0], 1),
        ("mov.u32 %r0, 1; @!%p1 mov.u32 %r0, 2", [0, 0, 0], 2),
    ]);
}

#[test]
fn conversions() {
    check(&[
        ("cvt.s64.s32 %rd0, %r1", [s(-2), 0, 0], -2_i64 as u64),
        ("cvt.u64.u32 %rd0, %r1", [s(-2), 0, 0], 0xffff_fffe),
        ("cvt.s32.s8 %r0, %r1", [0x80, 0, 0], s(-128)),
        ("cvt.u16.u8 %rs0, %rs1", [0x1ff, 0, 0], 0xff),
        ("cvt.sat.u8.s32 %r0, %r1", [s(-3), 0, 0], 0),
        ("cvt.sat.s8.s32 %r0, %r1", [300, 0, 0], 127),
        (
            "cvt.rn.f32.s32 %f0, %r1",
            [16_777_217, 0, 0],
            f(16_777_216.0),
        ),
        (
            "cvt.rp.f32.s32 %f0, %r1",
            [16_777_217, 0, 0],
            f(16_777_218.0),
        ),
        (
            "cvt.rn.f32.u64 %f0, %rd1",
            [MINUS, 0, 0],
            f(18_446_744_073_709_551_616.0),
        ),
        ("cvt.rn.f64.s32 %fd0, %r1", [s(-7), 0, 0], d(-7.0)),
        ("cvt.rni.s32.f32 %r0, %f1", [f(2.5), 0, 0], 2),
        ("cvt.rzi.s32.f32 %r0, %f1", [f(-2.5), 0, 0], s(-2)),
        ("cvt.rmi.s32.f32 %r0, %f1", [f(-2.5), 0, 0], s(-3)),
        ("cvt.rpi.s32.f32 %r0, %f1", [f(2.5), 0, 0], 3),
        ("cvt.rzi.s32.f32 %r0, %f1", [f(3e9), 0, 0], s(i32::MAX)),
        ("cvt.rzi.u32.f32 %r0, %f1", [f(-3.0), 0, 0], 0),
        ("cvt.rzi.s32.f32 %r0, %f1", [NAN, 0, 0], 0),
        (
            "cvt.rzi.s64.f64 %rd0, %fd1",
            [d(-1e30), 0, 0],
            i64::MIN as u64,
        ),
        ("cvt.rni.f32.f32 %f0, %f1", [f(-0.5), 0, 0], f(-0.0)),
        ("cvt.rmi.f32.f32 %f0, %f1", [f(-0.5), 0, 0], f(-1.0)),
        ("cvt.rpi.f64.f64 %fd0, %fd1", [d(1.25), 0, 0], d(2.0)),
        ("cvt.rzi.ftz.f32.f32 %f0, %f1", [0x8000_0001, 0, 0], f(-0.0)),
        ("cvt.sat.f32.f32 %f0, %f1", [f(1.5), 0, 0], f(1.0)),
        ("cvt.f64.f32 %fd0, %f1", [f(0.1), 0, 0], d(0.1_f32 as f64)),
        ("cvt.rn.f32.f64 %f0, %fd1", [d(0.1), 0, 0], f(0.1)),
        ("cvt.rm.f32.f64 %f0, %fd1", [d(0.1), 0, 0], f(0.1) - 1),
        // Halves: the greatest, a subnormal one, infinity; ties to even.
        ("cvt.f32.f16 %f0, %rs1", [0x7bff, 0, 0], f(65504.0)),
        ("cvt.f32.f16 %f0, %rs1", [0x8001, 0, 0], f(-5.960_464_5e-8)),
        (
            "cvt.f32.f16 %f0, %rs1",
            [0xfc00, 0, 0],
            INFINITY | 0x8000_0000,
        ),
        ("cvt.rn.f16.f32 %rs0, %f1", [f(65520.0), 0, 0], 0x7c00),
        ("cvt.rn.f16.f32 %rs0, %f1", [f(2049.0), 0, 0], 0x6800),
        ("cvt.rn.f16.f32 %rs0, %f1", [f(2051.0), 0, 0], 0x6802),
        (
            "cvt.rn.f16.f32 %rs0, %f1",
            [f(-5.960_464_5e-8), 0, 0],
            0x8001,
        ),
        ("cvt.rn.bf16.f32 %rs0, %f1", [0x3f80_8000, 0, 0], 0x3f80),
        ("cvt.f32.bf16 %f0, %rs1", [0xbf80, 0, 0], f(-1.0)),
        (
            "cvt.rna.tf32.f32 %r0, %f1",
            [0x3f80_1000, 0, 0],
            0x3f80_2000,
        ),
        (
            "cvt.rna.tf32.f32 %r0, %f1",
            [0xbf80_0fff, 0, 0],
            0xbf80_0000,
        ),
    ]);
}
