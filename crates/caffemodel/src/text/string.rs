use crate::error::quoted;

/// How many bytes stand before the closing quote on this line.
pub(super) fn length(text: &[u8], quote: u8) -> Option<usize> {
    let mut escaped = false;
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            b'\n' => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return Some(index),
            _ => {}
        }
    }
    None
}

/// Resolves C's escapes: letters, `\x1f`, `\017`, `\u00e9` and `\U0001f600`.
/// An error is what was expected and what was found.
pub(super) fn unescape(text: &[u8]) -> Result<String, (String, String)> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            bytes.push(first);
            continue;
        }
        let (length, resolved) = escape(rest).ok_or_else(|| {
            (
                "an escape of C".to_owned(),
                quoted(&rest[..rest.len().min(9)]),
            )
        })?;
        bytes.extend(resolved);
        rest = &rest[length..];
    }
    String::from_utf8(bytes).map_err(|_| ("UTF-8".to_owned(), quoted(text)))
}

/// What stands behind a backslash: how long it is and which bytes it means.
fn escape(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    let byte = match text.first()? {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        quote @ (b'\\' | b'\'' | b'"' | b'?') => *quote,
        b'0'..=b'7' => {
            let (count, value) = digits(text, 8, 3);
            return Some((count, vec![u8::try_from(value).ok()?]));
        }
        b'x' | b'X' => {
            let (count, value) = digits(&text[1..], 16, 2);
            return (count > 0).then_some((count + 1, vec![value as u8]));
        }
        b'u' => return character(&text[1..], 4),
        b'U' => return character(&text[1..], 8),
        _ => return None,
    };
    Some((1, vec![byte]))
}

fn character(text: &[u8], wanted: usize) -> Option<(usize, Vec<u8>)> {
    let (count, value) = digits(text, 16, wanted);
    let character = char::from_u32(value).filter(|_| count == wanted)?;
    Some((count + 1, character.to_string().into_bytes()))
}

/// How many digits there are, at most `most`, and their value.
fn digits(text: &[u8], radix: u32, most: usize) -> (usize, u32) {
    text.iter()
        .take(most)
        .map_while(|&byte| char::from(byte).to_digit(radix))
        .fold((0, 0), |(count, value), digit| {
            (count + 1, value.wrapping_mul(radix).wrapping_add(digit))
        })
}
