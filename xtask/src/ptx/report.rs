//! What ptxas reports of machine code.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// What a kernel uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Used {
    /// Registers of a thread.
    pub(super) registers: u32,
    /// Bytes of shared memory of a block.
    pub(super) shared: u32,
    /// Bytes of a thread's stack: arrays that fit no registers.
    pub(super) stack: u32,
    /// Bytes that a thread stores or loads because it has too few registers.
    #[serde(skip)]
    pub(super) spilled: u32,
}

/// Assembles a PTX file for `sm_75` and the like: what its kernels use, by name.
///
/// # Errors
/// What ptxas complains of, warnings included.
pub(super) fn of(ptxas: &Path, ptx: &Path, architecture: &str) -> Result<BTreeMap<String, Used>> {
    let mut command = Command::new(ptxas);
    command.args([
        "--verbose",
        "--output-file=/dev/null",
        "--gpu-name",
        architecture,
    ]);
    let output = command.arg(ptx).output();
    let output = output.with_context(|| format!("running {}", ptxas.display()))?;
    let log = [output.stdout, output.stderr].concat();
    let log = String::from_utf8(log).context("reading ptxas' report")?;
    let complaints = complaints(&log);
    let trouble = || format!("{} for {architecture}", ptx.display());
    ensure!(complaints.is_empty(), "{}:\n{complaints}", trouble());
    ensure!(output.status.success(), "{}: {}", trouble(), output.status);
    parse(&log)
}

/// The lines of a log that are no report.
fn complaints(log: &str) -> String {
    let is_report = |line: &&str| line.starts_with("ptxas info") || line.starts_with("    ");
    let lines = log.lines().filter(|line| !is_report(line));
    let lines: Vec<_> = lines.filter(|line| !line.trim().is_empty()).collect();
    lines.join("\n")
}

/// Reads a report.
fn parse(log: &str) -> Result<BTreeMap<String, Used>> {
    let mut kernels = BTreeMap::new();
    let mut kernel: Option<&mut Used> = None;
    for line in log.lines() {
        let trouble = || format!("reading ptxas' report: {line}");
        if let Some((_, name)) = line.split_once("Compiling entry function '") {
            let (name, _) = name.split_once('\'').with_context(trouble)?;
            kernel = Some(kernels.entry(name.to_owned()).or_default());
        } else if line.contains(" bytes stack frame, ") {
            // A function that is not inlined has such a line too.
            let kernel = kernel.as_mut().with_context(trouble)?;
            let before = |unit| before(line, unit).with_context(trouble);
            kernel.stack = kernel.stack.max(before("bytes stack frame")?);
            kernel.spilled += before("bytes spill stores")? + before("bytes spill loads")?;
        } else if line.contains(" registers") {
            let kernel = kernel.as_mut().with_context(trouble)?;
            kernel.registers = before(line, "registers").with_context(trouble)?;
            kernel.shared = before(line, "bytes smem").unwrap_or(0);
        }
    }
    Ok(kernels)
}

/// The number before a unit.
fn before(line: &str, unit: &str) -> Option<u32> {
    let (before, _) = line.split_once(unit)?;
    before.split_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
        ptxas info    : 0 bytes gmem\n\
        ptxas info    : Compiling entry function 'two' for 'sm_75'\n\
        ptxas info    : Function properties for two\n\
        \x20   400 bytes stack frame, 12 bytes spill stores, 30 bytes spill loads\n\
        ptxas info    : Used 32 registers, 400 bytes cumulative stack size, 512 bytes smem\n\
        ptxas info    : Compiling entry function 'fill' for 'sm_75'\n\
        ptxas info    : Function properties for fill\n\
        \x20   0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n\
        ptxas info    : Used 8 registers, 368 bytes cmem[0]\n";

    #[test]
    fn reports() {
        let used = |registers, shared, stack, spilled| Used {
            registers,
            shared,
            stack,
            spilled,
        };
        let kernels = parse(LOG).unwrap();
        assert_eq!(kernels["two"], used(32, 512, 400, 42));
        assert_eq!(kernels["fill"], used(8, 0, 0, 0));
        assert_eq!(kernels.len(), 2);
        assert_eq!(complaints(LOG), "");
        let warned = "a.cu(3): warning #177-D: unused\n\nptxas warning : slow\n";
        let expected = "a.cu(3): warning #177-D: unused\nptxas warning : slow";
        assert_eq!(complaints(&format!("{warned}{LOG}")), expected);
        assert!(parse("ptxas info    : Used 8 registers").is_err());
    }
}
