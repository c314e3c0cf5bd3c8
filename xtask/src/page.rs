//! The parts of a page of documentation that a task writes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Writes a text between two lines of a page.
///
/// # Errors
/// Fails if the page lacks one of the lines, or cannot be read or written.
pub(crate) fn write_between(page: &Path, begin: &str, end: &str, text: &str) -> Result<()> {
    let old = fs::read_to_string(page).with_context(|| format!("reading {}", page.display()))?;
    let new = replaced(&old, begin, end, text)
        .with_context(|| format!("{}: the lines around the table are missing", page.display()))?;
    fs::write(page, new).with_context(|| format!("writing {}", page.display()))?;
    println!("wrote {}", page.display());
    Ok(())
}

/// A page with another text between the two lines around it.
fn replaced(page: &str, begin: &str, end: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{text}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_lines_is_replaced() {
        let of = |page: &str, text| replaced(page, "<begin>\n", "<end>\n", text);
        let page = "above\n<begin>\nold\n<end>\nbelow\n";
        let found = of(page, "new\n").unwrap();
        assert_eq!(found, "above\n<begin>\n\nnew\n\n<end>\nbelow\n");
        assert_eq!(of(&found, "new\n").unwrap(), found);
        assert_eq!(of("above\nbelow\n", "new\n"), None);
    }
}
