//! Storage whose vectors do not straddle cache lines.

#![allow(unsafe_code, reason = "a slice of lines is seen as a slice of f32")]

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Values of a cache line.
const LINE: usize = 16;

#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([f32; LINE]);

/// A vector of f32 that begins at a cache line.
#[derive(Clone)]
pub(crate) struct Floats {
    lines: Vec<Line>,
    len: usize,
}

impl Floats {
    pub(crate) fn new(value: f32, len: usize) -> Floats {
        Floats {
            lines: vec![Line([value; LINE]); len.div_ceil(LINE)],
            len,
        }
    }
}

impl Deref for Floats {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: the lines are `len` or more f32 one after the other.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Floats {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and `self` is borrowed for as long.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl fmt::Debug for Floats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.len)
    }
}
