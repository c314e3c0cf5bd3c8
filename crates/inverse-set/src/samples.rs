//! Accepted samples as they lie in a file.
//!
//! A file of samples is a safetensors file whose tensors have one row per
//! sample. A batch is one, and so are all batches together; the second is
//! written from the first, one batch after another, so that no more than a
//! batch is in memory.

use std::collections::HashMap;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::{Deref, Range};

use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};
use sampler::Batch;

/// One tensor of a file of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// `[n]` u64: hashes of the images, no two of them equal.
    Hashes,
    /// `[n, neurons]` f32: of the rounded images.
    Activations,
    /// `[n, d]` f32.
    Codes,
    /// `[n, e]` f32: of the rounded images.
    Encodings,
    /// `[n, c, h, w]` u8, where images are stored.
    Images,
}

impl Column {
    /// In a file's order: wide types first keeps every tensor aligned.
    const ALL: [Column; 5] = [
        Column::Hashes,
        Column::Activations,
        Column::Codes,
        Column::Encodings,
        Column::Images,
    ];

    fn name(self) -> &'static str {
        match self {
            Column::Hashes => "hashes",
            Column::Activations => "activations",
            Column::Codes => "codes",
            Column::Encodings => "encodings",
            Column::Images => "images",
        }
    }

    fn dtype(self) -> Dtype {
        match self {
            Column::Hashes => Dtype::U64,
            Column::Images => Dtype::U8,
            _ => Dtype::F32,
        }
    }
}

/// Sizes of one sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub code: usize,
    /// `[c, h, w]`.
    pub image: [usize; 3],
    pub neurons: usize,
    pub encoding: usize,
    /// Whether files of samples hold the images.
    pub stores_images: bool,
}

impl Sizes {
    /// Those of a file whose codes and encodings may have any length; the error
    /// says what is damaged.
    pub(crate) fn of_file(
        file: &[u8],
        image: [usize; 3],
        neurons: usize,
        stores_images: bool,
    ) -> Result<Sizes, String> {
        let (_, header) = SafeTensors::read_metadata(file).map_err(|cause| cause.to_string())?;
        let len = |column: Column| {
            let info = header.info(column.name());
            let len = info.and_then(|info| info.shape.get(1).copied());
            len.ok_or_else(|| format!("no {}", column.name()))
        };
        Ok(Sizes {
            code: len(Column::Codes)?,
            image,
            neurons,
            encoding: len(Column::Encodings)?,
            stores_images,
        })
    }

    fn columns(&self) -> impl Iterator<Item = Column> + use<> {
        let count = Column::ALL.len() - usize::from(!self.stores_images);
        Column::ALL.into_iter().take(count)
    }

    fn shape(&self, column: Column, n: usize) -> Vec<usize> {
        match column {
            Column::Hashes => vec![n],
            Column::Activations => vec![n, self.neurons],
            Column::Codes => vec![n, self.code],
            Column::Encodings => vec![n, self.encoding],
            Column::Images => {
                let [c, h, w] = self.image;
                vec![n, c, h, w]
            }
        }
    }

    /// Bytes of a tensor of `n` rows.
    fn len(&self, column: Column, n: usize) -> usize {
        self.shape(column, n).iter().product::<usize>() * column.dtype().bitsize() / 8
    }
}

/// Writes a file of `n` samples, part by part.
pub(crate) struct Writer<'a, W> {
    out: &'a mut W,
    /// Per column, where its next rows go and where it ends.
    places: Vec<(Column, Range<u64>)>,
}

impl<'a, W: Write + Seek> Writer<'a, W> {
    /// Writes the header.
    pub(crate) fn new(
        out: &'a mut W,
        sizes: Sizes,
        n: usize,
        metadata: Option<HashMap<String, String>>,
    ) -> io::Result<Writer<'a, W>> {
        let mut end = 0;
        let infos = sizes.columns().map(|column| {
            let start = end;
            end += sizes.len(column, n);
            let info = TensorInfo {
                dtype: column.dtype(),
                shape: sizes.shape(column, n),
                data_offsets: (start, end),
            };
            (column.name().to_owned(), info)
        });
        let header = Metadata::new(metadata, infos.collect()).map_err(io::Error::other)?;
        let mut text = serde_json::to_vec(&header)?;
        text.resize(text.len().next_multiple_of(size_of::<u64>()), b' ');
        out.write_all(&(text.len() as u64).to_le_bytes())?;
        out.write_all(&text)?;
        let mut end = (size_of::<u64>() + text.len()) as u64;
        let places = sizes.columns().map(|column| {
            let start = end;
            end += sizes.len(column, n) as u64;
            (column, start..end)
        });
        Ok(Writer {
            places: places.collect(),
            out,
        })
    }

    /// Writes the next samples: `part` gives the bytes of their rows.
    pub(crate) fn append<'b>(&mut self, part: impl Fn(Column) -> &'b [u8]) -> io::Result<()> {
        for (column, place) in &mut self.places {
            let bytes = part(*column);
            self.out.seek(SeekFrom::Start(place.start))?;
            self.out.write_all(bytes)?;
            place.start += bytes.len() as u64;
        }
        Ok(())
    }

    /// Fails unless as many samples were written as promised.
    pub(crate) fn finish(self) -> io::Result<()> {
        let unfilled = self
            .places
            .iter()
            .find(|(_, place)| place.start != place.end);
        unfilled.map_or(Ok(()), |(column, Range { start, end })| {
            let name = column.name();
            Err(io::Error::other(format!(
                "{name} end at byte {start}, expected {end}"
            )))
        })
    }
}

