use super::lexer::{Lexer, Token};
use super::number;
use crate::error::quoted;
use crate::message::{Budget, Message, Position, Value};
use crate::schema::{FieldSchema, Kind, Schema};
use crate::{Error, MAX_DEPTH, MAX_STRING};

/// Reads a text as a message.
///
/// # Errors
///
/// With line and column where the text is malformed, a value does not fit its
/// field, a field that may stand only once stands twice, or a strict message
/// holds an unknown name.
pub(crate) fn parse(text: &[u8], schema: &'static Schema) -> Result<Message, Error> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let place = Position::Byte(error.valid_up_to());
        Error::new(place, "a text in UTF-8", "other bytes")
    })?;
    let mut parser = Parser {
        lexer: Lexer::new(text.strip_prefix('\u{feff}').unwrap_or(text)),
        budget: Budget::default(),
        depth: 0,
    };
    parser.fields(schema, None)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    budget: Budget,
    /// How many messages are open.
    depth: usize,
}

impl Parser<'_> {
    /// The fields of a message up to its closing bracket, or up to the end of
    /// the text where there is none.
    fn fields(&mut self, schema: &'static Schema, close: Option<char>) -> Result<Message, Error> {
        let mut message = Message::default();
        loop {
            let position = self.lexer.position();
            match (self.lexer.next()?, close) {
                (Token::End, None) => return Ok(message),
                (Token::Symbol(symbol), Some(close)) if symbol == close => return Ok(message),
                (Token::Word(name), _) => self.field(schema, name, position, &mut message)?,
                (other, close) => {
                    let expected = match close {
                        Some(close) => format!("a field of {} or '{close}'", schema.name),
                        None => format!("a field of {}", schema.name),
                    };
                    return Err(Error::new(position, expected, other.shown()));
                }
            }
            // Either may follow a field.
            let _ = self.lexer.take(',') || self.lexer.take(';');
        }
    }

    fn field(
        &mut self,
        schema: &'static Schema,
        name: &str,
        position: Position,
        into: &mut Message,
    ) -> Result<(), Error> {
        match schema.by_name(name) {
            None if schema.strict => Err(unknown(schema, name, position)),
            None => self.skip(),
            Some(field) => match field.kind {
                Kind::Ignored | Kind::Blob => self.skip(),
                kind => {
                    if !field.repeated && into.last(name).is_some() {
                        let place = format!("{name}, {position}");
                        return Err(Error::new(place, "this field once", "it a second time"));
                    }
                    let colon = self.lexer.take(':');
                    if !colon && !matches!(kind, Kind::Message(_)) {
                        return Err(self.unexpected("':'")?.within(name));
                    }
                    self.values(field, into).map_err(|error| error.within(name))
                }
            },
        }
    }

    /// One value, or a list of them in square brackets.
    fn values(&mut self, field: &'static FieldSchema, into: &mut Message) -> Result<(), Error> {
        if !field.repeated || !self.lexer.take('[') {
            return self.value(field, into);
        }
        if self.lexer.take(']') {
            return Ok(());
        }
        loop {
            self.value(field, into)?;
            if self.lexer.take(']') {
                return Ok(());
            }
            if !self.lexer.take(',') {
                return Err(self.unexpected("',' or ']'")?);
            }
        }
    }

    fn value(&mut self, field: &'static FieldSchema, into: &mut Message) -> Result<(), Error> {
        let position = self.lexer.position();
        self.budget.count(position)?;
        let value = match field.kind {
            Kind::Message(schema) => Value::Message(self.message(schema)?),
            Kind::Text => Value::Text(self.text()?),
            kind => self.scalar(kind, position)?,
        };
        into.push(field.name, value, position);
        Ok(())
    }

    fn message(&mut self, schema: &'static Schema) -> Result<Message, Error> {
        let close = match (self.lexer.take('{'), self.lexer.take('<')) {
            (true, false) => '}',
            (false, true) => '>',
            _ => return Err(self.unexpected("'{'")?),
        };
        self.enter()?;
        let message = self.fields(schema, Some(close))?;
        self.depth -= 1;
        Ok(message)
    }

    fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} messages inside each other");
            return Err(Error::new(self.lexer.position(), expected, "more of them"));
        }
        Ok(())
    }

    /// Strings that follow each other are one.
    fn text(&mut self) -> Result<String, Error> {
        let position = self.lexer.position();
        let mut text = match self.lexer.next()? {
            Token::Text(text) => text,
            other => return Err(Error::new(position, "a string in quotes", other.shown())),
        };
        while self.lexer.is_at_string() {
            if let Token::Text(more) = self.lexer.next()? {
                text += &more;
            }
            if text.len() > MAX_STRING {
                let expected = format!("a string of at most {MAX_STRING} bytes");
                return Err(Error::new(position, expected, "a longer one"));
            }
        }
        Ok(text)
    }

    fn scalar(&mut self, kind: Kind, position: Position) -> Result<Value, Error> {
        let negative = self.lexer.take('-');
        let token = self.lexer.next()?;
        let value = match (&token, kind) {
            (Token::Number(text), Kind::Float) => {
                number::float(text).map(|value| signed(negative, value))
            }
            (Token::Word(word), Kind::Float) => {
                number::word(word).map(|value| signed(negative, value))
            }
            (Token::Number(text), kind) => number::integer(text)
                .map(|value| if negative { -value } else { value })
                .and_then(|value| i64::try_from(value).ok())
                .filter(|value| fits(kind, *value))
                .map(Value::Integer),
            (Token::Word(word), kind) if !negative => enumerator(kind, word),
            _ => None,
        };
        value.ok_or_else(|| {
            let sign = if negative { "minus " } else { "" };
            Error::new(
                position,
                described(kind),
                format!("{sign}{}", token.shown()),
            )
        })
    }

    /// Skips the value of a field that is of no use here.
    fn skip(&mut self) -> Result<(), Error> {
        let _ = self.lexer.take(':');
        let mut closers = Vec::new();
        loop {
            let position = self.lexer.position();
            match self.lexer.next()? {
                Token::Symbol('{') => closers.push('}'),
                Token::Symbol('<') => closers.push('>'),
                Token::Symbol('[') => closers.push(']'),
                Token::Symbol('-') if closers.is_empty() => continue,
                Token::Text(_) if closers.is_empty() && self.lexer.is_at_string() => continue,
                Token::Symbol(symbol) if closers.is_empty() => {
                    return Err(Error::new(position, "a value", quoted(symbol.to_string())));
                }
                Token::Symbol(symbol @ ('}' | '>' | ']')) => {
                    if let Some(close) = closers.pop().filter(|close| *close != symbol) {
                        let found = quoted(symbol.to_string());
                        return Err(Error::new(position, format!("'{close}'"), found));
                    }
                }
                Token::End => {
                    return Err(Error::new(position, "a value", "the end of the text"));
                }
                _ => {}
            }
            if self.depth + closers.len() > MAX_DEPTH {
                let expected = format!("at most {MAX_DEPTH} messages inside each other");
                return Err(Error::new(position, expected, "more of them"));
            }
            if closers.is_empty() {
                return Ok(());
            }
        }
    }

    /// The error that the next token is not what has to come.
    fn unexpected(&mut self, expected: &str) -> Result<Error, Error> {
        let position = self.lexer.position();
        Ok(Error::new(position, expected, self.lexer.next()?.shown()))
    }
}

