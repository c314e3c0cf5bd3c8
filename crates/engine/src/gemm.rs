//! Matrix products: the one place that calls the matrix crate.

#![allow(unsafe_code, reason = "the matrix crate takes raw pointers")]

use std::ops::Range;

use gemm_common::Parallelism;
use gemm_f32::gemm::f32::get_gemm_fn;
use rayon::prelude::*;

/// Longest sum that is left to the matrix crate. It would split longer ones by
/// the size of the caches, and results would differ between processors with the
/// same instructions.
const DEPTH: usize = 512;

/// Rows of `a` that [`product_by_columns`] multiplies at once.
const ROWS: usize = 32;

/// A matrix in a slice: element `(i, j)` lies at `i * row_stride + j *
/// col_stride`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A row-major matrix that fills `values`.
    pub(crate) fn new(values: &'a [f32], rows: usize, cols: usize) -> Matrix<'a> {
        assert_eq!(values.len(), rows * cols, "a {rows}x{cols} matrix");
        Matrix {
            values,
            rows,
            cols,
            row_stride: cols,
            col_stride: 1,
        }
    }

    /// Some of the rows.
    fn rows(self, range: Range<usize>) -> Matrix<'a> {
        assert!(range.start < range.end && range.end <= self.rows);
        Matrix {
            values: &self.values[range.start * self.row_stride..],
            rows: range.len(),
            ..self
        }
    }

    /// Some of the columns.
    fn cols(self, range: Range<usize>) -> Matrix<'a> {
        self.t().rows(range).t()
    }

    /// The same values, transposed.
    pub(crate) fn t(self) -> Matrix<'a> {
        Matrix {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }
}

/// `y = a b`, or `y += a b` where `add` is set, on the calling thread; `y` is
/// row-major, `a.rows` by `b.cols`.
///
/// How the sums are split depends on the shapes and the instruction set only.
pub(crate) fn product(y: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, add: bool) {
    check(y, a, b);
    // SAFETY: `y` holds exactly the product.
    unsafe { multiply(y.as_mut_ptr(), b.cols, a, b, add) }
}

/// [`product`] for an `a` of few rows, on all workers: every column of `b` is
/// read once for up to [`ROWS`] rows of `a`.
///
/// Where the columns of `b` are contiguous, a row of `y` does not depend on the
/// other rows.
pub(crate) fn product_by_columns(y: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, add: bool) {
    check(y, a, b);
    // With contiguous sums the matrix crate is fast only on small tiles; along
    // rows it wants long ones.
    let width = if b.row_stride == 1 { 256 / ROWS } else { 256 };
    let start = Start(y.as_mut_ptr());
    (0..b.cols.div_ceil(width)).into_par_iter().for_each(|i| {
        let cols = i * width..b.cols.min((i + 1) * width);
        let stripe = b.cols(cols.clone());
        for row in (0..a.rows).step_by(ROWS) {
            let tile = a.rows(row..a.rows.min(row + ROWS));
            let y = start.at(row * b.cols + cols.start);
            // SAFETY: the tile of `y` at this row and column lies inside `y`,
            // and only this task touches these columns.
            unsafe { multiply(y, b.cols, tile, stripe, add) }
        }
    });
}

fn check(y: &[f32], a: Matrix<'_>, b: Matrix<'_>) {
    assert_eq!(a.cols, b.rows, "inner sizes of a product");
    assert_eq!(y.len(), a.rows * b.cols, "size of a product");
}

/// Start of a matrix of which every task writes a part of its own.
struct Start(*mut f32);

// SAFETY: sharing the address is harmless; whoever writes through it answers
// for what is written.
unsafe impl Sync for Start {}

impl Start {
    fn at(&self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}

/// The product with `row_stride` between the rows of `y`.
///
/// The matrix crate wants contiguous columns, so it is given the transpose of
/// everything: `y^T = b^T a^T`.
///
/// # Safety
/// From `y` on there are `a.rows` rows of `b.cols` values, `row_stride` apart,
/// that nobody else touches during the call.
unsafe fn multiply(y: *mut f32, row_stride: usize, a: Matrix<'_>, b: Matrix<'_>, add: bool) {
    for depth in (0..a.cols).step_by(DEPTH) {
        let range = depth..a.cols.min(depth + DEPTH);
        let (a, b) = (b.rows(range.clone()).t(), a.cols(range).t());
        // SAFETY: both matrices lie inside their slices by construction; `y` is
        // the caller's promise.
        unsafe {
            get_gemm_fn()(
                a.rows,
                b.cols,
                a.cols,
                y,
                row_stride as isize,
                1,
                add || depth > 0,
                a.values.as_ptr(),
                a.col_stride as isize,
                a.row_stride as isize,
                b.values.as_ptr(),
                b.col_stride as isize,
                b.row_stride as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }
}
