//! A copy of this repository to type command lines in.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use tests::root;

/// The programs of this workspace that command lines name.
const PROGRAMS: [&str; 2] = ["sampler-cli", "xtask"];

/// Builds all programs as this test was built, so that none of them is an old
/// one, and gives the folder that they lie in.
pub(crate) fn build() -> PathBuf {
    let test = env::current_exe().expect("this test lies somewhere");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("tests lie in target/PROFILE/deps");
    let mut cargo = Command::new(env!("CARGO"));
    // With another choice of packages cargo would build some dependencies
    // again, with other features.
    cargo.args(["test", "--workspace", "--no-run", "--quiet"]);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo
        .current_dir(root())
        .status()
        .expect("cargo can be run");
    assert!(status.success(), "building the programs: {status}");
    folder.to_owned()
}

/// The files of this repository as Git knows them, relative to its root.
pub(crate) fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .expect("git can be run");
    assert!(output.status.success(), "git ls-files: {}", output.status);
    let names = String::from_utf8(output.stdout).expect("names of files in UTF-8");
    let files = names.split_terminator('\0').map(PathBuf::from);
    // The index may name files that have been deleted since.
    files.filter(|file| root().join(file).is_file()).collect()
}

/// A copy of the repository, without anything that was built or sampled.
pub(crate) struct Workplace {
    folder: TempDir,
    path: OsString,
}

impl Workplace {
    /// Copies the files; the built `programs` are found in the path.
    pub(crate) fn new(files: &[PathBuf], programs: &Path) -> Workplace {
        let folder = tempfile::tempdir().expect("room for a folder");
        let (copy, path) = (folder.path().join("repository"), folder.path().join("bin"));
        for file in files {
            let to = copy.join(file);
            fs::create_dir_all(to.parent().expect("a file lies in a folder")).unwrap();
            fs::copy(root().join(file), &to)
                .unwrap_or_else(|error| panic!("copying {}: {error}", file.display()));
        }
        // Some tasks ask Git for the files.
        let mut git = Command::new("git");
        git.args(["init", "--quiet"]).arg(&copy);
        assert!(
            git.status().is_ok_and(|status| status.success()),
            "git init"
        );
        fs::create_dir(&path).unwrap();
        for program in PROGRAMS {
            symlink(programs.join(program), path.join(program)).unwrap();
        }
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([path].into_iter().chain(env::split_paths(&inherited)));
        Workplace {
            path: path.expect("a path that can be prolonged"),
            folder,
        }
    }

    /// The root of the copy.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    /// Runs a command line there.
    pub(crate) fn run(&self, command: &str) -> Output {
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", command])
            .current_dir(self.root())
            .env("PATH", &self.path)
            // By this `xtask` knows on which tree to work.
            .env("CARGO_MANIFEST_DIR", self.root().join("xtask"))
            .env("CARGO_INSTALL_ROOT", self.folder.path().join("installed"))
            .env_remove("INVERSE_SET_WEIGHTS")
            .output()
            .unwrap_or_else(|error| panic!("running {command}: {error}"))
    }
}
