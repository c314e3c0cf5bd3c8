//! Protobuf's text format to a [`Message`](crate::message::Message).

mod lexer;
mod number;
mod parser;
mod string;

pub(crate) use parser::parse;
