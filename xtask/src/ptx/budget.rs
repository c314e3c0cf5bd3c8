//! `kernels/budget.toml`: what each kernel may use of each architecture.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use kernels::MODULES;
use serde::Deserialize;

use super::report::{self, Used};
use super::{CAPABILITIES, file};

/// The file's name within `kernels/`.
pub(super) const NAME: &str = "budget.toml";

const HEADING: &str = "\
# What each kernel uses, as ptxas reports: registers of a thread, bytes of shared
# memory of a block, bytes of stack of a thread. Written by `cargo xtask ptx`;
# `cargo xtask ptx --check` fails where it is exceeded.
";

/// By kernel, then by architecture (`sm_75`).
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(transparent)]
pub(super) struct Budget(BTreeMap<String, BTreeMap<String, Used>>);

impl Budget {
    /// Assembles the PTX of all modules for all architectures that they run on.
    pub(super) fn measure(ptxas: &Path, folder: &Path) -> Result<Budget> {
        let mut budget = Budget::default();
        for module in MODULES {
            let suitable = CAPABILITIES.into_iter();
            for capability in suitable.filter(|&capability| capability >= module.capability) {
                let architecture = format!("sm_{capability}");
                let report = report::of(ptxas, &folder.join(file(module)), &architecture)?;
                for (kernel, used) in report {
                    if !module.entries.iter().any(|entry| entry.name == kernel) {
                        bail!(
                            "kernels/{name}.cu: {kernel} is not declared in kernels/src/{name}.rs",
                            name = module.name
                        );
                    }
                    let kernel = budget.0.entry(kernel).or_default();
                    kernel.insert(architecture.clone(), used);
                }
            }
        }
        Ok(budget)
    }

    /// Reads the committed budget; an empty one where there is none yet.
    pub(super) fn read(folder: &Path) -> Result<Budget> {
        if !folder.join(NAME).exists() {
            return Ok(Budget::default());
        }
        let text = super::read(folder, NAME)?;
        toml::from_str(&text).with_context(|| format!("reading kernels/{NAME}"))
    }

    /// As it is committed.
    pub(super) fn text(&self) -> String {
        let mut text = HEADING.to_owned();
        for (kernel, architectures) in &self.0 {
            text += &format!("\n[{kernel}]\n");
            for (architecture, used) in architectures {
                let Used {
                    registers,
                    shared,
                    stack,
                    ..
                } = used;
                writeln!(
                    text,
                    "{architecture} = {{ registers = {registers}, shared = {shared}, stack = {stack} }}"
                )
                .expect("a string takes everything");
            }
        }
        text
    }

    /// What a kernel uses of an architecture, where it was compiled for it.
    pub(super) fn used(&self, kernel: &str, capability: u32) -> Option<Used> {
        self.get(kernel, &format!("sm_{capability}")).copied()
    }

    /// The kernels that have too few registers.
    pub(super) fn spills(&self) -> Vec<String> {
        let spilled = self.rows().filter(|(.., used)| used.spilled > 0);
        spilled
            .map(|(kernel, architecture, used)| {
                let bytes = used.spilled;
                format!("{kernel} for {architecture}: {bytes} bytes of registers are spilled")
            })
            .collect()
    }

    /// Where kernels use more than this budget allows.
    pub(super) fn exceeded_by(&self, found: &Budget) -> Vec<String> {
        let mut findings = Vec::new();
        for (kernel, architecture, used) in found.rows() {
            let Some(allowed) = self.get(kernel, architecture) else {
                continue;
            };
            for (what, allowed, used) in [
                ("registers", allowed.registers, used.registers),
                ("bytes of shared memory", allowed.shared, used.shared),
                ("bytes of stack", allowed.stack, used.stack),
            ] {
                if used > allowed {
                    findings.push(format!(
                        "{kernel} for {architecture}: {used} {what}, more than {allowed}"
                    ));
                }
            }
        }
        findings
    }

    /// Kernels that this budget lacks, and those that it has in vain.
    pub(super) fn unmatched(&self, found: &Budget) -> Vec<String> {
        let rows = found.rows();
        let lacking =
            rows.filter(|(kernel, architecture, _)| self.get(kernel, architecture).is_none());
        let lacking = lacking.map(|(kernel, architecture, _)| {
            format!("{kernel} for {architecture}: not in kernels/{NAME}")
        });
        let rows = self.rows();
        let vain =
            rows.filter(|(kernel, architecture, _)| found.get(kernel, architecture).is_none());
        let vain = vain.map(|(kernel, architecture, _)| {
            format!("{kernel} for {architecture}: in kernels/{NAME}, but there is no such kernel")
        });
        lacking.chain(vain).collect()
    }

    fn get(&self, kernel: &str, architecture: &str) -> Option<&Used> {
        self.0.get(kernel)?.get(architecture)
    }

    fn rows(&self) -> impl Iterator<Item = (&str, &str, &Used)> {
        self.0.iter().flat_map(|(kernel, row)| {
            row.iter()
                .map(|(architecture, used)| (kernel.as_str(), architecture.as_str(), used))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(kernel: &str, registers: u32, shared: u32, stack: u32, spilled: u32) -> Budget {
        let used = Used {
            registers,
            shared,
            stack,
            spilled,
        };
        Budget([(kernel.into(), [("sm_80".into(), used)].into())].into())
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Budget::read(folder.path()).unwrap(), Budget::default());
        let written = budget("fill", 8, 512, 16, 0);
        std::fs::write(folder.path().join(NAME), written.text()).unwrap();
        assert_eq!(Budget::read(folder.path()).unwrap(), written);
    }

    #[test]
    fn what_exceeds_the_budget_is_found() {
        let committed = budget("fill", 8, 512, 16, 0);
        let check = |found: Budget| committed.exceeded_by(&found);
        assert_eq!(check(budget("fill", 8, 512, 16, 0)), [""; 0]);
        assert_eq!(check(budget("fill", 7, 0, 0, 0)), [""; 0]);
        assert_eq!(
            check(budget("fill", 9, 513, 17, 0)),
            [
                "fill for sm_80: 9 registers, more than 8",
                "fill for sm_80: 513 bytes of shared memory, more than 512",
                "fill for sm_80: 17 bytes of stack, more than 16"
            ]
        );
    }

    #[test]
    fn kernels_are_matched_with_the_budget() {
        let committed = budget("fill", 8, 0, 0, 0);
        let check = |kernel| committed.unmatched(&budget(kernel, 9, 0, 0, 0));
        assert_eq!(check("fill"), [""; 0]);
        assert_eq!(
            check("copy"),
            [
                "copy for sm_80: not in kernels/budget.toml",
                "fill for sm_80: in kernels/budget.toml, but there is no such kernel"
            ]
        );
    }

    #[test]
    fn spills_are_found() {
        assert_eq!(budget("fill", 8, 0, 0, 0).spills(), [""; 0]);
        assert_eq!(
            budget("fill", 255, 0, 0, 42).spills(),
            ["fill for sm_80: 42 bytes of registers are spilled"]
        );
    }
}
