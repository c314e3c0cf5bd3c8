use crate::error::quoted;
use crate::{Error, MAX_FIELDS, MAX_STRING};

/// Reads the names of units as Caffe's `synset_words.txt` lists them: one a
/// line, an id, blanks, and words. Gives id and words of each, in order.
///
/// # Errors
///
/// Where the text is not UTF-8, a line holds no two words or more than 4,096
/// bytes, and more than 200,000 lines.
pub fn read_labels(text: &[u8]) -> Result<Vec<(&str, &str)>, Error> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let place = format!("byte {}", error.valid_up_to());
        Error::new(place, "text in UTF-8", "other bytes")
    })?;
    let mut labels = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let complain = |expected: String, found: String| {
            Error::new(format_args!("line {number}"), expected, found)
        };
        if number > MAX_FIELDS {
            return Err(complain(
                format!("at most {MAX_FIELDS} lines"),
                "more".into(),
            ));
        }
        if line.len() > MAX_STRING {
            let found = format!("{} bytes", line.len());
            return Err(complain(format!("at most {MAX_STRING} bytes"), found));
        }
        let (id, words) = line
            .trim()
            .split_once(char::is_whitespace)
            .ok_or_else(|| complain("an id and a name".into(), quoted(line)))?;
        labels.push((id, words.trim_start()));
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ids_and_names() {
        let labels = read_labels(b"n01 tench, Tinca tinca\r\n n02\t goldfish \n").unwrap();
        assert_eq!(labels, [("n01", "tench, Tinca tinca"), ("n02", "goldfish")]);
    }

    #[test]
    fn other_lines_are_refused() {
        let long = format!("n01 {}", "x".repeat(MAX_STRING));
        let many = "n01 x\n".repeat(MAX_FIELDS + 1);
        for (text, complaint) in [
            (
                &b"n01 tench\ngoldfish\n"[..],
                "line 2: expected an id and a name, found \"goldfish\"",
            ),
            (
                b"n01 tench\n\nn02 x",
                "line 2: expected an id and a name, found \"\"",
            ),
            (
                b"n01 \xff",
                "byte 4: expected text in UTF-8, found other bytes",
            ),
            (
                long.as_bytes(),
                "line 1: expected at most 4096 bytes, found 4100 bytes",
            ),
            (
                many.as_bytes(),
                "line 200001: expected at most 200000 lines, found more",
            ),
        ] {
            assert_eq!(read_labels(text).unwrap_err().to_string(), complaint);
        }
    }
}
