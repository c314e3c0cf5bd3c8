//! Steps through the bytes of a pickle.

use super::bad;
use crate::{Error, MAX_STRING};

/// A place in a file. Little endian, as pickles are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// In bytes from the start.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let rest = &self.bytes[self.position..];
        let taken = rest.get(..count).ok_or_else(|| {
            bad(
                self.position,
                format!("{count} more bytes"),
                format!("{} until the end", rest.len()),
            )
        })?;
        self.position += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Error> {
        self.array().map(i32::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, Error> {
        self.array().map(i64::from_le_bytes)
    }

    /// A length; one that does not fit is longer than any file.
    pub(super) fn length(&mut self) -> Result<usize, Error> {
        let length = self.array().map(u64::from_le_bytes)?;
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// A whole number of `count` bytes, in two's complement.
    pub(super) fn long(&mut self, count: usize) -> Result<i128, Error> {
        let place = self.position;
        let bytes = self.take(count)?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut array = [if negative { 0xff } else { 0 }; 16];
        array
            .get_mut(..count)
            .ok_or_else(|| {
                bad(
                    place,
                    "a number of at most 16 bytes",
                    format!("{count} bytes"),
                )
            })?
            .copy_from_slice(bytes);
        Ok(i128::from_le_bytes(array))
    }

    /// UTF-8 text of `count` bytes.
    pub(super) fn text(&mut self, count: usize) -> Result<&'a str, Error> {
        let place = self.position;
        let bytes = self.take(count)?;
        str::from_utf8(bytes).map_err(|_| bad(place, "text in UTF-8", "other bytes"))
    }

    /// UTF-8 text until the end of the line, at most 4,096 bytes.
    pub(super) fn line(&mut self) -> Result<&'a str, Error> {
        let rest = &self.bytes[self.position..];
        let length = rest
            .iter()
            .take(MAX_STRING)
            .position(|&byte| byte == b'\n')
            .ok_or_else(|| {
                bad(
                    self.position,
                    format!("a line of at most {MAX_STRING} bytes"),
                    "none",
                )
            })?;
        let line = self.text(length)?;
        self.position += 1;
        Ok(line)
    }
}
