//! CUDA devices that are missing, unfit, too small or lost, on the simulated
//! driver: the program finds it in `LD_LIBRARY_PATH`, before a real one.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use crate::program::{assert_fails, program, stderr, stdout, tree, words};

const NAME: &str = "device: simulated (CUDA device 0, compute capability 9.0)";
const SAMPLE: &str = "sample --pair tiny --neuron fc8:volcano=-1..1 --seed 7";

/// Knobs of the simulated driver and other variables of the environment.
type Environment<'a> = &'a [(&'a str, &'a str)];

/// Runs a command line with the driver that lies in a folder.
fn run_with(driver: &Path, environment: Environment<'_>, folder: &Path, line: &str) -> Output {
    program(folder)
        .env("LD_LIBRARY_PATH", driver)
        .envs(environment.iter().copied())
        .args(words(line))
        .output()
        .unwrap()
}

fn simulated(environment: Environment<'_>, folder: &Path, line: &str) -> Output {
    let driver = cuda_sim::library().parent().unwrap();
    run_with(driver, environment, folder, line)
}

fn assert_succeeds(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

/// The one line that says where a run takes place.
fn place(output: &Output) -> String {
    let stderr = stderr(output);
    let lines: Vec<&str> = stderr
        .lines()
        .filter_map(|line| line.strip_prefix("sampling on "))
        .collect();
    assert_eq!(lines.len(), 1, "{stderr}");
    lines[0].to_owned()
}

/// The files of a run directory whose bytes two equal runs share.
fn repeated(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = tree(directory);
    files.remove("log.jsonl").expect("every run is logged");
    files
}

/// Asserts that the device will not do: `auto` takes the CPU and tells why,
/// `cuda` is an error.
fn assert_unfit(driver: &Path, environment: Environment<'_>, reason: &str) {
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| run_with(driver, environment, folder.path(), line);

    let refused = run(&format!("{SAMPLE} -n 1 --device cuda"));
    assert_fails(reason, &refused, 2, "");
    assert_eq!(
        stderr(&refused),
        format!("error: looking for a CUDA device: {reason}; run with --device cpu\n")
    );
    assert!(tree(folder.path()).is_empty(), "{reason}");

    let output = run(&format!("{SAMPLE} -n 1 --device auto --out run"));
    assert_succeeds(&output);
    let place = place(&output);
    assert!(place.starts_with("CPU ("), "{place}");
    assert!(place.ends_with(&format!("): {reason}")), "{place}");
}

const NO_DRIVER: &str = "there is no CUDA driver (libcuda.so.1)";

#[test]
fn without_a_driver_the_cpu_is_taken() {
    // On a machine with a real driver only the next test is one of this.
    if !Path::new("/proc/driver/nvidia/version").exists() {
        assert_unfit(Path::new(""), &[], NO_DRIVER);
    }
}

#[test]
fn a_library_that_is_none_is_no_driver() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["libcuda.so", "libcuda.so.1"] {
        fs::write(folder.path().join(name), "garbage").unwrap();
    }
    assert_unfit(folder.path(), &[], NO_DRIVER);
}

#[test]
fn a_driver_that_lacks_a_function_is_not_called() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("driver.c");
    fs::write(&source, "int cuInit(unsigned flags) { return flags; }").unwrap();
    let library = folder.path().join("libcuda.so.1");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library);
    assert!(compiler.arg(&source).status().unwrap().success());
    symlink(&library, folder.path().join("libcuda.so")).unwrap();
    assert_unfit(
        folder.path(),
        &[],
        "the CUDA driver is too old or broken: it lacks cuDriverGetVersion",
    );
}

#[test]
fn drivers_and_devices_that_will_not_do_are_not_taken() {
    let driver = cuda_sim::library().parent().unwrap();
    for (knob, value, reason) in [
        (
            "CUDA_SIM_DRIVER",
            "11080",
            "the CUDA driver is for CUDA 11.8, at least 12.4 is needed (NVIDIA driver 550 or newer)",
        ),
        (
            "CUDA_SIM_DEVICES",
            "0",
            "the CUDA driver does not start: no CUDA-capable device is detected",
        ),
        (
            "CUDA_SIM_CAPABILITY",
            "70",
            "CUDA device 0 (device: simulated) has compute capability 7.0, at least 7.5 is needed",
        ),
    ] {
        assert_unfit(driver, &[(knob, value)], reason);
    }
}

