//! Vectors of f32 in the instruction sets that there is a path for.
//!
//! A kernel is written once, over [`Simd`], and compiled for each set;
//! [`Instructions::dispatch`] runs it with the set that was chosen. A value of a
//! type that implements [`Simd`] is the proof that the processor has the
//! instructions: only the dispatch makes one.

#![allow(
    unsafe_code,
    reason = "instructions that a processor may lack, and loads without checks"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
use portable::Portable;

/// The instructions that kernels are run with. Two sets give results that
/// differ in the last bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Instructions {
    /// All sets that this processor has, the fastest first.
    pub fn available() -> Vec<Instructions> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            if avx2 && is_x86_feature_detected!("avx512f") {
                sets.push(Instructions(Set::Avx512));
            }
            if avx2 {
                sets.push(Instructions(Set::Avx2));
            }
        }
        sets.push(Instructions(Set::Portable));
        sets
    }

    /// The fastest set that this processor has.
    pub fn detect() -> Instructions {
        Instructions::available()[0]
    }

    /// The name that a run records.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "x86-64 avx512f",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "x86-64 avx2 fma",
            Set::Portable => std::env::consts::ARCH,
        }
    }

    /// Runs a kernel with these instructions.
    pub(crate) fn dispatch<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            // SAFETY: a value of this set exists only where the processor has it.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { with_avx512(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { with_avx2(kernel) },
            Set::Portable => kernel.run(Portable::new()),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
fn with_avx512<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: this function is called only where the processor has them.
    kernel.run(unsafe { Avx512::new() })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn with_avx2<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: as above.
    kernel.run(unsafe { Avx2::new() })
}

/// Code that is compiled for every instruction set: with its vectors, or with
/// loops that the compiler vectorises.
pub(crate) trait Kernel {
    type Output;

    /// Must be `#[inline(always)]`, as all that it calls in its inner loops:
    /// only what is inlined is compiled for the set.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// An instruction set.
///
/// # Safety
/// Pointers need no alignment; from each on there are `LANES` values, or as
/// many as said.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// `LANES` values.
    type V: Copy;
    const LANES: usize;
    /// Rows and vectors of the greatest tile of a product whose sums stay in
    /// registers.
    const TILE: [usize; 2];
    /// The same of a product of a few samples with rows of a matrix: samples
    /// and rows.
    const DENSE: [usize; 2];
    /// Rows of a matrix of which two vectors each are kept in registers while
    /// they are added to something.
    const GROUP: usize;

    fn splat(self, x: f32) -> Self::V;
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a b + c`, rounded once where the processor can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a` where `x > 0`, else `b`.
    fn where_positive(self, x: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// The sum of all lanes.
    fn sum(self, a: Self::V) -> f32;
    /// The sums of the first `LANES` vectors, each in its lane.
    fn sums(self, of: &[Self::V; 16]) -> Self::V;
    unsafe fn load(self, from: *const f32) -> Self::V;
    unsafe fn store(self, to: *mut f32, a: Self::V);
    /// The first `len` values, `len <= LANES`, and zeros.
    unsafe fn load_first(self, from: *const f32, len: usize) -> Self::V;
    unsafe fn store_first(self, to: *mut f32, a: Self::V, len: usize);
    /// Widens finite half-precision values.
    unsafe fn load_f16(self, from: *const u16) -> Self::V;
    /// Widens upper halves of singles.
    unsafe fn load_bf16(self, from: *const u16) -> Self::V;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sums([f32; 16], [u16; 16]);

    impl Kernel for Sums {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            let Sums(floats, halves) = self;
            let lanes = S::LANES;
            let mut out = [0.0f32; 16];
            // SAFETY: sixteen values everywhere, and no more lanes than that.
            unsafe {
                let a = simd.load(floats.as_ptr());
                assert_eq!(simd.sum(a), floats[..lanes].iter().sum::<f32>());
                let vectors: [S::V; 16] = std::array::from_fn(|i| simd.splat(i as f32));
                simd.store(
                    out.as_mut_ptr(),
                    simd.sums(&vectors.map(|v| simd.mul(v, a))),
                );
                for (i, &sum) in out[..lanes].iter().enumerate() {
                    assert_eq!(sum, i as f32 * simd.sum(a));
                }
                for len in 0..=lanes {
                    simd.store(out.as_mut_ptr(), simd.splat(-1.0));
                    let first = simd.load_first(floats.as_ptr(), len);
                    assert_eq!(simd.sum(first), floats[..len].iter().sum::<f32>());
                    simd.store_first(out.as_mut_ptr(), a, len);
                    assert_eq!(out[..len], floats[..len]);
                    assert!(out[len..lanes].iter().all(|&v| v == -1.0));
                }
                let minus = simd.sub(simd.splat(0.0), a);
                simd.store(out.as_mut_ptr(), simd.where_positive(minus, a, minus));
                assert!(
                    out[..lanes]
                        .iter()
                        .zip(floats)
                        .all(|(&o, f)| o == -f.abs() || f == 0.0)
                );
                simd.store(out.as_mut_ptr(), simd.load_bf16(halves.as_ptr()));
                for (&o, &h) in out[..lanes].iter().zip(&halves) {
                    assert_eq!(o.to_bits(), u32::from(h) << 16);
                }
            }
        }
    }

    struct Widen([u16; 16]);

    impl Kernel for Widen {
        type Output = Vec<f32>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Vec<f32> {
            let mut out = vec![0.0; 16];
            for i in (0..16).step_by(S::LANES) {
                // SAFETY: sixteen values everywhere.
                unsafe { simd.store(out[i..].as_mut_ptr(), simd.load_f16(self.0[i..].as_ptr())) }
            }
            out
        }
    }

    /// The value that the bits of a half stand for.
    fn value(half: u16) -> f64 {
        let sign = if half >> 15 == 1 { -1.0 } else { 1.0 };
        let (exponent, fraction) = (i32::from(half >> 10 & 31), f64::from(half & 1023));
        match exponent {
            0 => sign * fraction * 2f64.powi(-24),
            _ => sign * (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
        }
    }

    #[test]
    fn every_finite_half_is_widened_exactly() {
        let finite: Vec<u16> = (0..=u16::MAX).filter(|h| h >> 10 & 31 != 31).collect();
        for instructions in Instructions::available() {
            for halves in finite.as_chunks::<16>().0 {
                let found = instructions.dispatch(Widen(*halves));
                for (&half, found) in halves.iter().zip(found) {
                    assert_eq!(f64::from(found), value(half), "{instructions:?} {half:04x}");
                    assert_eq!(found.is_sign_negative(), half >> 15 == 1);
                }
            }
        }
    }

    #[test]
    fn vectors_do_what_they_say() {
        let floats = std::array::from_fn(|i| (i as f32 - 7.0) * 0.5);
        let halves = std::array::from_fn(|i| 0x3f80 + i as u16);
        for instructions in Instructions::available() {
            instructions.dispatch(Sums(floats, halves));
        }
    }
}
