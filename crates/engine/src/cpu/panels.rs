//! Products with a matrix that is packed once: `y = x p`.
//!
//! `p`, the weights, is cut into *panels* of 32 columns (16 for a rest of no more), in
//! each of which the rows lie one after the other: the inner loop walks through
//! a panel in order. `x`, the data, lies in *blocks* of rows that are cut into
//! chunks of 32 values, `[chunk][row][32]`, so that the rows that one tile of
//! the product reads lie side by side whatever their number of columns.
//!
//! A value of `y` is the sum of one sum per chunk: it depends neither on the tile
//! nor on the rows around it. One long chain of additions would round several
//! times more, and Winograd's transforms amplify that.

#![allow(unsafe_code, reason = "the inner loop of everything")]

use super::Simd;

/// Columns of a whole panel.
pub(crate) const WIDTH: usize = 32;

/// Columns are padded with zeros to a multiple of this.
pub(crate) const PADDING: usize = 16;

/// Values of a row in a chunk.
pub(crate) const CHUNK: usize = 32;

/// Rows that a block should be a multiple of: those of the greatest tile.
pub(crate) const ROWS: usize = 14;

/// Number of f32 of a block of rows.
pub(crate) fn block_len(rows: usize, depth: usize) -> usize {
    depth.div_ceil(CHUNK) * rows * CHUNK
}

/// Number of panels that `cols` columns make.
pub(crate) fn panels(cols: usize) -> usize {
    cols.div_ceil(WIDTH)
}

/// The columns of panel `i`, padding included.
pub(crate) fn width(cols: usize, i: usize) -> usize {
    (cols - i * WIDTH).min(WIDTH).next_multiple_of(PADDING)
}

/// Number of f32 of all panels.
pub(crate) fn packed_len(depth: usize, cols: usize) -> usize {
    depth * cols.next_multiple_of(PADDING)
}

/// Where panel `i` begins.
pub(crate) fn panel_start(depth: usize, i: usize) -> usize {
    depth * i * WIDTH
}

/// A block of `rows` rows of data and one panel.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    pub block: &'a [f32],
    pub rows: usize,
    pub depth: usize,
    pub panel: &'a [f32],
    pub width: usize,
}

/// Rows `first..first + count` of the product of a block and a panel, with
/// `count <= ROWS`; row `r` goes to `y + r stride`, all of its padded columns.
///
/// # Safety
/// The rows of `y` can be written.
#[inline(always)]
pub(crate) unsafe fn product<S: Simd>(
    simd: S,
    of: Operands<'_>,
    first: usize,
    count: usize,
    y: *mut f32,
    stride: usize,
) {
    assert!(first + count <= of.rows && matches!(of.width, 16 | 32));
    assert!(of.block.len() >= block_len(of.rows, of.depth));
    assert!(of.panel.len() >= of.depth * of.width);
    let columns = S::TILE[1] * S::LANES;
    for row in (0..count).step_by(S::TILE[0]) {
        let rows = S::TILE[0].min(count - row);
        for col in (0..of.width).step_by(columns) {
            // SAFETY: rows and columns lie inside both operands by the
            // assertions, and inside `y` by the caller's promise.
            unsafe {
                let x = of.block.as_ptr().add((first + row) * CHUNK);
                let p = of.panel.as_ptr().add(col);
                let y = y.add(row * stride + col);
                match (of.width - col) / S::LANES {
                    1 => by_rows::<S, 1>(simd, of, rows, x, p, y, stride),
                    _ => by_rows::<S, 2>(simd, of, rows, x, p, y, stride),
                }
            }
        }
    }
}

