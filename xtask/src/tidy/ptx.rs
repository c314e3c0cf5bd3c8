//! Whether the files under `kernels/ptx/` were made from the sources as they are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kernels::Module;

use crate::ptx::{Sources, unmatched};

/// Every PTX file whose stamp fits its sources or its text no more, or that
/// belongs to no module. It needs no compiler.
pub(super) fn check(kernels: &Path, modules: &[Module], files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = unmatched(kernels, modules)?;
    for module in modules {
        let name = format!("{}.cu", module.name);
        if !kernels.join(&name).is_file() {
            continue;
        }
        let path = kernels.join("ptx").join(&name).with_extension("ptx");
        let ptx =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        if !Sources::read(kernels, module.name)?.fit(&ptx, module.capability) {
            findings.push(format!(
                "kernels/ptx/{}.ptx: not what was made from kernels/{name} as it is; \
                 run `cargo xtask ptx`",
                module.name
            ));
        }
    }
    let made = files.iter().filter_map(|file| {
        let file = file.strip_prefix("kernels/ptx").ok()?;
        file.file_stem()?.to_str()
    });
    for name in made.filter(|name| modules.iter().all(|module| module.name != *name)) {
        findings.push(format!("kernels/ptx/{name}.ptx: of no module"));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_ptx_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let modules = [Module {
            name: "a",
            ptx: "",
            capability: 75,
            entries: &[],
        }];
        fs::create_dir(folder.path().join("ptx")).unwrap();
        write("a.cu", "#include \"common.cuh\"\n");
        write("common.cuh", "int a;\n");
        let sources = Sources::read(folder.path(), "a").unwrap();
        write("ptx/a.ptx", &sources.stamped(".version 8.4", 75));
        let check = |files: &[&str]| {
            let files: Vec<_> = files.iter().map(PathBuf::from).collect();
            check(folder.path(), &modules, &files).unwrap()
        };
        assert_eq!(check(&["kernels/ptx/a.ptx"]), [""; 0]);
        assert_eq!(
            check(&["kernels/ptx/a.ptx", "kernels/ptx/b.ptx", "docs/c.ptx"]),
            ["kernels/ptx/b.ptx: of no module"]
        );
        let stale = "kernels/ptx/a.ptx: not what was made from kernels/a.cu as it is; \
                     run `cargo xtask ptx`";
        write("common.cuh", "int b;\n");
        assert_eq!(check(&[]), [stale]);
        write("common.cuh", "int a;\n");
        assert_eq!(check(&[]), [""; 0]);
        write("ptx/a.ptx", "");
        assert_eq!(check(&[]), [stale]);
    }
}
