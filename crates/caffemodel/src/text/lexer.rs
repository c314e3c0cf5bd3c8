use super::string;
use crate::error::quoted;
use crate::message::Position;
use crate::{Error, MAX_STRING};

/// A piece of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// A field's name, an enumerator, a truth value, `inf` or `nan`.
    Word(&'a str),
    /// A number without its sign, as it is written.
    Number(&'a str),
    /// A string without its quotes, unescaped.
    Text(String),
    /// Any other character.
    Symbol(char),
    End,
}

impl Token<'_> {
    /// The token as an error shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Token::Word(text) | Token::Number(text) => quoted(text),
            Token::Text(text) => format!("the string {}", quoted(text)),
            Token::Symbol(symbol) => quoted(symbol.to_string()),
            Token::End => "the end of the text".to_owned(),
        }
    }
}

/// Splits a text into tokens.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    offset: usize,
    line: u32,
    line_start: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            line: 1,
            line_start: 0,
        }
    }

    /// Where the next token begins.
    pub(super) fn position(&mut self) -> Position {
        self.skip_blank();
        self.here()
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token<'a>, Error> {
        self.skip_blank();
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(Token::End);
        };
        let second_is_digit = rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        match first {
            'a'..='z' | 'A'..='Z' | '_' => self.short(word_length(rest)).map(Token::Word),
            '0'..='9' => self.short(number_length(rest)).map(Token::Number),
            '.' if second_is_digit => self.short(number_length(rest)).map(Token::Number),
            '"' | '\'' => self.string().map(Token::Text),
            other => {
                self.offset += other.len_utf8();
                Ok(Token::Symbol(other))
            }
        }
    }

    /// Takes the next token if it is this symbol.
    pub(super) fn take(&mut self, symbol: char) -> bool {
        self.skip_blank();
        let found = self.rest().starts_with(symbol);
        if found {
            self.offset += symbol.len_utf8();
        }
        found
    }

    /// Whether a string comes next.
    pub(super) fn is_at_string(&mut self) -> bool {
        self.skip_blank();
        self.rest().starts_with(['"', '\''])
    }

    fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    fn here(&self) -> Position {
        let column = self.offset - self.line_start + 1;
        Position::Text {
            line: self.line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// Skips blanks and comments.
    fn skip_blank(&mut self) {
        let mut comment = false;
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.offset) {
            match byte {
                b'\n' => {
                    comment = false;
                    self.line = self.line.saturating_add(1);
                    self.line_start = self.offset + 1;
                }
                _ if comment => {}
                b'#' => comment = true,
                b' ' | b'\t' | b'\r' | 0x0b | 0x0c => {}
                _ => break,
            }
            self.offset += 1;
        }
    }

    fn short(&mut self, length: usize) -> Result<&'a str, Error> {
        if length > MAX_STRING {
            return Err(self.too_long("a word or number"));
        }
        let text = &self.rest()[..length];
        self.offset += length;
        Ok(text)
    }

    fn string(&mut self) -> Result<String, Error> {
        let place = self.here();
        let inner = &self.rest()[1..];
        let quote = self.text.as_bytes()[self.offset];
        let length = string::length(inner.as_bytes(), quote)
            .ok_or_else(|| Error::new(place, "the end of a string", "the end of the line"))?;
        if length > MAX_STRING {
            return Err(self.too_long("a string"));
        }
        self.offset += length + 2;
        string::unescape(&inner.as_bytes()[..length])
            .map_err(|(expected, found)| Error::new(place, expected, found))
    }

    fn too_long(&self, what: &str) -> Error {
        let expected = format!("{what} of at most {MAX_STRING} bytes");
        Error::new(self.here(), expected, "a longer one")
    }
}

fn word_length(text: &str) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.bytes().take_while(is_part).count()
}

/// A sign belongs to a number where it follows the `e` of an exponent.
fn number_length(text: &str) -> usize {
    let hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    let mut previous = 0;
    text.bytes()
        .take_while(|&byte| {
            let exponent = !hexadecimal && matches!(previous, b'e' | b'E');
            previous = byte;
            match byte {
                b'+' | b'-' => exponent,
                _ => byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'),
            }
        })
        .count()
}
