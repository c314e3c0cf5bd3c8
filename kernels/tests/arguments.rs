//! The declarations agree with the PTX: kernels, their arguments, threads and
//! compute capability. A launch passes bare addresses, so nothing else would
//! notice an argument of the wrong width.

use kernels::{Entry, MODULES, Module, pointwise};

/// A kernel as the PTX declares it.
struct Declared<'a> {
    name: &'a str,
    /// Bytes of each parameter.
    parameters: Vec<usize>,
    /// Threads of a block along x, y and z.
    threads: &'a str,
}

/// Reads the heads of all kernels, e.g.
///
/// ```text
/// .visible .entry fill(
///     .param .u64 fill_param_0,
///     .param .align 4 .b8 fill_param_1[24]
/// )
/// .maxntid 256, 1, 1
/// ```
fn declared(ptx: &str) -> Vec<Declared<'_>> {
    let mut kernels: Vec<Declared<'_>> = Vec::new();
    for line in ptx.lines().map(str::trim) {
        if let Some((_, name)) = line.split_once(".entry ") {
            kernels.push(Declared {
                name: name.split('(').next().unwrap(),
                parameters: Vec::new(),
                threads: "",
            });
        }
        let Some(kernel) = kernels.last_mut() else {
            continue;
        };
        if let Some(threads) = line.strip_prefix(".maxntid ") {
            kernel.threads = threads;
        } else if let Some(parameter) = line.strip_prefix(".param ") {
            kernel
                .parameters
                .push(bytes(parameter.trim_end_matches(',')));
        }
    }
    kernels
}

/// Size of a parameter: `.u64 name`, or `.align 4 .b8 name[24]` for a struct.
fn bytes(parameter: &str) -> usize {
    let (declaration, name) = parameter.rsplit_once(' ').unwrap();
    let kind = declaration.rsplit('.').next().unwrap();
    let bits: usize = kind
        .trim_start_matches(char::is_alphabetic)
        .parse()
        .unwrap();
    let count = name
        .split_once('[')
        .map_or(1, |(_, count)| count.trim_end_matches(']').parse().unwrap());
    bits / 8 * count
}

/// Everything in which a module's entries and its PTX disagree.
fn disagreements(module: &Module) -> Vec<String> {
    let mut found = Vec::new();
    let target = format!(".target sm_{}", module.capability);
    if !module.ptx.lines().any(|line| line == target) {
        found.push(format!("expected {target}"));
    }
    let declared = declared(module.ptx);
    for Entry {
        name,
        threads,
        arguments,
    } in module.entries
    {
        let Some(kernel) = declared.iter().find(|kernel| kernel.name == *name) else {
            found.push(format!("{name} is not in the PTX"));
            continue;
        };
        if kernel.parameters != *arguments {
            let parameters = &kernel.parameters;
            found.push(format!(
                "{name}: arguments {arguments:?}, PTX {parameters:?}"
            ));
        }
        let expected = format!("{threads}, 1, 1");
        if kernel.threads != expected {
            found.push(format!(
                "{name}: threads {expected}, PTX {}",
                kernel.threads
            ));
        }
    }
    for Declared { name, .. } in declared {
        if !module.entries.iter().any(|entry| entry.name == name) {
            found.push(format!("{name} is only in the PTX"));
        }
    }
    found
}

#[test]
fn declarations_agree_with_the_ptx() {
    for module in MODULES {
        assert_eq!(disagreements(module), [""; 0], "{}", module.name);
    }
}

#[test]
fn kernels_have_names_of_their_own() {
    let entries = MODULES.iter().flat_map(|module| module.entries);
    let mut names: Vec<_> = entries.map(|entry| entry.name).collect();
    names.sort();
    let repeated = names.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(repeated, None);
}

/// A copy of a module with other entries.
#[track_caller]
fn check_planted(change: impl FnOnce(&mut Vec<Entry>), expected: &str) {
    let mut entries = pointwise::MODULE.entries.to_vec();
    entries.sort_by_key(|entry| entry.name != "fill");
    change(&mut entries);
    let module = Module {
        entries: entries.leak(),
        ..pointwise::MODULE
    };
    assert_eq!(disagreements(&module), [expected]);
}

#[test]
fn planted_disagreements_are_found() {
    check_planted(
        |entries| entries[0].arguments = &[8, 8, 4],
        "fill: arguments [8, 8, 4], PTX [8, 4, 4]",
    );
    check_planted(
        |entries| entries[0].arguments = &[8, 4],
        "fill: arguments [8, 4], PTX [8, 4, 4]",
    );
    check_planted(
        |entries| entries[0].threads = 128,
        "fill: threads 128, 1, 1, PTX 256, 1, 1",
    );
    check_planted(|entries| _ = entries.remove(0), "fill is only in the PTX");
    check_planted(
        |entries| {
            let name = "absent";
            entries.push(Entry { name, ..entries[0] });
        },
        "absent is not in the PTX",
    );
    let other = Module {
        capability: 80,
        ..pointwise::MODULE
    };
    assert_eq!(disagreements(&other), ["expected .target sm_80"]);
}

#[test]
fn structs_count_whole() {
    let head =
        ".visible .entry f(\n\t.param .u16 f_param_0,\n\t.param .align 8 .b8 f_param_1[24]\n)\n";
    let [kernel] = &declared(head)[..] else {
        panic!("expected one kernel");
    };
    assert_eq!(kernel.parameters, [2, 24]);
}
