//! A disk that refuses a change, and takes it later.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;
use std::rc::Rc;

use netfile::disk::{self, Change};

use crate::disk::recorded;
use crate::job::{Work, assert_goes_on, atlas, levels, sample, tree};

#[test]
fn a_run_survives_every_refused_change() {
    refuse_everywhere(sample);
}

#[test]
fn levels_survive_every_refused_change() {
    refuse_everywhere(levels);
}

#[test]
fn an_atlas_survives_every_refused_change() {
    refuse_everywhere(atlas);
}

/// How long the disk refuses.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Until {
    /// One change fails.
    TheNext,
    /// All that follow fail, too.
    TheEnd,
}

/// Does the work on a disk that is full from one change on.
fn with_fault(
    work: Work,
    folder: &Path,
    at: usize,
    until: Until,
    accepted: &mut usize,
) -> (Result<(), String>, String) {
    let count = Cell::new(0);
    let refused = Rc::new(RefCell::new(String::new()));
    let told = Rc::clone(&refused);
    let observer = move |change: &Change<'_>| {
        let number = count.replace(count.get() + 1);
        if number == at {
            *told.borrow_mut() = format!("{change:?}").chars().take(200).collect();
        }
        // Removing needs no room.
        let removes = matches!(change, Change::Remove(_) | Change::RemoveFolder(_));
        match number == at || until == Until::TheEnd && number > at && !removes {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    };
    let done = disk::observed(observer, || work(folder, &mut |n| *accepted = n));
    (done, refused.take())
}

fn refuse_everywhere(work: Work) {
    let folder = crate::disk::folder();
    let changes = recorded(work, folder.path()).len();
    let whole = tree(folder.path());
    for at in 0..changes {
        for until in [Until::TheNext, Until::TheEnd] {
            let folder = crate::disk::folder();
            let mut accepted = 0;
            let (done, refused) = with_fault(work, folder.path(), at, until, &mut accepted);
            let when = format!("{until:?}, change {at}: {refused}");
            if done.is_ok() && refused.starts_with("Remove") {
                // What is only cleared away may stay.
                continue;
            }
            let message = done.expect_err(&when);
            assert!(message.ends_with("no storage space"), "{when}: {message}");
            let place = folder.path().display().to_string();
            assert!(message.contains(&place), "{when}: {message}");
            let left = tree(folder.path());
            let is_record = |name: &String| {
                let records = ["/run.json", "/levels.json", "/atlas.json"];
                records.iter().any(|record| name.ends_with(record))
            };
            if !left.keys().any(is_record) {
                assert!(left.is_empty(), "{when}: {:?} are left", left.keys());
            }
            assert_goes_on(work, folder.path(), accepted, &whole, &when);
        }
    }
}
