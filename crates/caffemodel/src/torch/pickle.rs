//! A pickle machine that can make tensors and plain containers, and nothing else.
//!
//! The opcodes are those that `torch.save` writes for state dicts (Python's
//! `pickletools`, protocols 2 to 5). Nothing is imported and nothing is called:
//! a callable is one of [`Callable`] or an error.

use std::collections::HashMap;

use super::bad;
use super::cursor::Cursor;
use super::rebuild;
use super::value::{Callable, Id, Value, Values};
use crate::error::quoted;
use crate::{Error, MAX_FIELDS};

/// What a pickle holds.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    pub(super) values: Values<'a>,
    /// The value that was pickled.
    pub(super) root: Id,
}

impl<'a> Pickle<'a> {
    /// Reads one pickle and leaves the cursor behind its end.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Error> {
        let mut machine = Machine::default();
        loop {
            let place = cursor.position();
            if let Some(root) = machine.step(cursor.u8()?, cursor, place)? {
                return Ok(Self {
                    values: machine.values,
                    root,
                });
            }
        }
    }

    /// The value that was pickled.
    pub(super) fn root(&self) -> &Value<'a> {
        self.values.get(self.root)
    }
}

#[derive(Default)]
struct Machine<'a> {
    values: Values<'a>,
    stack: Vec<Id>,
    /// Heights of the stack where a mark was set.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// Values pushed, marks set, entries and sizes copied so far.
    made: usize,
}

impl<'a> Machine<'a> {
    /// One instruction; the pickled value after the last one.
    fn step(
        &mut self,
        opcode: u8,
        cursor: &mut Cursor<'a>,
        place: usize,
    ) -> Result<Option<Id>, Error> {
        if let Some(value) = literal(opcode, cursor)? {
            self.push(value, place)?;
            return Ok(None);
        }
        match opcode {
            // PROTO, FRAME: nothing hangs on them.
            0x80 => drop(cursor.u8()?),
            0x95 => drop(cursor.length()?),
            // STOP
            b'.' => return self.pop(place).map(Some),

            // MARK, TUPLE1 to TUPLE3, TUPLE
            b'(' => {
                self.charge(1, place)?;
                self.marks.push(self.stack.len());
            }
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84), place)?;
                self.push(Value::Tuple(items), place)?;
            }
            b't' => {
                let items = self.pop_to_mark(place)?;
                self.push(Value::Tuple(items), place)?;
            }

            // APPEND, APPENDS, SETITEM, SETITEMS, BUILD
            b'a' => {
                let items = self.pop_many(1, place)?;
                self.append(&items, place)?;
            }
            b'e' => {
                let items = self.pop_to_mark(place)?;
                self.append(&items, place)?;
            }
            b's' => {
                let items = self.pop_many(2, place)?;
                self.set(&items, place)?;
            }
            b'u' => {
                let items = self.pop_to_mark(place)?;
                self.set(&items, place)?;
            }
            b'b' => self.build(place)?,

            // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
            b'q' => self.put(cursor.u8()?.into(), place)?,
            b'r' => self.put(cursor.u32()?, place)?,
            0x94 => self.put(self.memo.len() as u32, place)?,
            b'h' => self.fetch(cursor.u8()?.into(), place)?,
            b'j' => self.fetch(cursor.u32()?, place)?,

            // GLOBAL, STACK_GLOBAL, REDUCE, BINPERSID
            b'c' => {
                let (module, name) = (cursor.line()?, cursor.line()?);
                self.callable(module, name, place)?;
            }
            0x93 => {
                let names = self.pop_many(2, place)?;
                match (self.values.text(names[0]), self.values.text(names[1])) {
                    (Some(module), Some(name)) => self.callable(module, name, place)?,
                    _ => return Err(bad(place, "the name of a function or a class", "no string")),
                }
            }
            b'R' => self.reduce(place)?,
            b'Q' => {
                let id = self.pop(place)?;
                let storage = rebuild::storage(&self.values, id, place)?;
                self.push(Value::Storage(storage), place)?;
            }

            _ => {
                let found = format!("the pickle opcode {opcode:#04x}");
                return Err(bad(
                    place,
                    format!("tensors and plain containers only{CODE}"),
                    found,
                ));
            }
        }
        Ok(None)
    }

    /// Counts what takes memory, so that no pickle takes much.
    fn charge(&mut self, count: usize, place: usize) -> Result<(), Error> {
        self.made = self.made.saturating_add(count);
        if self.made > MAX_FIELDS {
            return Err(bad(place, format!("at most {MAX_FIELDS} values"), "more"));
        }
        Ok(())
    }

    fn push(&mut self, value: Value<'a>, place: usize) -> Result<(), Error> {
        self.charge(1, place)?;
        let id = self.values.insert(value);
        self.stack.push(id);
        Ok(())
    }

    /// Height below which nothing may be popped.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self, place: usize) -> Result<Id, Error> {
        Ok(self.pop_many(1, place)?[0])
    }

    /// The topmost `count` values, the topmost last.
    fn pop_many(&mut self, count: usize, place: usize) -> Result<Vec<Id>, Error> {
        let height = self.stack.len();
        if height < self.floor() + count {
            return Err(bad(place, format!("{count} values on the stack"), "fewer"));
        }
        Ok(self.stack.split_off(height - count))
    }

    fn pop_to_mark(&mut self, place: usize) -> Result<Vec<Id>, Error> {
        let mark = self
            .marks
            .pop()
            .ok_or_else(|| bad(place, "a mark on the stack", "none"))?;
        Ok(self.stack.split_off(mark))
    }

    fn top(&self, place: usize) -> Result<Id, Error> {
        self.stack[self.floor()..]
            .last()
            .copied()
            .ok_or_else(|| bad(place, "a value", "none"))
    }

    fn append(&mut self, items: &[Id], place: usize) -> Result<(), Error> {
        let top = self.top(place)?;
        match self.values.get_mut(top) {
            Value::List(list) => list.extend(items),
            other => return Err(bad(place, "a list to append to", other.kind())),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id], place: usize) -> Result<(), Error> {
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(bad(place, "keys with values", "a key without one"));
        }
        let top = self.top(place)?;
        match self.values.get_mut(top) {
            Value::Dict(dict) => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            other => return Err(bad(place, "a dictionary to fill", other.kind())),
        }
        Ok(())
    }

    /// Attributes of an object: an `OrderedDict` carries `_metadata`, which is left out.
    fn build(&mut self, place: usize) -> Result<(), Error> {
        let attributes = self.pop(place)?;
        let object = self.top(place)?;
        match (self.values.get(object), self.values.get(attributes)) {
            (Value::Dict(_), Value::Dict(_)) => Ok(()),
            (object, _) => Err(bad(
                place,
                format!("an OrderedDict with attributes{CODE}"),
                object.kind(),
            )),
        }
    }

    fn put(&mut self, key: u32, place: usize) -> Result<(), Error> {
        let top = self.top(place)?;
        if self.memo.insert(key, top).is_none() && self.memo.len() > MAX_FIELDS {
            return Err(bad(
                place,
                format!("at most {MAX_FIELDS} values in the memo"),
                "more",
            ));
        }
        Ok(())
    }

    fn fetch(&mut self, key: u32, place: usize) -> Result<(), Error> {
        self.charge(1, place)?;
        let id = self.memo.get(&key).ok_or_else(|| {
            bad(
                place,
                "a value of the memo",
                format!("number {key}, which was never put there"),
            )
        })?;
        self.stack.push(*id);
        Ok(())
    }

    fn callable(&mut self, module: &str, name: &str, place: usize) -> Result<(), Error> {
        let callable = Callable::named(module, name).ok_or_else(|| {
            let found = quoted(format!("{module}.{name}"));
            if module == "torch" && name.ends_with("Storage") {
                return bad(
                    place,
                    "a storage of integers or of floats from 16 bits on",
                    found,
                );
            }
            let found = format!("the callable {found}");
            bad(
                place,
                format!("tensors and plain containers only{CODE}"),
                found,
            )
        })?;
        self.push(Value::Callable(callable), place)
    }

    fn reduce(&mut self, place: usize) -> Result<(), Error> {
        let ids = self.pop_many(2, place)?;
        let (callable, arguments) = (self.values.get(ids[0]), self.values.get(ids[1]));
        let (Value::Callable(callable), Value::Tuple(arguments)) = (callable, arguments) else {
            return Err(bad(
                place,
                "a callable with a tuple of arguments",
                callable.kind(),
            ));
        };
        match (callable, arguments.as_slice()) {
            (Callable::OrderedDict, []) => self.push(Value::Dict(Vec::new()), place),
            (Callable::OrderedDict, &[pairs]) => {
                let dict = rebuild::dict(&self.values, pairs, place)?;
                self.charge(dict.len(), place)?;
                self.push(Value::Dict(dict), place)
            }
            (Callable::RebuildTensor, arguments) => {
                let tensor = rebuild::tensor(&self.values, arguments, place)?;
                self.charge(tensor.shape.len(), place)?;
                self.push(Value::Tensor(tensor), place)
            }
            (Callable::RebuildParameter | Callable::Size, &[inner, ..]) => {
                self.charge(1, place)?;
                self.stack.push(inner);
                Ok(())
            }
            (callable, arguments) => {
                let found = format!("{callable:?} with {} arguments", arguments.len());
                Err(bad(place, "the arguments that torch writes", found))
            }
        }
    }
}

