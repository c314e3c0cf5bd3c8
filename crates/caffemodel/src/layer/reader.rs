use std::ops::RangeInclusive;

use crate::error::quoted;
use crate::message::{Field, Message, Value};
use crate::{Error, MAX_AXES};

/// Reads the fields of one parameter message of a layer.
pub(super) struct Reader<'l> {
    layer: &'l str,
    name: &'static str,
    pub(super) message: Message,
}

impl<'l> Reader<'l> {
    pub(super) fn new(layer: &'l str, name: &'static str, message: Message) -> Self {
        Self {
            layer,
            name,
            message,
        }
    }

    /// The layer and the message.
    pub(super) fn place(&self) -> String {
        format!("layer {}, {}", quoted(self.layer), self.name)
    }

    pub(super) fn error(
        &self,
        field: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        let place = match self.message.last(field) {
            Some(Field { position, .. }) => format!("{}.{field}, {position}", self.place()),
            None => format!("{}.{field}", self.place()),
        };
        Error::new(place, expected, found)
    }

    pub(super) fn is_set(&self, field: &str) -> bool {
        self.message.last(field).is_some()
    }

    pub(super) fn boolean(&self, field: &str) -> Option<bool> {
        self.message.integer(field).map(|value| value != 0)
    }

    pub(super) fn integer(&self, field: &str, default: i64) -> i64 {
        self.message.integer(field).unwrap_or(default)
    }

    pub(super) fn unsigned(&self, field: &str) -> Option<usize> {
        usize::try_from(self.message.integer(field)?).ok()
    }

    pub(super) fn unsigned_list(&self, field: &str) -> Vec<usize> {
        let values = self.message.all(field);
        values
            .filter_map(|field| match field.value {
                Value::Integer(value) => usize::try_from(value).ok(),
                _ => None,
            })
            .collect()
    }

    /// At least 1; an error where it is not set and has no default.
    pub(super) fn positive(&self, field: &str, default: Option<usize>) -> Result<usize, Error> {
        match self.unsigned(field).or(default) {
            Some(0) => Err(self.error(field, "at least 1", "0")),
            Some(value) => Ok(value),
            None => Err(self.error(field, "a number", "none")),
        }
    }

    pub(super) fn enumerator(
        &self,
        field: &str,
        default: i64,
        known: RangeInclusive<i64>,
    ) -> Result<i64, Error> {
        let value = self.integer(field, default);
        if !known.contains(&value) {
            let expected = format!("an enumerator from {} to {}", known.start(), known.end());
            return Err(self.error(field, expected, value.to_string()));
        }
        Ok(value)
    }

    pub(super) fn float(&self, field: &str, default: f32) -> Result<f32, Error> {
        match self.message.last(field) {
            Some(found) => self.finite(found),
            None => Ok(default),
        }
    }

    pub(super) fn floats(&self, field: &str) -> Result<Vec<f32>, Error> {
        let values = self.message.all(field);
        values.map(|found| self.finite(found)).collect()
    }

    fn finite(&self, field: &Field) -> Result<f32, Error> {
        match field.value {
            Value::Float(value) if value.is_finite() => Ok(value),
            Value::Float(value) => {
                let place = format!("{}.{}, {}", self.place(), field.name, field.position);
                Err(Error::new(place, "a finite number", value.to_string()))
            }
            _ => Err(self.error(field.name, "a number", "something else")),
        }
    }

    /// Weights are sums over axis 1, the channels, of one sample.
    pub(super) fn channels_axis(&self) -> Result<(), Error> {
        match self.integer("axis", 1) {
            1 => Ok(()),
            other => Err(self.error("axis", "axis 1, the only one supported", other.to_string())),
        }
    }

    /// `axis`, or the older field that it replaced.
    pub(super) fn renamed_axis(&self, old: &str) -> Result<i64, Error> {
        match (self.message.integer("axis"), self.message.integer(old)) {
            (Some(_), Some(_)) => Err(self.error("axis", format!("axis or {old}"), "both")),
            (axis, old) => Ok(axis.or(old).unwrap_or(1)),
        }
    }

