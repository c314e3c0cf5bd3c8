//! Compiles the simulated driver and all kernels into `libcuda.so.1`.
//!
//! A file is compiled again only when it, one of its headers or the flags have
//! changed: the object's name holds a hash of them. `CUDA_SIM_SANITIZE` chooses a
//! sanitizer; see sanitize.sh.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail, ensure};

/// Without contraction a product and a sum are one rounding only where the
/// source says fmaf, as NVRTC does it.
const FLAGS: [&str; 13] = [
    "-std=c++17",
    "-mavx2",
    "-mfma",
    "-mf16c",
    "-ffp-contract=off",
    "-fno-fast-math",
    "-fno-math-errno",
    "-fno-strict-aliasing",
    "-fPIC",
    "-fvisibility=hidden",
    "-pthread",
    "-DCUDA_ON_CPU",
    "-w",
];

/// How a library is built with a sanitizer or without one.
struct Build {
    /// Flags of every file.
    flags: &'static [&'static str],
    /// Flags of the kernels and of the library.
    kernel_flags: &'static [&'static str],
}

const PLAIN: Build = Build {
    flags: &["-O3"],
    kernel_flags: &[],
};

const ADDRESS: Build = Build {
    flags: &[
        "-O1",
        "-g",
        "-fno-omit-frame-pointer",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    ],
    kernel_flags: &["-fsanitize=address,undefined"],
};

/// The scheduler must not be instrumented: it is what orders the threads.
const THREAD: Build = Build {
    flags: &["-O1", "-g", "-DCUDA_SIM_TSAN"],
    kernel_flags: &["-fsanitize=thread"],
};

fn main() -> Result<()> {
    let variable = |name| std::env::var(name).with_context(|| format!("{name} is not set"));
    ensure!(
        variable("CARGO_CFG_TARGET_OS")? == "linux"
            && variable("CARGO_CFG_TARGET_ARCH")? == "x86_64",
        "the simulated GPU is written for Linux on x86-64"
    );
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let [driver, faults, kernels] =
        ["cpp", "faults", "../../kernels"].map(|folder| root.join(folder));
    for folder in [&driver, &faults, &kernels] {
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    println!("cargo:rerun-if-env-changed=CUDA_SIM_SANITIZE");
    println!("cargo:rustc-check-cfg=cfg(sanitized)");
    let sanitizer = std::env::var("CUDA_SIM_SANITIZE").unwrap_or_default();
    let build = match sanitizer.as_str() {
        "" => PLAIN,
        "address" => ADDRESS,
        "thread" => THREAD,
        other => bail!("CUDA_SIM_SANITIZE is address or thread, not {other}"),
    };
    if !sanitizer.is_empty() {
        println!("cargo:rustc-cfg=sanitized");
        println!("cargo:rustc-env=CUDA_SIM_SANITIZE={sanitizer}");
    }

    let folder = out.join("lib");
    let library = folder.join("libcuda.so.1");
    let compiler = Compiler {
        program: cc::Build::new()
            .cpp(true)
            .try_get_compiler()?
            .path()
            .to_owned(),
        include: [driver.clone(), kernels.clone()],
        out: objects_folder(&out)?,
    };
    let mut sources = Vec::new();
    for source in files(&driver, "cpp")? {
        sources.push((source, build.flags.to_vec()));
    }
    for kernel in files(&faults, "cu")?.iter().chain(&files(&kernels, "cu")?) {
        let source = compiler.write_registration(kernel)?;
        sources.push((source, [build.flags, build.kernel_flags].concat()));
    }
    let objects = compiler.compile(&sources)?;
    for object in files(&compiler.out, "o")? {
        if !objects.contains(&object) {
            fs::remove_file(object)?;
        }
    }
    fs::create_dir_all(&folder)?;
    // cudarc asks for libcuda.so first: by that name it must get this library
    // where it is loaded, or stands in the search path, beside a real driver.
    run(Command::new(&compiler.program)
        .args(["-shared", "-pthread", "-Wl,-soname,libcuda.so"])
        .args(build.kernel_flags)
        .args(objects)
        .arg("-o")
        .arg(&library))?;
    let link = folder.join("libcuda.so");
    if !link.exists() {
        symlink("libcuda.so.1", link)?;
    }
    println!("cargo:rustc-env=CUDA_SIM_LIBRARY={}", library.display());
    Ok(())
}

/// Where objects lie: beside the folder that cargo gives each way of building
/// (for clippy, for tests), so that all of them share the objects.
fn objects_folder(out: &Path) -> Result<PathBuf> {
    let profile = out.ancestors().nth(3).context("OUT_DIR has no profile")?;
    let folder = profile.join("cuda-sim");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The files of a folder with an extension, sorted.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path()));
    let mut files: Vec<PathBuf> = paths.collect::<Result<_>>()?;
    files.retain(|file| file.extension() == Some(OsStr::new(extension)));
    files.sort();
    Ok(files)
}