/// The value that an opcode spells out; `None` for opcodes that do something.
fn literal<'a>(opcode: u8, cursor: &mut Cursor<'a>) -> Result<Option<Value<'a>>, Error> {
    Ok(Some(match opcode {
        // NONE, NEWTRUE, NEWFALSE, BINFLOAT
        b'N' => Value::Other,
        0x88 => Value::Int(1),
        0x89 => Value::Int(0),
        b'G' => cursor.take(8).map(|_| Value::Other)?,
        // BININT, BININT1, BININT2, LONG1
        b'J' => Value::Int(cursor.i32()?.into()),
        b'K' => Value::Int(cursor.u8()?.into()),
        b'M' => Value::Int(cursor.u16()?.into()),
        0x8a => {
            let length = cursor.u8()?.into();
            Value::Int(cursor.long(length)?)
        }
        // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8 and Python 2's BINSTRING, SHORT_BINSTRING
        b'X' | b'T' => {
            let length = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
            Value::Text(cursor.text(length)?)
        }
        0x8c | b'U' => {
            let length = cursor.u8()?.into();
            Value::Text(cursor.text(length)?)
        }
        0x8d => {
            let length = cursor.length()?;
            Value::Text(cursor.text(length)?)
        }
        // EMPTY_TUPLE, EMPTY_LIST, EMPTY_DICT
        b')' => Value::Tuple(Vec::new()),
        b']' => Value::List(Vec::new()),
        b'}' => Value::Dict(Vec::new()),
        _ => return Ok(None),
    }))
}

/// Said of everything that only a file with code holds.
const CODE: &str = " (files with code are refused: save a plain state dict, \
                    `torch.save(model.state_dict(), path)`)";
