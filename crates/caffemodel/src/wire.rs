//! The fields of a protobuf message, one after the other, straight from the
//! bytes of a file.

use crate::Error;

/// The value of a field as it is written; the message's schema says what it
/// means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl Wire<'_> {
    /// What kind of value this is, for an error.
    pub(crate) fn form(&self) -> &'static str {
        match self {
            Wire::Varint(_) => "a varint",
            Wire::Fixed64(_) => "a fixed 64-bit value",
            Wire::Bytes(_) => "a length-delimited value",
            Wire::Fixed32(_) => "a fixed 32-bit value",
        }
    }
}

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Wire<'a>,
    /// Where its value begins in the file (behind tag and length).
    pub(crate) offset: usize,
}

impl<'a> Field<'a> {
    /// The bytes of a string, a message or packed numbers.
    pub(crate) fn bytes(&self) -> Result<&'a [u8], Error> {
        match self.value {
            Wire::Bytes(bytes) => Ok(bytes),
            _ => Err(self.unexpected("a length-delimited value")),
        }
    }

    /// An integer, an enumerator or a truth value.
    pub(crate) fn varint(&self) -> Result<u64, Error> {
        match self.value {
            Wire::Varint(value) => Ok(value),
            _ => Err(self.unexpected("a varint")),
        }
    }

    pub(crate) fn unexpected(&self, expected: &str) -> Error {
        Error::new(
            format_args!("field {}, byte {}", self.number, self.offset),
            expected,
            self.value.form(),
        )
    }
}

/// Iterates over the fields of a message; after an error it ends.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Fields<'a> {
    /// The fields of `message`, which begins at byte `offset` of its file.
    pub(crate) fn new(message: &'a [u8], offset: usize) -> Self {
        Self {
            rest: message,
            offset,
        }
    }

    /// The byte of the file that is read next.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Whether the message is at its end.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// A base-128 integer. Ten bytes hold any 64-bit value; what goes beyond
    /// 64 bits is dropped, as protobuf does.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Error> {
        match self.rest.first() {
            // Nearly all tags, and the sizes of most layers.
            Some(&byte) if byte < 0x80 => {
                self.take(1);
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Error> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.take(index + 1);
                return Ok(value);
            }
        }
        Err(match self.rest.len() {
            0..10 => self.error("a whole varint", "the end of the message"),
            _ => self.error("a varint of at most 10 bytes", "a longer one"),
        })
    }

    /// A fixed 32-bit value.
    pub(crate) fn fixed32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.fixed()?.0))
    }

    #[inline]
    fn field(&mut self) -> Result<Field<'a>, Error> {
        let start = self.offset;
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3)
            .ok()
            .filter(|number| (1..1 << 29).contains(number))
            .ok_or_else(|| {
                let found = format!("number {}", tag >> 3);
                Error::new(format_args!("byte {start}"), "a field of a message", found)
            })?;
        let (value, offset) = match tag & 7 {
            0 => {
                let offset = self.offset;
                (Wire::Varint(self.varint()?), offset)
            }
            1 => {
                let (bytes, offset) = self.fixed()?;
                (Wire::Fixed64(u64::from_le_bytes(bytes)), offset)
            }
            2 => {
                let (bytes, offset) = self.length_delimited(number)?;
                (Wire::Bytes(bytes), offset)
            }
            5 => {
                let (bytes, offset) = self.fixed()?;
                (Wire::Fixed32(u32::from_le_bytes(bytes)), offset)
            }
            other => {
                return Err(Error::new(
                    format_args!("field {number}, byte {start}"),
                    "a wire type of 0, 1, 2 or 5",
                    format!("{other}"),
                ));
            }
        };
        Ok(Field {
            number,
            value,
            offset,
        })
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Result<([u8; N], usize), Error> {
        let offset = self.offset;
        match self.rest.first_chunk::<N>() {
            Some(&bytes) => {
                self.take(N);
                Ok((bytes, offset))
            }
            None => Err(self.error(
                format!("{N} bytes"),
                format!("the end of the message after {}", self.rest.len()),
            )),
        }
    }

    fn length_delimited(&mut self, number: u32) -> Result<(&'a [u8], usize), Error> {
        let length = self.varint()?;
        let offset = self.offset;
        match usize::try_from(length) {
            Ok(length) if length <= self.rest.len() => Ok((self.take(length), offset)),
            _ => Err(Error::new(
                format_args!("field {number}, byte {offset}"),
                format!("{length} bytes"),
                format!("the end of the message after {}", self.rest.len()),
            )),
        }
    }

    #[inline]
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        self.offset += count;
        taken
    }

    #[cold]
    fn error(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::new(format_args!("byte {}", self.offset), expected, found)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(u32, Wire<'_>, usize)>, Error> {
        Fields::new(bytes, 100)
            .map(|field| field.map(|field| (field.number, field.value, field.offset)))
            .collect()
    }

    #[test]
    fn fields_are_read_with_their_offsets() {
        let bytes = [
            0x08, 0x96, 0x01, // 1: 150
            0x12, 0x02, b'h', b'i', // 2: "hi"
            0x1d, 0, 0, 0x80, 0x3f, // 3: 1f32
            0xa1, 0x06, 1, 0, 0, 0, 0, 0, 0, 0, // 100: fixed64 1
        ];
        let expected = vec![
            (1, Wire::Varint(150), 101),
            (2, Wire::Bytes(b"hi"), 105),
            (3, Wire::Fixed32(1f32.to_bits()), 108),
            (100, Wire::Fixed64(1), 114),
        ];
        assert_eq!(read(&bytes), Ok(expected));
    }

    #[test]
    fn a_negative_number_takes_ten_bytes() {
        let mut bytes = vec![0x08];
        bytes.extend([0xff; 9]);
        bytes.push(0x01);
        assert_eq!(read(&bytes), Ok(vec![(1, Wire::Varint(u64::MAX), 101)]));
    }

    #[test]
    fn malformed_fields_are_errors() {
        let near_2_63 = [
            0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0,
        ];
        let cases: &[(&[u8], &str)] = &[
            (
                &[0x00, 0x00],
                "byte 100: expected a field of a message, found number 0",
            ),
            (
                &[0x0b],
                "field 1, byte 100: expected a wire type of 0, 1, 2 or 5, found 3",
            ),
            (&[0x0c], "found 4"),
            (&[0x0e], "found 6"),
            (&[0x0f], "found 7"),
            (
                &[0x08],
                "byte 101: expected a whole varint, found the end of the message",
            ),
            (&[0x08, 0x80], "expected a whole varint"),
            (
                &[
                    0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
                ],
                "at most 10 bytes",
            ),
            (
                &[0x0a, 0x02, 0x00],
                "field 1, byte 102: expected 2 bytes, found the end of the message after 1",
            ),
            (&near_2_63, "expected 9223372036854775807 bytes"),
            (
                &[0x0d, 1, 2, 3],
                "byte 101: expected 4 bytes, found the end of the message after 3",
            ),
            (&[0x09, 1, 2, 3], "expected 8 bytes"),
            (
                &[0xf8, 0xff, 0xff, 0xff, 0xff, 0x01, 0],
                "expected a field of a message",
            ),
        ];
        for (bytes, expected) in cases {
            let error = read(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{bytes:?}: {error}");
        }
    }

    #[test]
    fn nothing_follows_an_error() {
        let mut fields = Fields::new(&[0x0b, 0x08, 0x01], 0);
        assert!(fields.next().unwrap().is_err());
        assert!(fields.next().is_none());
    }
}
