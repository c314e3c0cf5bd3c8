use std::fmt::Display;

/// How much of a string from a file is shown in an error, in characters.
const SHOWN: usize = 80;

/// What is wrong with a file, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: expected {expected}, found {found}")]
pub struct Error {
    /// The layer, the field, and the byte offset (binary) or line and column
    /// (text), as far as they are known.
    pub place: String,
    /// What the format asks for.
    pub expected: String,
    /// What stands in the file.
    pub found: String,
}

impl Error {
    pub(crate) fn new(
        place: impl Display,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            place: place.to_string(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// The same error, seen from the surrounding structure.
    pub(crate) fn within(mut self, outer: impl Display) -> Self {
        self.place = format!("{outer}: {}", self.place);
        self
    }
}

/// A string of a file between quotes, escaped, at most 80 characters of it.
pub(crate) fn quoted(text: impl AsRef<[u8]>) -> String {
    let bytes = text.as_ref();
    // No character takes more than four bytes.
    let head = &bytes[..bytes.len().min(4 * SHOWN + 4)];
    let head = String::from_utf8_lossy(head);
    let mut shown = String::new();
    for character in head.chars() {
        let escaped: String = character.escape_debug().collect();
        if shown.chars().count() + escaped.len() > SHOWN {
            return format!("\"{shown}\"...");
        }
        shown += &escaped;
    }
    format!("\"{shown}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_a_file_are_shortened_and_escaped() {
        assert_eq!(quoted("conv1"), "\"conv1\"");
        assert_eq!(quoted(b"a\n\xff\""), "\"a\\n\u{fffd}\\\"\"");
        assert_eq!(
            quoted("x".repeat(1 << 20)),
            format!("\"{}\"...", "x".repeat(80))
        );
        assert!(quoted("\u{7}".repeat(1000)).chars().count() <= 85);
    }

    #[test]
    fn an_error_is_one_line_with_its_place_first() {
        let error = Error::new("byte 3", "a tag", "the end").within("layer \"conv1\"");
        assert_eq!(
            error.to_string(),
            "layer \"conv1\": byte 3: expected a tag, found the end"
        );
    }
}
