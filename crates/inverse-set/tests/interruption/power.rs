//! Crashes after every change.

use std::collections::HashSet;

use crate::disk::{Crash, Disk, Seen, put, recorded};
use crate::job::{Work, assert_goes_on, atlas, levels, sample, tree};

#[test]
fn a_run_survives_a_crash_after_every_change() {
    crash_everywhere(sample);
}

#[test]
fn levels_survive_a_crash_after_every_change() {
    crash_everywhere(levels);
}

#[test]
fn an_atlas_survives_a_crash_after_every_change() {
    crash_everywhere(atlas);
}

/// Half of the bytes were written when the process was killed.
fn torn(change: &Seen) -> Option<Seen> {
    match change {
        Seen::Write(path, at, bytes) if bytes.len() > 1 => {
            let half = bytes[..bytes.len() / 2].to_vec();
            Some(Seen::Write(path.clone(), *at, half))
        }
        _ => None,
    }
}

fn crash_everywhere(work: Work) {
    let folder = crate::disk::folder();
    let changes = recorded(work, folder.path());
    let whole = tree(folder.path());
    let mut seen = HashSet::new();
    let mut disk = Disk::default();
    for (before, change) in &changes {
        let crashes = [Crash::Killed, Crash::PowerLost, Crash::NamesOnly];
        let mut states: Vec<_> = crashes.map(|crash| (crash, disk.after(crash))).into();
        if let Some(torn) = torn(change) {
            let mut disk = disk.clone();
            disk.apply(&torn);
            states.push((Crash::Killed, disk.after(Crash::Killed)));
        }
        for (crash, left) in states {
            let when = format!("{crash:?} before {}", short(change));
            if seen.insert((*before, left.clone())) {
                let folder = crate::disk::folder();
                put(folder.path(), &left);
                assert_goes_on(work, folder.path(), *before, &whole, &when);
            }
        }
        disk.apply(change);
    }
    let (changes, states) = (changes.len(), seen.len());
    println!("{changes} changes, {states} states after a crash");
    assert!(states > changes, "{states} states after {changes} changes");
}

fn short(change: &Seen) -> String {
    match change {
        Seen::Write(path, at, bytes) => {
            format!("Write({}, {at}, {} bytes)", path.display(), bytes.len())
        }
        other => format!("{other:?}"),
    }
}