/// The names in `KERNEL(threads) name(`.
fn kernel_names(text: &str) -> impl Iterator<Item = &str> {
    text.split("KERNEL(").skip(1).filter_map(|rest| {
        let (_threads, rest) = rest.split_once(')')?;
        let (name, _parameters) = rest.split_once('(')?;
        Some(name.trim())
    })
}

struct Compiler {
    program: PathBuf,
    include: [PathBuf; 2],
    out: PathBuf,
}

impl Compiler {
    /// Writes a source file that holds a kernel file and makes its kernels known
    /// by name. A namespace keeps apart what two kernel files call the same.
    fn write_registration(&self, kernel: &Path) -> Result<PathBuf> {
        let kernel_text = fs::read_to_string(kernel)?;
        let mut text = format!(
            "#include \"cuda_on_cpu.h\"\n#include \"registry.h\"\nnamespace {{\n\
             #line 1 \"{}\"\n{kernel_text}\n",
            kernel.display()
        );
        for name in kernel_names(&kernel_text) {
            text += &format!(
                "const cuda_on_cpu::Registration registration_of_{name}\
                 (cuda_on_cpu::host_kernel<{name}>(\"{name}\"));\n"
            );
        }
        text += "}\n";
        let stem = kernel.file_stem().context("a file without a name")?;
        let source = self.out.join(format!("kernels_{}.cpp", stem.display()));
        fs::write(&source, text)?;
        Ok(source)
    }

    /// The objects of sources with their flags, compiled side by side.
    fn compile(&self, sources: &[(PathBuf, Vec<&str>)]) -> Result<Vec<PathBuf>> {
        let objects = sources
            .iter()
            .map(|(source, flags)| self.object(source, flags));
        let objects: Vec<PathBuf> = objects.collect::<Result<_>>()?;
        let missing = sources
            .iter()
            .zip(&objects)
            .filter(|(_, object)| !object.exists());
        let queue = Mutex::new(missing);
        let work = || -> Result<()> {
            loop {
                let next = queue.lock().expect("no worker panics").next();
                let Some(((source, flags), object)) = next else {
                    return Ok(());
                };
                self.compile_one(source, flags, object)?;
            }
        };
        let workers = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let mut results = workers
                .into_iter()
                .map(|worker| worker.join().expect("no worker panics"));
            results.try_for_each(|result| result)
        })?;
        Ok(objects)
    }

    /// Where the object of a source lies.
    fn object(&self, source: &Path, flags: &[&str]) -> Result<PathBuf> {
        let mut hash = DefaultHasher::new();
        (FLAGS, flags).hash(&mut hash);
        let mut files = vec![source.to_owned()];
        let mut next = 0;
        while let Some(file) = files.get(next) {
            let text = fs::read_to_string(file)?;
            text.hash(&mut hash);
            for header in self.included(&text) {
                if !files.contains(&header) {
                    files.push(header);
                }
            }
            next += 1;
        }
        let stem = source.file_stem().context("a file without a name")?;
        let name = format!("{}-{:016x}.o", stem.display(), hash.finish());
        Ok(self.out.join(name))
    }

    /// Our headers that a text includes.
    fn included(&self, text: &str) -> impl Iterator<Item = PathBuf> {
        let names = text.lines().filter_map(|line| {
            let name = line.trim_start().strip_prefix("#include \"")?;
            name.split('"').next()
        });
        names.filter_map(|name| {
            let mut paths = self.include.iter().map(|folder| folder.join(name));
            paths.find(|path| path.exists())
        })
    }

    fn compile_one(&self, source: &Path, flags: &[&str], object: &Path) -> Result<()> {
        // Under its name it is finished.
        let unfinished = object.with_extension("part");
        let mut command = Command::new(&self.program);
        command.args(FLAGS).args(flags);
        for folder in &self.include {
            command.arg("-I").arg(folder);
        }
        command.arg("-c").arg(source).arg("-o").arg(&unfinished);
        run(&mut command)?;
        Ok(fs::rename(unfinished, object)?)
    }
}

/// Runs a compiler; what it says is the error.
fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
