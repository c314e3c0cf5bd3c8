//! A table of figures.

use askama::Template;

/// Rows of figures under the same titles.
#[derive(Template)]
#[template(path = "table.html")]
pub(super) struct Table {
    /// What it holds, for those who cannot see it.
    pub about: String,
    pub titles: Vec<&'static str>,
    /// A name and its figures.
    pub rows: Vec<(String, Vec<String>)>,
}
