//! A model of a disk: which names and which bytes a crash leaves.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use netfile::disk::{self, Change};

use crate::job::Work;

/// A change that was seen, below a folder.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    MakeFolder(PathBuf),
    Create(PathBuf),
    Write(PathBuf, u64, Vec<u8>),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    RemoveFolder(PathBuf),
    SyncFolder(PathBuf),
}

/// A folder in memory where there is such a thing: nothing has to wait for a
/// disk, since what it would keep is told by the model.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    folder.unwrap()
}

/// Does work in a folder, and gives every change that it made there, with the
/// number of samples that had been accepted before.
pub(crate) fn recorded(work: Work, folder: &Path) -> Vec<(usize, Seen)> {
    let (accepted, seen) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    let (before, list) = (Rc::clone(&accepted), Rc::clone(&seen));
    let root = folder.to_owned();
    let done = disk::observed(
        move |change| {
            let change = Seen::of(change, &root);
            list.borrow_mut().push((before.get(), change));
            Ok(())
        },
        || work(folder, &mut |n| accepted.set(n)),
    );
    done.unwrap();
    seen.take()
}

impl Seen {
    fn of(change: &Change<'_>, folder: &Path) -> Seen {
        let below = |path: &Path| path.strip_prefix(folder).unwrap().to_owned();
        match *change {
            Change::MakeFolder(path) => Seen::MakeFolder(below(path)),
            Change::Create(path) => Seen::Create(below(path)),
            Change::Write { path, at, bytes } => Seen::Write(below(path), at, bytes.to_vec()),
            Change::Sync(path) => Seen::Sync(below(path)),
            Change::Rename { from, to } => Seen::Rename(below(from), below(to)),
            Change::Remove(path) => Seen::Remove(below(path)),
            Change::RemoveFolder(path) => Seen::RemoveFolder(below(path)),
            Change::SyncFolder(path) => Seen::SyncFolder(below(path)),
        }
    }
}

/// What a crash leaves of changes that were not forced to the disk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Crash {
    /// Everything: the process was killed.
    Killed,
    /// Nothing: power was lost.
    PowerLost,
    /// The names, but not the bytes: power was lost on a file system that
    /// writes its directories first.
    NamesOnly,
}

/// A file or a folder; the number is that of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Node {
    Folder,
    File(usize),
}

type Names = BTreeMap<PathBuf, Node>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    now: Names,
    safe: Names,
    /// The bytes of every file, as they are and as they are on the disk.
    files: Vec<[Vec<u8>; 2]>,
}

impl Disk {
    pub(crate) fn apply(&mut self, change: &Seen) {
        match change {
            Seen::MakeFolder(path) => drop(self.now.insert(path.clone(), Node::Folder)),
            Seen::Create(path) => {
                let file = Node::File(self.files.len());
                self.now.insert(path.clone(), file);
                self.files.push(Default::default());
            }
            Seen::Write(path, at, bytes) => {
                let at = *at as usize;
                let [now, _] = self.file(path);
                now.resize(now.len().max(at + bytes.len()), 0);
                now[at..][..bytes.len()].copy_from_slice(bytes);
            }
            Seen::Sync(path) => {
                let [now, safe] = self.file(path);
                safe.clone_from(now);
            }
            Seen::Rename(from, to) => {
                let node = self.now.remove(from).unwrap();
                self.now.insert(to.clone(), node);
            }
            Seen::Remove(path) | Seen::RemoveFolder(path) => {
                // What is not there cannot be removed, and may be asked for.
                self.now.remove(path);
            }
            Seen::SyncFolder(folder) => {
                let lies_in = |path: &PathBuf| path.parent() == Some(folder);
                self.safe.retain(|path, _| !lies_in(path));
                let here = self.now.iter().filter(|(path, _)| lies_in(path));
                self.safe
                    .extend(here.map(|(path, node)| (path.clone(), *node)));
            }
        }
    }

    fn file(&mut self, path: &Path) -> &mut [Vec<u8>; 2] {
        match self.now[path] {
            Node::File(file) => &mut self.files[file],
            Node::Folder => panic!("{} is a folder", path.display()),
        }
    }

    /// What a crash leaves: contents by path, and no contents for a folder.
    pub(crate) fn after(&self, crash: Crash) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let (names, which) = match crash {
            Crash::Killed => (&self.now, 0),
            Crash::PowerLost => (&self.safe, 1),
            Crash::NamesOnly => (&self.now, 1),
        };
        let mut left = BTreeMap::new();
        for (path, node) in names {
            let parent = path.parent().unwrap();
            // A name is lost with the folder that it stands in.
            if parent == Path::new("") || left.contains_key(parent) {
                let contents = match *node {
                    Node::Folder => None,
                    Node::File(file) => Some(self.files[file][which].clone()),
                };
                left.insert(path.clone(), contents);
            }
        }
        left
    }
}

/// Puts what a crash left into a folder.
pub(crate) fn put(folder: &Path, left: &BTreeMap<PathBuf, Option<Vec<u8>>>) {
    for (path, contents) in left {
        let path = folder.join(path);
        match contents {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::create_dir(path).unwrap(),
        }
    }
}

#[test]
fn a_disk_forgets_what_was_not_forced() {
    let path = |name: &str| PathBuf::from(name);
    let mut disk = Disk::default();
    let mut crash = |changes: &[Seen], crash| {
        changes.iter().for_each(|change| disk.apply(change));
        let left = disk.after(crash).into_iter();
        let left = left.map(|(path, bytes)| {
            let bytes = bytes.map_or("/".to_owned(), |bytes| String::from_utf8(bytes).unwrap());
            format!("{} {bytes}", path.display())
        });
        left.collect::<Vec<String>>()
    };
    let write = |name: &str, text: &str| Seen::Write(path(name), 0, text.into());
    let made = [Seen::Create(path("a")), write("a", "x")];
    assert_eq!(crash(&made, Crash::Killed), ["a x"]);
    assert_eq!(crash(&[], Crash::NamesOnly), ["a "]);
    assert!(crash(&[Seen::Sync(path("a"))], Crash::PowerLost).is_empty());
    assert_eq!(crash(&[], Crash::NamesOnly), ["a x"]);
    assert_eq!(
        crash(&[Seen::SyncFolder(path(""))], Crash::PowerLost),
        ["a x"]
    );
    let renamed = [write("a", "yy"), Seen::Rename(path("a"), path("b"))];
    assert_eq!(crash(&renamed, Crash::PowerLost), ["a x"]);
    assert_eq!(crash(&[], Crash::NamesOnly), ["b x"]);
    assert_eq!(crash(&[], Crash::Killed), ["b yy"]);
    let inner = [Seen::MakeFolder(path("d")), Seen::Create(path("d/e"))];
    assert_eq!(crash(&inner, Crash::Killed), ["b yy", "d /", "d/e "]);
    let synced = [Seen::SyncFolder(path("d"))];
    assert_eq!(crash(&synced, Crash::PowerLost), ["a x"]);
    let synced = [Seen::SyncFolder(path("")), Seen::Remove(path("b"))];
    assert_eq!(crash(&synced, Crash::PowerLost), ["b x", "d /", "d/e "]);
}
