//! Tensors on their way from a published file into a network file, a chunk at
//! a time.

use std::cell::Cell;

use caffemodel::Blob;
use netfile::{Dtype, TensorSource};

/// One tensor of the network file.
#[derive(Debug)]
pub(super) struct Converted<'a> {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    values: Values<'a>,
    moments: Cell<Moments>,
}

/// Where the values come from.
#[derive(Debug)]
pub(super) enum Values<'a> {
    /// They lie in the file as they are.
    Blob(Blob<'a>),
    /// They lie in the file with rows and columns changed: `[shape[1], shape[0]]`.
    Transposed(Blob<'a>),
    /// They were computed.
    Owned(Vec<f32>),
}

impl<'a> Converted<'a> {
    /// A tensor of values that are as many as the shape holds.
    pub(super) fn new(name: String, dtype: Dtype, shape: Vec<usize>, values: Values<'a>) -> Self {
        Converted {
            name,
            dtype,
            shape,
            values,
            moments: Cell::default(),
        }
    }

    /// The same tensor, to be stored otherwise.
    pub(super) fn stored_as(&self, dtype: Dtype) -> Converted<'a> {
        let values = match &self.values {
            Values::Blob(blob) => Values::Blob(blob.clone()),
            Values::Transposed(blob) => Values::Transposed(blob.clone()),
            Values::Owned(values) => Values::Owned(values.clone()),
        };
        Converted::new(self.name.clone(), dtype, self.shape.clone(), values)
    }

    /// Mean and standard deviation of the values that were handed over last.
    pub(super) fn moments(&self) -> (f64, f64) {
        self.moments.get().mean_and_std()
    }
}

impl TensorSource for Converted<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn for_each_chunk(&self, take: &mut dyn FnMut(&[f32])) {
        let mut moments = Moments::default();
        let mut counted = |chunk: &[f32]| {
            moments.add(chunk);
            take(chunk);
        };
        match &self.values {
            Values::Blob(blob) => blob.for_each_chunk(counted),
            Values::Transposed(blob) => transposed(blob, &self.shape, counted),
            Values::Owned(values) => counted(values),
        }
        self.moments.set(moments);
    }
}

/// Hands over row after row of the transposed matrix.
fn transposed(blob: &Blob<'_>, shape: &[usize], mut take: impl FnMut(&[f32])) {
    let values = blob.to_floats();
    let [rows, columns] = [shape[0], shape[1]];
    for row in 0..rows {
        let row: Vec<f32> = (0..columns)
            .map(|column| values[column * rows + row])
            .collect();
        take(&row);
    }
}

/// Count, sum and sum of squares.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, values: &[f32]) {
        self.count += values.len() as f64;
        for &value in values {
            let value = f64::from(value);
            self.sum += value;
            self.squares += value * value;
        }
    }

    fn mean_and_std(self) -> (f64, f64) {
        let mean = self.sum / self.count;
        let variance = self.squares / self.count - mean * mean;
        (mean, variance.max(0.0).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_all_chunks() {
        let mut moments = Moments::default();
        moments.add(&[1.0, 2.0]);
        moments.add(&[6.0]);
        let (mean, std) = moments.mean_and_std();
        assert_eq!(mean, 3.0);
        assert!((std * std - 14.0 / 3.0).abs() < 1e-12);
    }
}
