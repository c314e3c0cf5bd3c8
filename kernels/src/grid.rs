//! Grids of kernels that take values row by row.

/// Most blocks along y and z that a launch takes.
const MOST: u32 = 65_535;

/// For kernels with 256 threads in which the blocks of one x take one row and
/// walk along it with as many threads as there are along y: `rows` rows of
/// `values` values each.
pub(crate) fn rows(rows: i32, values: i32) -> [u32; 3] {
    let blocks = values.unsigned_abs().div_ceil(256);
    [rows.unsigned_abs(), blocks.min(MOST), 1]
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn blocks_cover_a_row_and_a_launch_takes_them() {
        assert_eq!(rows(70_000, 256), [70_000, 1, 1]);
        assert_eq!(rows(3, 257), [3, 2, 1]);
        assert_eq!(rows(1, i32::MAX), [1, 65_535, 1]);
    }
}