    pub(super) fn num_axes(&self, default: i64) -> Result<i64, Error> {
        match self.integer("num_axes", default) {
            value @ -1.. => Ok(value),
            other => Err(self.error("num_axes", "at least -1", other.to_string())),
        }
    }

    /// Height and width: from one field that holds one value for both or one
    /// for each, or from a pair of fields, or else the default.
    pub(super) fn pair(
        &self,
        field: &str,
        by_axis: [&str; 2],
        default: Option<usize>,
        least: usize,
    ) -> Result<[usize; 2], Error> {
        let [height, width] = by_axis;
        let single = match self.name {
            // Its fields are not repeated: the last counts.
            "pooling_param" => self.unsigned(field).into_iter().collect(),
            _ => self.unsigned_list(field),
        };
        let pair = match (
            single.as_slice(),
            self.unsigned(height),
            self.unsigned(width),
        ) {
            ([], None, None) => [default; 2],
            ([], height, width) => {
                // Only a pad may be given for one axis alone.
                let missing = default.filter(|default| *default == 0);
                [height.or(missing), width.or(missing)]
            }
            (&[both], None, None) => [Some(both); 2],
            (&[height, width], None, None) => [Some(height), Some(width)],
            (more, None, None) => {
                let found = format!("{} of them", more.len());
                return Err(self.error(field, "a value for each of two axes", found));
            }
            _ => {
                let expected = format!("{field} or {height} and {width}");
                return Err(self.error(field, expected, "both"));
            }
        };
        match pair {
            [Some(height), Some(width)] if height >= least && width >= least => Ok([height, width]),
            [Some(height), Some(width)] => {
                let found = format!("{height} x {width}");
                Err(self.error(field, format!("at least {least}"), found))
            }
            _ => Err(self.error(field, "a size for height and width", "none")),
        }
    }

    /// `[0, 0]`, where a pair must not be given.
    pub(super) fn absent(&self, field: &str, by_axis: [&str; 2]) -> Result<[usize; 2], Error> {
        let [height, width] = by_axis;
        match [field, height, width]
            .into_iter()
            .find(|name| self.is_set(name))
        {
            Some(name) => Err(self.error(name, "none in a global pooling", "one")),
            None => Ok([0, 0]),
        }
    }

    pub(super) fn reshape_dims(&self) -> Result<Vec<i64>, Error> {
        let shape = self.message.merged("shape");
        let mut dims = Vec::new();
        for field in shape.all("dim") {
            let Value::Integer(dim) = field.value else {
                continue;
            };
            let place = || format!("{}.shape.dim, {}", self.place(), field.position);
            if dim < -1 || (dim == -1 && dims.contains(&-1)) {
                let expected = "sizes, 0 to copy, -1 at most once to infer";
                return Err(Error::new(place(), expected, dim.to_string()));
            }
            if dims.len() == MAX_AXES {
                let expected = format!("at most {MAX_AXES} axes");
                return Err(Error::new(place(), expected, "more of them"));
            }
            dims.push(dim);
        }
        Ok(dims)
    }

    /// Shapes of four axes from `num`, `channels`, `height` and `width`, each
    /// given once for all tops or once for each.
    pub(super) fn legacy_shapes(&self) -> Result<Vec<Vec<usize>>, Error> {
        let names = ["num", "channels", "height", "width"];
        let sizes = names.map(|name| self.unsigned_list(name));
        let count = sizes.iter().map(Vec::len).max().unwrap_or(0);
        for (name, sizes) in names.iter().zip(&sizes) {
            if sizes.len() != count && sizes.len() != 1 {
                let expected = format!("1 or {count} of them");
                return Err(self.error(name, expected, sizes.len().to_string()));
            }
        }
        let shape = |index| {
            sizes
                .iter()
                .map(|sizes| sizes[index % sizes.len()])
                .collect()
        };
        Ok((0..count).map(shape).collect())
    }
}