/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn by_rows<S: Simd, const V: usize>(
    simd: S,
    of: Operands<'_>,
    rows: usize,
    x: *const f32,
    p: *const f32,
    y: *mut f32,
    stride: usize,
) {
    macro_rules! choose {
        ($($rows:literal)*) => {
            match rows {
                // A tile of more rows than the set's greatest is never asked
                // for, and need not be compiled.
                // SAFETY: the caller's promise.
                $($rows if $rows <= S::TILE[0] => unsafe {
                    tile::<S, $rows, V>(simd, of, x, p, y, stride)
                },)*
                _ => unreachable!("tiles have at most {} rows", S::TILE[0]),
            }
        };
    }
    choose!(1 2 3 4 5 6 7 8 9 10 11 12 13 14)
}

/// `R` rows by `V` vectors of columns, the sums in registers.
///
/// # Safety
/// `x` points to a row of a block that has `R` more of them, `p` to a column
/// of a panel that has `V` vectors of them, `y` to room for as much.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "see the last loop")]
unsafe fn tile<S: Simd, const R: usize, const V: usize>(
    simd: S,
    of: Operands<'_>,
    mut x: *const f32,
    mut p: *const f32,
    y: *mut f32,
    stride: usize,
) {
    // SAFETY: the caller's promise; `y` is read where it was written before.
    unsafe {
        for start in (0..of.depth).step_by(CHUNK) {
            let mut sums = [[simd.splat(0.0); V]; R];
            let len = CHUNK.min(of.depth - start);
            for k in 0..len {
                let b: [S::V; V] =
                    std::array::from_fn(|v| simd.load(p.add(k * of.width + v * S::LANES)));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let a = simd.splat(*x.add(r * CHUNK + k));
                    for v in 0..V {
                        sums[v] = simd.mul_add(a, b[v], sums[v]);
                    }
                }
            }
            p = p.add(len * of.width);
            x = x.add(of.rows * CHUNK);
            // By index: an iterator by value would take the sums out of their
            // registers first.
            if start > 0 {
                for r in 0..R {
                    for v in 0..V {
                        let earlier = simd.load(y.add(r * stride + v * S::LANES));
                        sums[r][v] = simd.add(earlier, sums[r][v]);
                    }
                }
            }
            for r in 0..R {
                for v in 0..V {
                    simd.store(y.add(r * stride + v * S::LANES), sums[r][v]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instructions;
    use crate::cpu::{Floats, Kernel};

    struct Product<'a>(Operands<'a>, usize, usize, &'a mut [f32]);

    impl Kernel for Product<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            let Product(of, first, count, y) = self;
            assert_eq!(y.len(), count * of.width);
            // SAFETY: `y` has so many rows.
            unsafe { product(simd, of, first, count, y.as_mut_ptr(), of.width) }
        }
    }

    #[test]
    fn every_tile_is_the_product() {
        for (depth, width) in [(1, 16), (64, 32), (65, 16), (130, 32)] {
            let rows = ROWS + 3;
            let mut block = Floats::new(f32::NAN, block_len(rows, depth));
            let mut panel = Floats::new(f32::NAN, depth * width);
            let x = |r: usize, k: usize| ((r * 31 + k * 17) % 23) as f32 - 11.0;
            let p = |k: usize, c: usize| ((k * 13 + c * 7) % 19) as f32 - 9.0;
            for k in 0..depth {
                for r in 0..rows {
                    block[(k / CHUNK * rows + r) * CHUNK + k % CHUNK] = x(r, k);
                }
                for c in 0..width {
                    panel[k * width + c] = p(k, c);
                }
            }
            let of = Operands {
                block: &block,
                rows,
                depth,
                panel: &panel,
                width,
            };
            for instructions in Instructions::available() {
                for (first, count) in (1..=ROWS).map(|count| (rows - count, count)) {
                    let mut y = vec![f32::NAN; count * width];
                    instructions.dispatch(Product(of, first, count, &mut y));
                    for (i, &found) in y.iter().enumerate() {
                        let (r, c) = (first + i / width, i % width);
                        let sum: f32 = (0..depth).map(|k| x(r, k) * p(k, c)).sum();
                        assert_eq!(found, sum, "{instructions:?} {depth} {count} {i}");
                    }
                }
            }
        }
    }
}
