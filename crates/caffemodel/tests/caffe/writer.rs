//! A small protobuf writer.

/// A message under construction.
#[derive(Clone, Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

/// A message from its fields.
pub(crate) fn message(build: impl FnOnce(&mut Writer)) -> Writer {
    let mut writer = Writer::default();
    build(&mut writer);
    writer
}

impl Writer {
    pub(crate) fn raw_varint(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
        self
    }

    fn tag(&mut self, field: u32, wire: u64) -> &mut Self {
        self.raw_varint(u64::from(field) << 3 | wire)
    }

    pub(crate) fn int(&mut self, field: u32, value: i64) -> &mut Self {
        self.tag(field, 0).raw_varint(value as u64)
    }

    pub(crate) fn float(&mut self, field: u32, value: f32) -> &mut Self {
        self.tag(field, 5).bytes.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn double(&mut self, field: u32, value: f64) -> &mut Self {
        self.tag(field, 1).bytes.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn data(&mut self, field: u32, bytes: &[u8]) -> &mut Self {
        self.tag(field, 2).raw_varint(bytes.len() as u64);
        self.bytes.extend(bytes);
        self
    }

    pub(crate) fn text(&mut self, field: u32, text: &str) -> &mut Self {
        self.data(field, text.as_bytes())
    }

    pub(crate) fn message(&mut self, field: u32, build: impl FnOnce(&mut Writer)) -> &mut Self {
        self.data(field, &message(build).bytes)
    }

    pub(crate) fn packed_ints(&mut self, field: u32, values: &[i64]) -> &mut Self {
        self.message(field, |packed| {
            for &value in values {
                packed.raw_varint(value as u64);
            }
        })
    }

    pub(crate) fn packed_floats(&mut self, field: u32, values: &[f32]) -> &mut Self {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.data(field, &bytes)
    }

    pub(crate) fn packed_doubles(&mut self, field: u32, values: &[f64]) -> &mut Self {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.data(field, &bytes)
    }
}
