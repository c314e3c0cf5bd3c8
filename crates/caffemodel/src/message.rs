//! A message as a tree of named values. Binary files and texts give the same
//! tree; the upgrade and the parameters of layers work on it.

use std::fmt;
use std::ops::Range;

use crate::{Error, MAX_FIELDS};

/// A message: its fields in the order of the file.
///
/// A singular field may occur several times, as protobuf allows: the last
/// scalar counts, and messages are merged when they are asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Message {
    pub(crate) fields: Vec<Field>,
}

/// One occurrence of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) value: Value,
    pub(crate) position: Position,
}

/// The value of a field. Integers, enumerators and truth values are all
/// [`Value::Integer`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Integer(i64),
    Float(f32),
    Text(String),
    Message(Message),
    /// The bytes of the file that hold a BlobProto.
    Blob(Range<usize>),
}

/// Where a field stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Byte(usize),
    /// Both counted from 1, columns in bytes.
    Text {
        line: u32,
        column: u32,
    },
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::Byte(offset) => write!(formatter, "byte {offset}"),
            Position::Text { line, column } => write!(formatter, "line {line}, column {column}"),
        }
    }
}

impl Message {
    pub(crate) fn push(&mut self, name: &'static str, value: Value, position: Position) {
        self.fields.push(Field {
            name,
            value,
            position,
        });
    }

    /// All occurrences of a field.
    pub(crate) fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.name == name)
    }

    /// The occurrence of a singular field that counts.
    pub(crate) fn last(&self, name: &str) -> Option<&Field> {
        self.all(name).next_back()
    }

    /// The text of a singular field; empty where it is not set.
    pub(crate) fn text(&self, name: &str) -> &str {
        match self.last(name) {
            Some(Field {
                value: Value::Text(text),
                ..
            }) => text,
            _ => "",
        }
    }

    /// The texts of a repeated field.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.all(name).filter_map(|field| match &field.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The integer of a singular field.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.last(name)?.value {
            Value::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// The messages of a repeated field.
    pub(crate) fn messages(&self, name: &str) -> impl Iterator<Item = &Message> {
        self.all(name).filter_map(|field| match &field.value {
            Value::Message(message) => Some(message),
            _ => None,
        })
    }

    /// The message of a singular field, merged; empty, which means nothing
    /// but defaults, where it is not set.
    pub(crate) fn merged(&self, name: &str) -> Message {
        let fields = self.messages(name).flat_map(|message| &message.fields);
        Message {
            fields: fields.cloned().collect(),
        }
    }

    /// Takes all occurrences of a field away.
    pub(crate) fn take(&mut self, name: &str) -> Vec<Field> {
        let taken: Vec<Field> = self
            .fields
            .extract_if(.., |field| field.name == name)
            .collect();
        if !taken.is_empty() {
            // A net of many layers would be held twice.
            self.fields.shrink_to_fit();
        }
        taken
    }

    /// Takes the texts of a repeated field away.
    pub(crate) fn take_texts(&mut self, name: &str) -> Vec<String> {
        let fields = self.take(name).into_iter();
        fields
            .filter_map(|field| match field.value {
                Value::Text(text) => Some(text),
                _ => None,
            })
            .collect()
    }

    /// Takes the text of a singular field away; empty where it is not set.
    pub(crate) fn take_text(&mut self, name: &str) -> String {
        self.take_texts(name).pop().unwrap_or_default()
    }

    /// Takes the messages of a repeated field away.
    pub(crate) fn take_messages(&mut self, name: &str) -> Vec<Message> {
        let fields = self.take(name).into_iter();
        fields
            .filter_map(|field| match field.value {
                Value::Message(message) => Some(message),
                _ => None,
            })
            .collect()
    }
}

/// Counts the fields of a file's structure.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    fields: usize,
}

impl Budget {
    /// One more field.
    ///
    /// # Errors
    ///
    /// Beyond [`MAX_FIELDS`].
    pub(crate) fn count(&mut self, position: Position) -> Result<(), Error> {
        self.fields += 1;
        if self.fields > MAX_FIELDS {
            let expected = format!("a structure of at most {MAX_FIELDS} fields");
            return Err(Error::new(position, expected, "more of them"));
        }
        Ok(())
    }
}
