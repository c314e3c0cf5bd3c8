//! Binary protobuf to a [`Message`].

use crate::error::quoted;
use crate::message::{Budget, Message, Position, Value};
use crate::schema::{FieldSchema, Kind, Schema};
use crate::wire::{Field, Fields, Wire};
use crate::{Error, MAX_STRING};

/// Reads a message that begins at byte `offset` of its file.
///
/// Its fields may stand in any order, unknown ones are skipped, and repeated
/// numbers may be packed or not, whatever the schema says. How deep messages
/// are nested is bounded by the schema.
pub(crate) fn decode(
    bytes: &[u8],
    offset: usize,
    schema: &'static Schema,
    budget: &mut Budget,
    into: &mut Message,
) -> Result<(), Error> {
    for field in Fields::new(bytes, offset) {
        let field = field?;
        match schema.by_number(field.number) {
            None
            | Some(FieldSchema {
                kind: Kind::Ignored,
                ..
            }) => {}
            Some(known) => decode_field(&field, known, budget, into)?,
        }
    }
    Ok(())
}

fn decode_field(
    field: &Field<'_>,
    known: &'static FieldSchema,
    budget: &mut Budget,
    into: &mut Message,
) -> Result<(), Error> {
    let position = Position::Byte(field.offset);
    if let (Wire::Bytes(packed), true) = (field.value, known.repeated)
        && let Some(fixed) = packed_as(known.kind)
    {
        return unpack(packed, field.offset, known, fixed, budget, into);
    }
    budget.count(position)?;
    let value = match (known.kind, field.value) {
        (Kind::Message(schema), Wire::Bytes(bytes)) => {
            let mut message = Message::default();
            decode(bytes, field.offset, schema, budget, &mut message)
                .map_err(|error| error.within(described(known, &message, into)))?;
            Value::Message(message)
        }
        (Kind::Blob, Wire::Bytes(bytes)) => Value::Blob(field.offset..field.offset + bytes.len()),
        (Kind::Text, Wire::Bytes(bytes)) => Value::Text(text(bytes, known, position)?),
        (kind, value) => scalar(kind, value).ok_or_else(|| {
            let expected = match kind {
                Kind::Message(_) | Kind::Blob | Kind::Text => "a length-delimited value",
                Kind::Float => "a fixed 32-bit value",
                _ => "a varint",
            };
            Error::new(
                format_args!("{}, {position}", known.name),
                expected,
                value.form(),
            )
        })?,
    };
    into.push(known.name, value, position);
    Ok(())
}

/// A number as it is written by itself.
fn scalar(kind: Kind, value: Wire<'_>) -> Option<Value> {
    Some(match (kind, value) {
        (Kind::Float, Wire::Fixed32(bits)) => Value::Float(f32::from_bits(bits)),
        // Protobuf cuts what does not fit.
        (Kind::Signed32 | Kind::Enum(_), Wire::Varint(value)) => {
            Value::Integer(i64::from(value as i32))
        }
        (Kind::Unsigned32, Wire::Varint(value)) => Value::Integer(i64::from(value as u32)),
        (Kind::Signed64, Wire::Varint(value)) => Value::Integer(value as i64),
        (Kind::Bool, Wire::Varint(value)) => Value::Integer(i64::from(value != 0)),
        _ => return None,
    })
}

/// How packed numbers of this kind lie, if it can be packed at all.
#[derive(Clone, Copy)]
enum Packed {
    Varints,
    Fixed32,
}

fn packed_as(kind: Kind) -> Option<Packed> {
    match kind {
        Kind::Float => Some(Packed::Fixed32),
        Kind::Message(_) | Kind::Blob | Kind::Text | Kind::Ignored => None,
        _ => Some(Packed::Varints),
    }
}

fn unpack(
    bytes: &[u8],
    offset: usize,
    known: &'static FieldSchema,
    form: Packed,
    budget: &mut Budget,
    into: &mut Message,
) -> Result<(), Error> {
    let mut numbers = Fields::new(bytes, offset);
    while !numbers.is_at_end() {
        let position = Position::Byte(numbers.offset());
        budget.count(position)?;
        let value = match form {
            Packed::Varints => numbers.varint().map(Wire::Varint),
            Packed::Fixed32 => numbers.fixed32().map(Wire::Fixed32),
        };
        let value = value.map_err(|error| error.within(known.name))?;
        into.fields.extend(
            scalar(known.kind, value).map(|value| crate::message::Field {
                name: known.name,
                value,
                position,
            }),
        );
    }
    Ok(())
}

fn text(bytes: &[u8], known: &FieldSchema, position: Position) -> Result<String, Error> {
    let place = || format!("{}, {position}", known.name);
    if bytes.len() > MAX_STRING {
        let expected = format!("a string of at most {MAX_STRING} bytes");
        return Err(Error::new(
            place(),
            expected,
            format!("{} bytes", bytes.len()),
        ));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Error::new(place(), "UTF-8", quoted(bytes))),
    }
}

/// How an error names a message: by its name as far as it was read, by its
/// number among its like, or just by its field.
fn described(known: &FieldSchema, message: &Message, parent: &Message) -> String {
    let kind = match known.name {
        "layers" => "layer",
        other => other,
    };
    match message.text("name") {
        "" if known.repeated => format!("{kind} {}", parent.all(known.name).count()),
        "" => kind.to_owned(),
        name => format!("{kind} {}", quoted(name)),
    }
}