/// A batch as the rows of a file.
pub(crate) struct Part([Vec<u8>; 5]);

impl Part {
    pub(crate) fn new(batch: &Batch) -> Part {
        let samples = &batch.samples;
        let floats = |values: &mut dyn Iterator<Item = &f32>| {
            values.flat_map(|value| value.to_le_bytes()).collect()
        };
        Part(Column::ALL.map(|column| match column {
            Column::Hashes => samples.iter().flat_map(|s| s.hash.to_le_bytes()).collect(),
            Column::Activations => floats(&mut samples.iter().flat_map(|s| &s.activations)),
            Column::Codes => floats(&mut samples.iter().flat_map(|s| &s.code)),
            Column::Encodings => floats(&mut samples.iter().flat_map(|s| &s.encoding)),
            Column::Images => samples.iter().flat_map(|s| &s.image).copied().collect(),
        }))
    }

    pub(crate) fn bytes(&self, column: Column) -> &[u8] {
        &self.0[column as usize]
    }
}

/// A file of samples, read where it lies.
pub(crate) struct Rows {
    file: Box<dyn Deref<Target = [u8]>>,
    sizes: Sizes,
    /// Per column, where its bytes are.
    places: Vec<Range<usize>>,
    count: usize,
}

impl Rows {
    /// Checks the file of a [`Writer`]; the error says what is damaged.
    pub(crate) fn new(
        file: impl Deref<Target = [u8]> + 'static,
        sizes: Sizes,
    ) -> Result<Rows, String> {
        let (header_len, header) =
            SafeTensors::read_metadata(&file).map_err(|cause| cause.to_string())?;
        let mut count = None;
        let place = |column: Column| {
            let name = column.name();
            let info = header.info(name).ok_or_else(|| format!("no {name}"))?;
            let n = *count.get_or_insert(info.shape.first().copied().unwrap_or(0));
            let expected = sizes.shape(column, n);
            if (info.dtype, &info.shape) != (column.dtype(), &expected) {
                let TensorInfo { dtype, shape, .. } = info;
                let wanted = column.dtype();
                return Err(format!(
                    "{name}: {dtype:?} {shape:?}, expected {wanted:?} {expected:?}"
                ));
            }
            let body = size_of::<u64>() + header_len;
            Ok(body + info.data_offsets.0..body + info.data_offsets.1)
        };
        let places = sizes.columns().map(place).collect::<Result<_, String>>()?;
        Ok(Rows {
            file: Box::new(file),
            sizes,
            places,
            count: count.unwrap_or(0),
        })
    }

    /// Number of samples.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Sizes of a sample.
    pub(crate) fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// All rows of a column; none of one that the file does not hold.
    pub(crate) fn bytes(&self, column: Column) -> &[u8] {
        let place = self.places.get(column as usize);
        place.map_or(&[], |place| &self.file[place.clone()])
    }

    /// Row `i` of a column.
    pub(crate) fn row(&self, column: Column, i: usize) -> &[u8] {
        let len = self.sizes.len(column, 1);
        &self.bytes(column)[i * len..][..len]
    }

    /// Row `i` of a column of f32.
    pub(crate) fn floats(&self, column: Column, i: usize) -> Vec<f32> {
        let (values, _) = self.row(column, i).as_chunks();
        values.iter().copied().map(f32::from_le_bytes).collect()
    }

    /// The hash of sample `i`.
    pub(crate) fn hash(&self, i: usize) -> u64 {
        let (values, _) = self.row(Column::Hashes, i).as_chunks();
        u64::from_le_bytes(values[0])
    }

    /// A text in the file's header.
    pub(crate) fn metadata(&self, key: &str) -> Option<String> {
        let (_, header) = SafeTensors::read_metadata(&self.file).ok()?;
        header.metadata().as_ref()?.get(key).cloned()
    }
}

#[cfg(test)]
mod tests;
