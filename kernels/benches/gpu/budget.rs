//! What ptxas reported of the kernels: `kernels/budget.toml`.

use std::collections::BTreeMap;

use kernels::occupancy::{Block, MULTIPROCESSORS, Multiprocessor};
use kernels::{Entry, MODULES};
use serde::Deserialize;

/// What a kernel uses of an architecture.
#[derive(Clone, Copy, Deserialize)]
struct Used {
    registers: u32,
    shared: u32,
    stack: u32,
}

/// By kernel, then by architecture (`sm_75`).
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Budget(BTreeMap<String, BTreeMap<String, Used>>);

impl Budget {
    pub(crate) fn read() -> Budget {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/budget.toml");
        let text = std::fs::read_to_string(path);
        let text = text.unwrap_or_else(|error| panic!("reading {path}: {error}"));
        toml::from_str(&text).unwrap_or_else(|error| panic!("reading {path}: {error}"))
    }

    fn used(&self, kernel: &str, capability: u32) -> Option<Used> {
        let row = self.0.get(kernel)?;
        row.get(&format!("sm_{capability}")).copied()
    }

    fn block(&self, entry: &Entry, kind: &Multiprocessor) -> Option<Block> {
        let used = self.used(entry.name, kind.capability)?;
        Some(Block {
            threads: entry.threads,
            registers: used.registers,
            shared: used.shared,
        })
    }

    /// Blocks that a multiprocessor of this compute capability holds at once,
    /// and the share of its warps that they are.
    pub(crate) fn occupancy(&self, kernel: &str, capability: u32) -> (u32, f64) {
        let mut entries = MODULES.iter().flat_map(|module| module.entries);
        let entry = entries.find(|entry| entry.name == kernel);
        let entry = entry.unwrap_or_else(|| panic!("{kernel} is no kernel"));
        let kind = MULTIPROCESSORS
            .iter()
            .find(|kind| kind.capability == capability);
        let kind = kind.expect("a compute capability that kernels are compiled for");
        let block = self.block(entry, kind);
        let block = block.unwrap_or_else(|| panic!("{kernel} is not compiled for {capability}"));
        (kind.blocks_at_once(&block), kind.occupancy(&block))
    }

    /// One line a kernel, at most 80 columns wide.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{:26}{:>20}{:>7}{:>26}\n",
            "", "registers", "shared", "occupancy %"
        );
        let kinds = MULTIPROCESSORS.map(|kind| kind.capability);
        text += &row("kernel", kinds.map(Some), "bytes", kinds.map(Some));
        for entry in MODULES.iter().flat_map(|module| module.entries) {
            let used = kinds.map(|capability| self.used(entry.name, capability));
            let shared = used.iter().flatten().map(|used| used.shared).max();
            let occupancy = MULTIPROCESSORS.map(|kind| {
                let block = self.block(entry, &kind)?;
                Some((100.0 * kind.occupancy(&block)).round() as u32)
            });
            let shared = shared.map_or("-".into(), |bytes| bytes.to_string());
            let registers = used.map(|used| used.map(|used| used.registers));
            text += &row(entry.name, registers, &shared, occupancy);
        }
        let stack = self.0.values().flat_map(|row| row.values());
        let stack = stack.map(|used| used.stack).max().unwrap_or(0);
        text + &format!("Greatest stack of a thread: {stack} bytes. No kernel spills registers.\n")
    }
}

fn row(
    name: &str,
    registers: [Option<u32>; 5],
    shared: &str,
    occupancy: [Option<u32>; 5],
) -> String {
    let cells = |values: [Option<u32>; 5], width: usize| {
        let cell = |value: Option<u32>| value.map_or("-".into(), |value| value.to_string());
        let cells = values.map(|value| format!("{:>width$}", cell(value)));
        cells.concat()
    };
    let (registers, occupancy) = (cells(registers, 4), cells(occupancy, 5));
    format!("{name:26}{registers}{shared:>7}{occupancy:>25}\n")
}
