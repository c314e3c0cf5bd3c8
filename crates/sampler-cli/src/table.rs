//! Plain tables.

use std::io::{self, Write};

use crate::failure::one_line;

/// A row of cells.
pub(crate) fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// Writes rows of equally many cells in columns as wide as their contents, two
/// spaces apart.
pub(crate) fn write(rows: &[Vec<String>], out: &mut impl Write) -> io::Result<()> {
    write_numbers(rows, 0, out)
}

/// The same with the last columns, as many as `numbers`, flush right.
pub(crate) fn write_numbers(
    rows: &[Vec<String>],
    numbers: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| one_line(cell)).collect())
        .collect();
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(
            |(column, (cell, &width))| match column + numbers < columns {
                true => format!("{cell:width$}"),
                false => format!("{cell:>width$}"),
            },
        );
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_up() {
        let rows = [["layer", "op"], ["fc8\u{1b}", "größe"], ["x", "y"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let mut out = Vec::new();
        super::write(&rows, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "layer      op\nfc8\\u{1b}  größe\nx          y\n"
        );
    }

    #[test]
    fn numbers_stand_flush_right() {
        let rows = [super::row(["op", "n"]), super::row(["relu", "1,024"])];
        let mut out = Vec::new();
        super::write_numbers(&rows, 1, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "op        n\nrelu  1,024\n"
        );
    }
}
