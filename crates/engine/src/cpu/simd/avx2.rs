//! AVX2 with FMA and F16C.

use std::arch::x86_64::*;

use super::Simd;

/// 256-bit vectors.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// # Safety
    /// The processor has these instructions.
    #[inline(always)]
    pub(super) unsafe fn new() -> Avx2 {
        Avx2(())
    }

    /// A mask of the first `len` lanes.
    #[inline(always)]
    fn first(len: usize) -> __m256i {
        const ONES_THEN_ZEROS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        // SAFETY: eight words from `8 - len` on, with `len <= 8`.
        unsafe { _mm256_loadu_si256(ONES_THEN_ZEROS.as_ptr().add(8 - len).cast()) }
    }
}

// SAFETY, for all methods: `Avx2` exists only where the processor has AVX2, FMA
// and F16C; pointers are the caller's promise.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const TILE: [usize; 2] = [6, 2];
    const DENSE: [usize; 2] = [4, 2];
    const GROUP: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn where_positive(self, x: __m256, a: __m256, b: __m256) -> __m256 {
        unsafe {
            let positive = _mm256_cmp_ps::<_CMP_GT_OQ>(x, _mm256_setzero_ps());
            _mm256_blendv_ps(b, a, positive)
        }
    }
    #[inline(always)]
    fn sum(self, a: __m256) -> f32 {
        unsafe {
            let half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
            let one = _mm_add_ss(quarter, _mm_shuffle_ps::<1>(quarter, quarter));
            _mm_cvtss_f32(one)
        }
    }
    #[inline(always)]
    fn sums(self, of: &[__m256; 16]) -> __m256 {
        // As in AVX-512, with two halves in place of four quarters.
        unsafe {
            let two = |a, b| {
                let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                _mm256_castps_pd(_mm256_add_ps(low, high))
            };
            let four = |i: usize| {
                let (a, b) = (two(of[i], of[i + 1]), two(of[i + 2], of[i + 3]));
                let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
                _mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high))
            };
            let (a, b) = (four(0), four(4));
            let first = _mm256_permute2f128_ps::<0x20>(a, b);
            _mm256_add_ps(first, _mm256_permute2f128_ps::<0x31>(a, b))
        }
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, a: __m256) {
        unsafe { _mm256_storeu_ps(to, a) }
    }
    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, len: usize) -> __m256 {
        unsafe { _mm256_maskload_ps(from, Avx2::first(len)) }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, a: __m256, len: usize) {
        unsafe { _mm256_maskstore_ps(to, Avx2::first(len), a) }
    }
    #[inline(always)]
    unsafe fn load_f16(self, from: *const u16) -> __m256 {
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.cast())) }
    }
    #[inline(always)]
    unsafe fn load_bf16(self, from: *const u16) -> __m256 {
        unsafe {
            let words = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(words))
        }
    }
}