/// `cudarc` panics where a function is missing, so the program looks for all
/// first: nothing else may be looked up later. The loader tells.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn every_function_is_looked_for_before_any_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("loader");
    let tell = [
        ("LD_DEBUG", "bindings"),
        ("LD_DEBUG_OUTPUT", out.to_str().unwrap()),
    ];
    let line = format!("{SAMPLE} -n 1 --batch 2 --device cuda --out run");
    assert_succeeds(&simulated(&tell, folder.path(), &line));

    let files = fs::read_dir(folder.path()).unwrap();
    let mut paths = files.map(|entry| entry.unwrap().path());
    let told = paths.find(|path| path.extension().is_some()).unwrap();
    let told = fs::read_to_string(told).unwrap();
    let names: Vec<&str> = told
        .lines()
        .filter_map(|line| line.split('`').nth(1)?.split('\'').next())
        .filter(|name| name.starts_with("cu") && !name.starts_with("cuda_"))
        .collect();
    // The first that is looked up to be called.
    let called = names.iter().rposition(|name| *name == "cuInit").unwrap();
    let (looked_for, called) = names.split_at(called);
    assert!(called.len() > 20, "{called:?}");
    for name in called {
        assert!(looked_for.contains(name), "{name} is not looked for");
    }
}

#[test]
fn a_device_is_taken_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let run = |devices, device| {
        let line = format!("{SAMPLE} -n 2 --batch 2 --device cuda:{device} --out run-{device}");
        simulated(&[("CUDA_SIM_DEVICES", devices)], folder.path(), &line)
    };
    for (devices, device, reason) in [
        ("1", 1, "no CUDA device 1; there is only device 0"),
        ("2", 2, "no CUDA device 2; there are 0 to 1"),
    ] {
        let complaint =
            format!("looking for a CUDA device: there is {reason}; run with --device cpu");
        assert_fails(reason, &run(devices, device), 2, &complaint);
        assert!(tree(folder.path()).is_empty(), "{reason}");
    }

    let second = run("2", 1);
    assert_succeeds(&second);
    assert_eq!(place(&second), NAME.replace("device 0", "device 1"));
    let record = fs::read_to_string(folder.path().join("run-1/run.json")).unwrap();
    let mark = r#""instruction_set": "CUDA 9.0, device: simulated""#;
    assert!(record.contains(mark), "{record}");

    // Devices of one kind are one to a run; a CPU is not.
    let line = format!("{SAMPLE} -n 2 --batch 2 --out run-1");
    let first = simulated(&[], folder.path(), &line);
    assert_succeeds(&first);
    assert!(stdout(&first).contains("finished before"));
    let host = simulated(&[], folder.path(), &format!("{line} --device cpu"));
    let complaint = "writing the results (--out): run-1: holds this run made with CUDA 9.0, device: simulated; with ";
    assert_fails("--device cpu", &host, 2, complaint);
    let remedy =
        "go on with the --device that it was begun on, choose another directory, or remove it\n";
    assert!(stderr(&host).ends_with(remedy), "{}", stderr(&host));
}

