//! `report.html`: one page that shows results to people.
//!
//! It holds all that it shows and asks no network for anything: its policy
//! forbids the browser to. Its bytes depend on the saved files and the networks
//! alone.

mod atlas;
mod classes;
mod command;
mod compare;
mod frame;
mod gallery;
mod levels;
mod likeness;
mod numbers;
mod pictures;
mod plots;
mod range;
mod run;
mod table;
mod words;

use std::path::{Path, PathBuf};

use askama::Template;

use crate::pair::Pair;
use crate::{Error, atlas as atlases, finished_runs, levels as level_runs};

pub(crate) use atlas::write as write_atlas;
pub use command::quoted;
pub(crate) use compare::write as write_compare;
pub(crate) use levels::write as write_levels;
pub use numbers::thousands;
pub(crate) use run::{Totals, write as write_run};

/// The page's name in its directory.
const REPORT: &str = "report.html";

/// Writes `report.html` once more into the directory of a finished run, of
/// levels or an atlas and of each of their runs, or of a comparison, and says
/// where the pages are. The pair is that of the run; its generator is needed only where the run
/// stored no images.
///
/// # Errors
/// [`Error::Directory`] for a directory without a finished run or with a damaged
/// file, [`Error::Io`] for one that cannot be read or written,
/// [`Error::Request`] for networks that are not those of the run.
pub fn write_report(directory: &Path, pair: &Pair) -> Result<Vec<PathBuf>, Error> {
    if crate::compare::is_one(directory) {
        return Ok(vec![write_compare(directory, pair)?]);
    }
    let runs = finished_runs(directory)?;
    let pages = runs.iter().map(|run| run::rewrite(run, pair));
    let mut pages = pages.collect::<Result<Vec<_>, _>>()?;
    if level_runs::are_there(directory) {
        pages.insert(0, write_levels(directory, pair)?);
    }
    if atlases::are_there(directory) {
        pages.insert(0, write_atlas(directory, pair)?);
    }
    Ok(pages)
}

/// Whether a directory has its page.
pub(crate) fn is_there(directory: &Path) -> bool {
    directory.join(REPORT).exists()
}

/// Writes a page into a directory, whole or not at all, and says where it is.
fn save(directory: &Path, page: &impl Template) -> Result<PathBuf, Error> {
    let html = page.render().expect("a page is written to memory");
    let path = directory.join(REPORT);
    netfile::replace_file(&path, html.as_bytes())
        .map_err(|cause| Error::from_write(&path, cause))?;
    Ok(path)
}
