//! `cargo xtask ptx`: compiles the CUDA kernels.
//!
//! NVRTC turns `kernels/*.cu` into the committed `kernels/ptx/*.ptx`. ptxas turns
//! these, as a driver does, into machine code for each of [`CAPABILITIES`], of
//! which only the report is kept: what each kernel uses of a multiprocessor, in
//! `kernels/budget.toml`.
//!
//! NVRTC orders some instructions by addresses in its memory. The kernels are
//! written so that it does not show; should it, a file that fits its sources is
//! kept as it is, and one of [`COMPILATIONS`] must give a committed file again.

mod budget;
mod compiler;
mod report;
mod sources;
mod table;
mod tools;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use kernels::{MODULES, Module};

use budget::Budget;
use compiler::Compiler;
pub(crate) use sources::{Sources, unmatched};
use tools::Tools;

/// NVRTC's version. It decides which drivers take the PTX: 12.4 writes PTX 8.4,
/// for which NVIDIA's driver 550 is new enough.
const VERSION: &str = "12.4.127";

/// Compute capabilities for which machine code is made.
const CAPABILITIES: [u32; 5] = [75, 80, 86, 89, 90];

/// Options of every compilation. Contraction is off so that a sum and a product
/// are one rounding only where the source says fmaf.
const OPTIONS: [&str; 2] = ["--std=c++17", "--fmad=false"];

/// How often a module is compiled to get its committed PTX again.
const COMPILATIONS: usize = 8;

/// Makes PTX and budget, or with `check` compares them with the committed ones.
///
/// # Errors
/// Fails if a kernel does not compile, spills registers or is not declared in
/// crate `kernels`, and with `check` if a file is not what it would be made or
/// a kernel exceeds its budget.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let folder = root.join("kernels");
    conclude(&unmatched(&folder, MODULES)?)?;
    let tools = Tools::find()?;
    let compiler = Compiler::new(&tools.nvrtc)?;
    let mut findings = Vec::new();
    for module in MODULES {
        let done = if check {
            hold(&compiler, &folder, module)
        } else {
            make(&compiler, &folder, module).map(|()| None)
        };
        // The other modules are made all the same.
        findings.extend(done.unwrap_or_else(|error| Some(format!("{error:#}"))));
    }
    conclude(&findings)?;

    let found = Budget::measure(&tools.ptxas, &folder)?;
    let mut findings = found.spills();
    let committed = Budget::read(&folder)?;
    if check {
        findings.extend(committed.exceeded_by(&found));
        findings.extend(committed.unmatched(&found));
    } else {
        for change in committed.exceeded_by(&found) {
            println!("note: {change}");
        }
        write(&folder, budget::NAME, &found.text())?;
    }
    print!("{}", table::table(&found));
    conclude(&findings)
}

fn file(module: &Module) -> String {
    format!("ptx/{}.ptx", module.name)
}

/// Makes a module's PTX if it does not fit the sources.
fn make(compiler: &Compiler, folder: &Path, module: &Module) -> Result<()> {
    let sources = Sources::read(folder, module.name)?;
    let name = file(module);
    if sources.fit(&read(folder, &name)?, module.capability) {
        return Ok(());
    }
    write(folder, &name, &compile(compiler, &sources, module)?)
}

/// Compiles a module to hold its committed PTX to that.
fn hold(compiler: &Compiler, folder: &Path, module: &Module) -> Result<Option<String>> {
    let sources = Sources::read(folder, module.name)?;
    let name = file(module);
    let found = read(folder, &name)?;
    let fits = sources.fit(&found, module.capability);
    let compilations = if fits { COMPILATIONS } else { 1 };
    let difference = differs(compilations, &found, || compile(compiler, &sources, module))?;
    Ok(difference.map(|unlike| format!("kernels/{name}, {unlike}; run `cargo xtask ptx`")))
}

/// Where a committed file differs from the last of so many compilations, if none
/// of them gives it.
fn differs(
    compilations: usize,
    found: &str,
    mut compile: impl FnMut() -> Result<String>,
) -> Result<Option<String>> {
    let mut difference = None;
    for _ in 0..compilations {
        difference = unlike(&compile()?, found);
        if difference.is_none() {
            break;
        }
    }
    Ok(difference)
}

/// A module's PTX as it is committed.
fn compile(compiler: &Compiler, sources: &Sources, module: &Module) -> Result<String> {
    let compiled = compiler.compile(sources, module.capability)?;
    let warnings = compiled.log.trim();
    if !warnings.is_empty() {
        bail!("kernels/{}.cu:\n{warnings}", module.name);
    }
    let ptx = compiled.ptx.trim();
    // The library reports no more of its version than 12.4.
    if !ptx.contains(&format!("V{VERSION}")) {
        bail!("expected NVRTC {VERSION}, found another of that series");
    }
    Ok(sources.stamped(ptx, module.capability))
}

/// The first line in which two PTX files differ; the stamp comes last.
fn unlike(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let [expected, found] = [expected, found].map(|text| text.lines().collect::<Vec<_>>());
    let count = expected.len().max(found.len());
    let mut numbers = (sources::STAMP..count).chain(0..count);
    let number = numbers.find(|&number| expected.get(number) != found.get(number));
    let number = number.unwrap_or(count);
    let line = |lines: &[&str]| {
        lines
            .get(number)
            .map_or("the end", |line| line.trim())
            .to_owned()
    };
    let [expected, found] = [line(&expected), line(&found)];
    let number = number + 1;
    Some(format!(
        "line {number}: expected `{expected}`, found `{found}`"
    ))
}

fn read(folder: &Path, name: &str) -> Result<String> {
    let path = folder.join(name);
    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

/// Writes a file that is not already so.
fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    if fs::read_to_string(&path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    println!("writing kernels/{name}");
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}

fn conclude(findings: &[String]) -> Result<()> {
    for finding in findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} findings"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_compilation_must_give_the_committed_file() {
        let check = |compilations| {
            let mut made = ["a\n", "b\n", "c\n"].into_iter();
            let compile = || Ok(made.next().context("once too often")?.to_owned());
            differs(compilations, "b\n", compile).unwrap()
        };
        assert_eq!(check(3), None);
        assert_eq!(check(2), None);
        let first = "line 1: expected `a`, found `b`";
        assert_eq!(check(1).as_deref(), Some(first));
        let never = differs(COMPILATIONS, "b\n", || Ok("a\n".to_owned()));
        assert_eq!(never.unwrap().as_deref(), Some(first));
    }

    #[test]
    fn differences() {
        let differs = |number: usize, expected: &str, found: &str| {
            Some(format!(
                "line {number}: expected `{expected}`, found `{found}`"
            ))
        };
        assert_eq!(unlike("a\nb\none\ntwo\n", "a\nb\none\ntwo\n"), None);
        assert_eq!(
            unlike("a\nb\none\n2\n", "-\nb\none\ntwo\n"),
            differs(4, "2", "two")
        );
        assert_eq!(
            unlike("a\nb\none\n", "a\nb\none\ntwo\n"),
            differs(4, "the end", "two")
        );
        assert_eq!(unlike("a\nb\none\n", "-\nb\none\n"), differs(1, "a", "-"));
        assert_eq!(unlike("a\n", ""), differs(1, "a", "the end"));
        assert_eq!(unlike("a\n", "a"), differs(2, "the end", "the end"));
    }
}
