//! The kernels with what they use of a multiprocessor.

use kernels::occupancy::{Block, MULTIPROCESSORS};
use kernels::{Entry, MODULES};

use super::CAPABILITIES;
use super::budget::Budget;

/// Columns after the kernel's name: registers by compute capability, bytes of
/// shared memory, threads of a block, occupancy for 8.0 and 9.0.
const WIDTHS: [usize; 9] = [4, 4, 4, 4, 4, 6, 6, 7, 7];

/// One line a kernel, at most 80 columns wide. Occupancy is the share of a
/// multiprocessor's warps that can run at once.
pub(super) fn table(found: &Budget) -> String {
    let mut text = format!(
        "{:34}{:>15}{:>11}{:>20}\n",
        "", "registers", "shared", "occupancy"
    );
    let heads = CAPABILITIES.map(|capability| capability.to_string());
    let rest = ["bytes", "thr.", "80", "90"].map(str::to_owned);
    text += &row("kernel", heads.into_iter().chain(rest));
    for entry in MODULES.iter().flat_map(|module| module.entries) {
        let used = CAPABILITIES.map(|capability| found.used(entry.name, capability));
        let registers = used.map(|used| used.map(|used| used.registers.to_string()));
        let shared = used.iter().flatten().map(|used| used.shared).max();
        let rest = [
            shared.map(|bytes| bytes.to_string()),
            Some(entry.threads.to_string()),
            occupancy(found, entry, 80),
            occupancy(found, entry, 90),
        ];
        let cells = registers.into_iter().chain(rest);
        let cells = cells.map(|cell| cell.unwrap_or_else(|| "-".into()));
        text += &row(entry.name, cells);
    }
    text
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> String {
    let cells = cells.zip(WIDTHS);
    let cells: String = cells
        .map(|(cell, width)| format!("{cell:>width$}"))
        .collect();
    format!("{name:<34}{cells}\n")
}

/// In percent, where the kernel was compiled for the compute capability.
fn occupancy(found: &Budget, entry: &Entry, capability: u32) -> Option<String> {
    let used = found.used(entry.name, capability)?;
    let block = Block {
        threads: entry.threads,
        registers: used.registers,
        shared: used.shared,
    };
    let mut all = MULTIPROCESSORS.iter();
    let multiprocessor = all.find(|kind| kind.capability == capability)?;
    Some(format!("{:.0}%", 100.0 * multiprocessor.occupancy(&block)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_wide_enough() {
        let table = table(&Budget::default());
        let wide = table.lines().find(|line| line.len() > 80);
        assert_eq!(wide, None);
    }
}
