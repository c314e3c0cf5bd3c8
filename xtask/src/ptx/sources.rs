//! What a PTX file is made from, and the stamp by which that is told without a
//! compiler.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use kernels::Module;

use super::{OPTIONS, VERSION};

/// Lines of a stamp.
pub(super) const STAMP: usize = 2;

/// A kernel file and the headers that it includes, directly or not.
pub(crate) struct Sources {
    pub(super) name: String,
    pub(super) text: String,
    /// Texts by their name in an `#include`.
    pub(super) headers: BTreeMap<String, String>,
}

impl Sources {
    /// Reads `<name>.cu` and its headers.
    pub(crate) fn read(kernels: &Path, name: &str) -> Result<Sources> {
        let name = format!("{name}.cu");
        let text = super::read(kernels, &name)?;
        let mut headers = BTreeMap::new();
        let mut wanted = includes(&text);
        while let Some(name) = wanted.pop() {
            if headers.contains_key(&name) {
                continue;
            }
            let text = super::read(kernels, &name)?;
            wanted.extend(includes(&text));
            headers.insert(name, text);
        }
        Ok(Sources {
            name,
            text,
            headers,
        })
    }

    /// PTX made from them for a compute capability, with a stamp before it.
    pub(crate) fn stamped(&self, ptx: &str, capability: u32) -> String {
        let ptx = format!("{}\n", ptx.trim());
        format!("{}\n{}\n{ptx}", self.stamp(capability), stamp_of_text(&ptx))
    }

    /// Whether a file is PTX that was made from them as they are, and is as it
    /// was made.
    pub(crate) fn fit(&self, file: &str, capability: u32) -> bool {
        let mut lines = file.splitn(STAMP + 1, '\n');
        let [sources, text, ptx] = [(); 3].map(|()| lines.next().unwrap_or_default());
        sources == self.stamp(capability) && text == stamp_of_text(ptx)
    }

    fn stamp(&self, capability: u32) -> String {
        let mut all = options(capability).join(" ");
        all.push_str(VERSION);
        let texts = [(&self.name, &self.text)].into_iter().chain(&self.headers);
        for (name, text) in texts {
            // With the length, no two different lists of texts come out alike.
            all.push_str(&format!("\n{name} {}\n{text}", text.len()));
        }
        let (name, hash) = (&self.name, netfile::sha256(all.as_bytes()));
        format!("// Made by cargo xtask ptx from {name}; sources sha256 {hash}")
    }
}

fn stamp_of_text(ptx: &str) -> String {
    format!(
        "// The text below has sha256 {}",
        netfile::sha256(ptx.as_bytes())
    )
}

/// NVRTC's options for a compute capability.
pub(super) fn options(capability: u32) -> Vec<String> {
    let architecture = format!("--gpu-architecture=compute_{capability}");
    let options = OPTIONS.map(str::to_owned).into_iter();
    options.chain([architecture]).collect()
}

/// Names of the headers that a text includes. Only `.cuh` counts: any other
/// header is for a C++ compiler.
fn includes(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let line = line.trim_start().strip_prefix('#')?.trim_start();
        let name = line.strip_prefix("include")?.trim().strip_prefix('"')?;
        let (name, _) = name.split_once('"')?;
        name.ends_with(".cuh").then(|| name.to_owned())
    };
    text.lines().filter_map(name).collect()
}

/// Every kernel file that no module is made of, and every module without one.
pub(crate) fn unmatched(kernels: &Path, modules: &[Module]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let is_module = |name: &str| modules.iter().any(|module| module.name == name);
    for entry in fs::read_dir(kernels).with_context(|| format!("listing {}", kernels.display()))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.extension().is_some_and(|extension| extension == "cu") && !is_module(&name) {
            findings.push(format!("kernels/{name}.cu: not in kernels::MODULES"));
        }
    }
    findings.sort();
    for Module { name, .. } in modules {
        if !kernels.join(format!("{name}.cu")).is_file() {
            findings.push(format!(
                "kernels/{name}.cu: in kernels::MODULES, but missing"
            ));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(name: &'static str) -> Module {
        Module {
            name,
            ptx: "",
            capability: 75,
            entries: &[],
        }
    }

    #[test]
    fn the_stamp_covers_all_sources() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let stamp = |capability| {
            let sources = Sources::read(folder.path(), "a").unwrap();
            sources.stamp(capability)
        };
        write("a.cu", "#include \"one.cuh\"\nint a;\n");
        write(
            "one.cuh",
            "#pragma once\n# include \"two.cuh\"\n#include \"cpu.h\"\n",
        );
        write("two.cuh", "#include \"one.cuh\"\n");
        write("other.cuh", "");
        let before = stamp(75);
        assert!(before.starts_with("// Made by cargo xtask ptx from a.cu; sources sha256 "));
        assert_eq!(before, stamp(75));
        assert_ne!(before, stamp(80));
        write("other.cuh", "int other;\n");
        assert_eq!(before, stamp(75));
        write("two.cuh", "#include \"one.cuh\"\nint two;\n");
        let after = stamp(75);
        assert_ne!(before, after);
        write("a.cu", "#include \"one.cuh\"\nint b;\n");
        assert_ne!(after, stamp(75));
        fs::remove_file(folder.path().join("two.cuh")).unwrap();
        assert!(Sources::read(folder.path(), "a").is_err());
    }

    #[test]
    fn a_stamp_fits_its_text_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.cu"), "int a;\n").unwrap();
        let sources = Sources::read(folder.path(), "a").unwrap();
        let file = sources.stamped(".version 8.4\n.target sm_75", 75);
        assert!(sources.fit(&file, 75));
        assert!(!sources.fit(&file, 80));
        assert!(!sources.fit(&file.replace("8.4", "8.5"), 75));
        assert!(!sources.fit("", 75));
    }

    #[test]
    fn modules_are_matched_with_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.cu", "b.cu", "common.cuh"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let check = |modules: &[Module]| unmatched(folder.path(), modules).unwrap();
        assert_eq!(check(&[module("a"), module("b")]), [""; 0]);
        assert_eq!(
            check(&[module("a"), module("c")]),
            [
                "kernels/b.cu: not in kernels::MODULES",
                "kernels/c.cu: in kernels::MODULES, but missing"
            ]
        );
    }
}