fn signed(negative: bool, value: f32) -> Value {
    Value::Float(if negative { -value } else { value })
}

/// Whether an integer is a value of this kind.
fn fits(kind: Kind, value: i64) -> bool {
    match kind {
        Kind::Signed32 | Kind::Enum(_) => i32::try_from(value).is_ok(),
        Kind::Unsigned32 => u32::try_from(value).is_ok(),
        Kind::Bool => matches!(value, 0 | 1),
        _ => true,
    }
}

fn enumerator(kind: Kind, word: &str) -> Option<Value> {
    let number = match (kind, word) {
        (Kind::Bool, "true" | "True" | "t") => 1,
        (Kind::Bool, "false" | "False" | "f") => 0,
        (Kind::Enum(names), _) => names.iter().find(|(name, _)| *name == word)?.1,
        _ => return None,
    };
    Some(Value::Integer(i64::from(number)))
}

fn described(kind: Kind) -> String {
    match kind {
        Kind::Float => "a number".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Enum(names) if names.len() <= 4 => {
            let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            names.join(" or ")
        }
        Kind::Enum(_) => "the name of an enumerator".to_owned(),
        Kind::Unsigned32 => "a whole number from 0 to 4294967295".to_owned(),
        Kind::Signed32 => "a whole number of 32 bits".to_owned(),
        _ => "a whole number of 64 bits".to_owned(),
    }
}

/// The error that a message has no field of this name, with the name that
/// may be meant.
fn unknown(schema: &Schema, name: &str, position: Position) -> Error {
    let near = schema
        .fields
        .iter()
        .map(|field| (distance(name, field.name), field.name))
        .min()
        .filter(|(distance, meant)| *distance <= 2 && 2 * distance < meant.len());
    let found = match near {
        Some((_, meant)) => format!("{} (is {meant} meant?)", quoted(name)),
        None => quoted(name),
    };
    Error::new(position, format!("a field of {}", schema.name), found)
}

/// How many letters must be changed, added or removed between two names;
/// anything far is `usize::MAX`.
fn distance(left: &str, right: &str) -> usize {
    if left.len().abs_diff(right.len()) > 2 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.bytes().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
