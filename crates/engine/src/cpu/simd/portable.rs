//! What every processor has.

use super::Simd;

/// Arrays that the compiler maps to what the target has for certain.
#[derive(Clone, Copy)]
pub(super) struct Portable(());

impl Portable {
    pub(super) fn new() -> Portable {
        Portable(())
    }
}

/// Lanes of the portable path.
const WIDTH: usize = 8;

#[inline(always)]
fn lanes(f: impl Fn(usize) -> f32) -> [f32; WIDTH] {
    std::array::from_fn(f)
}

// SAFETY, for all methods: pointers are the caller's promise.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Simd for Portable {
    type V = [f32; WIDTH];
    const LANES: usize = WIDTH;
    const TILE: [usize; 2] = [2, 2];
    const DENSE: [usize; 2] = [2, 2];
    const GROUP: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; WIDTH]
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // `f32::mul_add` is a call where the target has no such instruction.
        lanes(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn where_positive(self, x: Self::V, a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| if x[i] > 0.0 { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn sum(self, a: Self::V) -> f32 {
        ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]))
    }
    #[inline(always)]
    fn sums(self, of: &[Self::V; 16]) -> Self::V {
        lanes(|i| self.sum(of[i]))
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        unsafe { from.cast::<Self::V>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, a: Self::V) {
        unsafe { to.cast::<Self::V>().write_unaligned(a) }
    }
    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, len: usize) -> Self::V {
        lanes(|i| match i < len {
            true => unsafe { from.add(i).read_unaligned() },
            false => 0.0,
        })
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, a: Self::V, len: usize) {
        for (i, a) in a.into_iter().enumerate().take(len) {
            unsafe { to.add(i).write_unaligned(a) }
        }
    }
    #[inline(always)]
    unsafe fn load_f16(self, from: *const u16) -> Self::V {
        // Moving exponent and fraction to their places in a single leaves the
        // exponent too small by the difference of the biases, which a product
        // makes up for, subnormal numbers included.
        let rebias = f32::from_bits((127 + 127 - 15) << 23);
        lanes(|i| {
            let half = u32::from(unsafe { from.add(i).read_unaligned() });
            let magnitude = f32::from_bits((half & 0x7fff) << 13) * rebias;
            f32::from_bits(magnitude.to_bits() | (half & 0x8000) << 16)
        })
    }
    #[inline(always)]
    unsafe fn load_bf16(self, from: *const u16) -> Self::V {
        lanes(|i| f32::from_bits(u32::from(unsafe { from.add(i).read_unaligned() }) << 16))
    }
}
