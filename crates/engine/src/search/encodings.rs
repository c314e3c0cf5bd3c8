//! Spreading encodings apart.

use std::sync::Arc;

use kernels::repulsion::{BATCH_ROWS, Distances, Nearest, OTHER_ROWS, Repel};
use kernels::spread::{MergeMoments, SpreadGradient};

use crate::cuda::{Gpu, Memory, blocks, int};
use crate::{Buffer, Device, Error, Shape};

/// Threads of a block of the kernels that keep running sums.
const OF_SUMS: u32 = 64;

/// The encodings that samples are kept away from: a reservoir of some, and the
/// mean of all. Copies of what the host has.
#[derive(Debug)]
pub struct Encodings {
    gpu: Arc<Gpu>,
    len: usize,
    /// The encoding that each slot may be accepted with, `[batch, len]`.
    kept: Memory<f32>,
    reservoir: Memory<f32>,
    /// Rows of the reservoir that are held, and encodings that it was offered.
    held: usize,
    offered: u64,
    mean: Memory<f64>,
    /// How many encodings the mean is of.
    count: u64,
    order: Memory<i32>,
    squares: Memory<f64>,
    indices: Memory<i32>,
    factors: Memory<f32>,
    d_encodings: Buffer,
}

impl Encodings {
    /// For batches of `batch` encodings of `len` numbers, a reservoir of
    /// `capacity`, and `near` neighbours of each.
    ///
    /// # Errors
    /// [`Error::NoCuda`] where the device is no CUDA device, [`Error::Memory`]
    /// where it has no room.
    pub fn new(
        device: &Device,
        [batch, len, capacity, near]: [usize; 4],
    ) -> Result<Encodings, Error> {
        let gpu = super::gpu(device)?;
        let shape = Shape::new(&[len]).ok_or_else(|| Error::Shape {
            layer: "encoding".into(),
            op: "vector",
            expected: "a number at least".into(),
            found: "none".into(),
        })?;
        let order: Vec<i32> = (0..batch).map(int).collect();
        Ok(Encodings {
            gpu: Arc::clone(gpu),
            len,
            kept: Memory::new(gpu, batch * len)?,
            reservoir: Memory::new(gpu, capacity * len)?,
            held: 0,
            offered: 0,
            mean: Memory::new(gpu, len)?,
            count: 0,
            order: Memory::of(gpu, &order)?,
            squares: Memory::new(gpu, batch * (capacity + batch))?,
            indices: Memory::new(gpu, batch * near)?,
            factors: Memory::new(gpu, batch * near)?,
            d_encodings: device.buffer(batch, &shape)?,
        })
    }

    /// Sets a row aside for a slot.
    pub fn keep(&mut self, encodings: &Buffer, row: usize, slot: usize) {
        let (from, len) = (encodings.memory(), self.len);
        self.kept.copy(slot * len, from, row * len, len);
    }

    /// Adds the encodings that were set aside for the slots from 0 on: each to
    /// the mean, if that is of `before`, and to its row of the reservoir, if it
    /// has one.
    pub fn remember(&mut self, before: u64, rows: &[Option<usize>]) {
        for (slot, row) in rows.iter().enumerate() {
            if let Some(row) = row {
                let len = self.len;
                self.reservoir.copy(row * len, &self.kept, slot * len, len);
                self.held = self.held.max(row + 1);
            }
        }
        self.offered += rows.len() as u64;
        if self.count == before {
            let kernel = MergeMoments {
                kept: self.kept.input(),
                order: self.order.input(),
                count: before as f64,
                mean: self.mean.output(),
                e: int(self.len),
                k: int(rows.len()),
            };
            self.gpu.launch(blocks(self.len, OF_SUMS), &kernel);
            self.count += rows.len() as u64;
        }
    }

    /// Writes `-weight` times the gradient of the sum of squared distances over
    /// all pairs of the first `n` rows and of `count` others of mean `mean`,
    /// which is copied to the device if it is not there.
    pub fn spread(
        &mut self,
        encodings: &Buffer,
        n: usize,
        (count, mean): (u64, &[f64]),
        weight: f32,
    ) -> &Buffer {
        if self.count != count {
            self.mean.upload(mean);
            self.count = count;
        }
        let kernel = SpreadGradient {
            encodings: encodings.input(),
            mean: self.mean.input(),
            count: count as f64,
            weight,
            d_encodings: self.d_encodings.output(),
            e: int(self.len),
            n: int(n),
        };
        self.gpu.launch(blocks(self.len, OF_SUMS), &kernel);
        &self.d_encodings
    }

    /// Writes `-weight` times the gradient of the repulsion of the first `n`
    /// rows from the `near` nearest of each among a reservoir (`[m, len]`) that
    /// was `offered` so many, and the other rows. The reservoir is copied to the
    /// device if it is not there.
    pub fn repel(
        &mut self,
        encodings: &Buffer,
        n: usize,
        (offered, reservoir): (u64, &[f32]),
        near: usize,
        weight: f32,
    ) -> &Buffer {
        if self.offered != offered {
            self.reservoir.upload(reservoir);
            self.held = reservoir.len() / self.len;
            self.offered = offered;
        }
        let [e, m, rows, near] = [self.len, self.held, n, near].map(int);
        let distances = Distances {
            encodings: encodings.input(),
            fixed: self.reservoir.input(),
            squares: self.squares.output(),
            e,
            m,
            n: rows,
        };
        let of_rows = (n as u32).div_ceil(BATCH_ROWS);
        let of_others = (self.held + n).div_ceil(OTHER_ROWS as usize) as u32;
        self.gpu.launch([of_rows, of_others, 1], &distances);
        let nearest = Nearest {
            squares: self.squares.input(),
            indices: self.indices.output(),
            factors: self.factors.output(),
            near,
            m,
            n: rows,
        };
        self.gpu.launch([n as u32, 1, 1], &nearest);
        let repel = Repel {
            encodings: encodings.input(),
            fixed: self.reservoir.input(),
            indices: self.indices.input(),
            factors: self.factors.input(),
            weight,
            d_encodings: self.d_encodings.output(),
            near,
            e,
            m,
            n: rows,
        };
        self.gpu.launch(blocks(n * self.len, 256), &repel);
        &self.d_encodings
    }
}
