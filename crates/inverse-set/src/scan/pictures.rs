//! The pictures of a folder or of a file.

use std::fs;
use std::path::{Path, PathBuf};

use super::picture;
use crate::Error;
use crate::neuron::Shown;
use crate::reference::Reference;

/// Pictures in a fixed order.
pub(crate) enum Pictures {
    /// Files of a folder and of those in it.
    Files {
        folder: PathBuf,
        /// Below the folder, in order.
        names: Vec<PathBuf>,
        /// Files that are no pictures by their names.
        others: usize,
        /// Folders that could not be read, and why.
        unreadable: Vec<(PathBuf, String)>,
    },
    /// Images of a safetensors file.
    Tensor(Reference),
}

impl Pictures {
    /// Those of a folder, or of a file as [`Reference::open`] takes it. Links to
    /// folders are not followed, and the folder `without` is left out.
    ///
    /// # Errors
    /// [`Error::Request`] where there is neither, or no picture at all.
    pub(crate) fn find(
        source: &Path,
        shape: [usize; 3],
        without: &Path,
    ) -> Result<Pictures, Error> {
        if source.is_file() {
            return Reference::open(&source.into(), shape).map(Pictures::Tensor);
        }
        if !source.is_dir() {
            return Err(refused(source, "there is no such folder or file"));
        }
        let pictures = list(source, without);
        match &pictures {
            Pictures::Files {
                names, unreadable, ..
            } if names.is_empty() => match unreadable.first() {
                Some((_, cause)) => Err(refused(source, cause)),
                None => Err(refused(
                    source,
                    "no picture is in it; expected files named .png, .jpg or .jpeg",
                )),
            },
            _ => Ok(pictures),
        }
    }

    /// Number of pictures, readable or not.
    pub(crate) fn count(&self) -> usize {
        match self {
            Pictures::Files { names, .. } => names.len(),
            Pictures::Tensor(reference) => reference.count(),
        }
    }

    /// The path of a picture below the folder, or its number in the file.
    pub(crate) fn name(&self, i: usize) -> String {
        match self {
            Pictures::Files { names, .. } => names[i].to_string_lossy().into_owned(),
            Pictures::Tensor(_) => i.to_string(),
        }
    }

    /// A picture as planes of 8 bits of `shape`, `[c, h, w]`.
    ///
    /// # Errors
    /// What is wrong with its file.
    pub(crate) fn read(&self, i: usize, shape: [usize; 3]) -> Result<Vec<u8>, String> {
        match self {
            Pictures::Files { folder, names, .. } => picture::read(&folder.join(&names[i]), shape),
            Pictures::Tensor(reference) => {
                let pixels = reference.pixels();
                Ok(reference.images[i * pixels..][..pixels].to_vec())
            }
        }
    }
}

/// Lists a folder and those in it, in the order of the paths.
fn list(source: &Path, without: &Path) -> Pictures {
    let without = without.canonicalize().ok();
    let (mut names, mut unreadable, mut others) = (Vec::new(), Vec::new(), 0);
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = source.join(&folder);
        if without.is_some() && path.canonicalize().ok() == without {
            continue;
        }
        let entries = fs::read_dir(&path).and_then(|entries| {
            let entry = |entry: std::io::Result<fs::DirEntry>| {
                let entry = entry?;
                Ok((folder.join(entry.file_name()), entry.file_type()?))
            };
            entries.map(entry).collect::<std::io::Result<Vec<_>>>()
        });
        let entries = match entries {
            Ok(entries) => entries,
            Err(cause) => {
                unreadable.push((folder, cause.to_string()));
                continue;
            }
        };
        for (name, kind) in entries {
            if kind.is_dir() {
                folders.push(name);
            } else if kind.is_symlink() && source.join(&name).is_dir() {
                // A link may lead back here.
            } else if is_picture(&name) {
                names.push(name);
            } else {
                others += 1;
            }
        }
    }
    names.sort_unstable();
    unreadable.sort_unstable();
    Pictures::Files {
        folder: source.to_owned(),
        names,
        others,
        unreadable,
    }
}

fn is_picture(name: &Path) -> bool {
    let extension = name.extension().unwrap_or_default();
    ["png", "jpg", "jpeg"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

fn refused(source: &Path, cause: &str) -> Error {
    let source = source.display().to_string();
    Error::Request(format!("scanning {}: {cause}", Shown(&source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_folders_are_listed_in_order_and_what_is_no_picture_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for inner in ["b", "b/c", "out"] {
            fs::create_dir(at(inner)).unwrap();
        }
        for name in [
            "z.PNG",
            "b/y.jpg",
            "b/c/x.jpeg",
            "a.png",
            "b/notes.txt",
            "out/grid.png",
        ] {
            fs::write(at(name), b"").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), at("b/link")).unwrap();

        let pictures = Pictures::find(folder.path(), [1, 1, 1], &at("out")).unwrap();
        let names: Vec<String> = (0..pictures.count()).map(|i| pictures.name(i)).collect();
        assert_eq!(names, ["a.png", "b/c/x.jpeg", "b/y.jpg", "z.PNG"]);
        assert!(matches!(pictures, Pictures::Files { others: 1, .. }));
    }

    #[test]
    fn a_folder_without_pictures_and_none_at_all_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (source, complaint) in [
            (folder.path().to_owned(), "no picture is in it"),
            (folder.path().join("none"), "there is no such folder"),
        ] {
            let error = Pictures::find(&source, [1, 1, 1], Path::new("out"))
                .err()
                .unwrap();
            assert!(matches!(error, Error::Request(_)));
            assert!(error.to_string().contains(complaint), "{error}");
        }
    }
}
