//! AVX-512F, with AVX2, FMA and F16C.

use std::arch::x86_64::*;

use super::Simd;

/// 512-bit vectors.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// # Safety
    /// The processor has these instructions.
    #[inline(always)]
    pub(super) unsafe fn new() -> Avx512 {
        Avx512(())
    }

    #[inline(always)]
    fn first(len: usize) -> __mmask16 {
        ((1u32 << len) - 1) as __mmask16
    }
}

// SAFETY, for all methods: `Avx512` exists only where the processor has
// AVX-512F, AVX2, FMA and F16C; pointers are the caller's promise.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;
    const TILE: [usize; 2] = [14, 2];
    const DENSE: [usize; 2] = [6, 4];
    const GROUP: usize = 8;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn where_positive(self, x: __m512, a: __m512, b: __m512) -> __m512 {
        unsafe {
            let positive = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(x, _mm512_setzero_ps());
            _mm512_mask_blend_ps(positive, b, a)
        }
    }
    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        unsafe { _mm512_reduce_add_ps(a) }
    }
    #[inline(always)]
    fn sums(self, of: &[__m512; 16]) -> __m512 {
        // Each level halves the vectors, in order: two become one that holds
        // the half sums of both.
        unsafe {
            let two = |a, b| {
                let (low, high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                _mm512_castps_pd(_mm512_add_ps(low, high))
            };
            let four = |i: usize| {
                let (a, b) = (two(of[i], of[i + 1]), two(of[i + 2], of[i + 3]));
                let (low, high) = (_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
                _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high))
            };
            let quarters = |a, b| {
                let even = _mm512_shuffle_f32x4::<0x88>(a, b);
                _mm512_add_ps(even, _mm512_shuffle_f32x4::<0xdd>(a, b))
            };
            quarters(quarters(four(0), four(4)), quarters(four(8), four(12)))
        }
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, a: __m512) {
        unsafe { _mm512_storeu_ps(to, a) }
    }
    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, len: usize) -> __m512 {
        unsafe { _mm512_maskz_loadu_ps(Avx512::first(len), from) }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, a: __m512, len: usize) {
        unsafe { _mm512_mask_storeu_ps(to, Avx512::first(len), a) }
    }
    #[inline(always)]
    unsafe fn load_f16(self, from: *const u16) -> __m512 {
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) }
    }
    #[inline(always)]
    unsafe fn load_bf16(self, from: *const u16) -> __m512 {
        unsafe {
            let words = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(words))
        }
    }
}