#[test]
fn a_batch_that_does_not_fit_names_the_largest_that_does() {
    let folder = tempfile::tempdir().unwrap();
    let run = |mib, options: &str| {
        let line = format!("{SAMPLE} --images none --device cuda --out run {options}");
        simulated(&[("CUDA_SIM_MEMORY", mib)], folder.path(), &line)
    };
    let large = run("1", "--batch 64");
    let complaint = format!(" bytes are free on {NAME}; the largest batch that fits is ");
    assert_fails("--batch 64", &large, 2, &complaint);
    let large = stderr(&large);
    let start = "error: sampling 64 images at a time: running tiny generator on 64 samples needs ";
    assert!(large.starts_with(start), "{large}");
    assert!(tree(folder.path()).is_empty());
    let (_, largest) = large.trim_end().rsplit_once("try --batch ").unwrap();
    let largest: usize = largest.parse().unwrap();

    let one_more = run("1", &format!("--batch {}", largest + 1));
    let complaint = format!("; the largest batch that fits is {largest}: try --batch {largest}");
    assert_fails("one more", &one_more, 2, &complaint);
    assert!(tree(folder.path()).is_empty());
    // With more samples than one batch, to its very end.
    let fits = run("1", &format!("--batch {largest} -n {}", largest + 1));
    assert_succeeds(&fits);
}

#[test]
fn networks_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let line = "sample --pair fashion --neuron fc8:0 --device cuda --out run";
    let run = |mib| simulated(&[("CUDA_SIM_MEMORY", mib)], folder.path(), line);
    let weights = run("1");
    let complaint = format!(
        "fashion/classifier.safetensors: loading weights of fashion classifier to {NAME}: needs "
    );
    assert_fails("weights", &weights, 1, &complaint);
    let remedy = " bytes are available; run with --device cpu\n";
    assert!(stderr(&weights).ends_with(remedy), "{}", stderr(&weights));
    let one = run("11");
    let complaint =
        format!(" bytes are free on {NAME}; not even one at a time fits: run with --device cpu");
    assert_fails("one sample", &one, 2, &complaint);
    assert!(tree(folder.path()).is_empty());
}

#[test]
fn a_run_goes_on_after_its_device_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    let line = |out| format!("{SAMPLE} -n 16 --batch 4 --device cuda --out {out}");
    let count_to = [("CUDA_SIM_COUNT", count.to_str().unwrap())];
    assert_succeeds(&simulated(&count_to, folder.path(), &line("whole")));
    let counts = fs::read_to_string(&count).unwrap();
    let kernels = counts.lines().find_map(|l| l.strip_prefix("kernels_run "));
    let kernels: usize = kernels.unwrap().parse().unwrap();
    let whole = repeated(&folder.path().join("whole"));

    let lose_at = |kernel: usize, out| {
        let knob = [("CUDA_SIM_LOSE", &*kernel.to_string())];
        let output = simulated(&knob, folder.path(), &line(out));
        let complaint = format!("error: running on {NAME}: ");
        assert_fails("a lost device", &output, 1, &complaint);
        let end = "an illegal memory access was encountered; the device is lost to this run, start it again";
        let resume =
            format!("{end}; what was accepted is kept; go on with sampler-cli resume {out}\n");
        let end = match folder.path().join(out).exists() {
            true => resume,
            false => format!("{end}\n"),
        };
        assert!(stderr(&output).ends_with(&end), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    };
    for kernel in [1, kernels / 10] {
        lose_at(kernel, "nothing");
        assert!(!folder.path().join("nothing").exists(), "{kernel}");
    }

    lose_at(kernels * 3 / 4, "part");
    let part = folder.path().join("part");
    let kept = repeated(&part);
    let is_batch = |name: &&String| name.starts_with("batches/0");
    assert!(
        kept.keys().filter(is_batch).count() >= 2,
        "{:?}",
        kept.keys()
    );
    assert!(!kept.contains_key("manifest.json"));
    for (name, bytes) in kept.iter().filter(|(name, _)| is_batch(name)) {
        assert!(whole[name] == *bytes, "{name}");
    }
    assert_succeeds(&simulated(&[], folder.path(), &line("part")));
    assert!(repeated(&part) == whole);
}

#[test]
fn two_processes_share_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let run = |out| {
        let line = format!("{SAMPLE} -n 8 --batch 4 --device cuda --out {out}");
        assert_succeeds(&simulated(&[], folder.path(), &line));
        repeated(&folder.path().join(out))
    };
    let [one, two] = std::thread::scope(|scope| {
        ["one", "two"]
            .map(|out| scope.spawn(move || run(out)))
            .map(|process| process.join().unwrap())
    });
    assert!(one == two);
}
