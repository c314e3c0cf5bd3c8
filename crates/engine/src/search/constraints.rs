//! Constraints on neurons.

use std::sync::Arc;

use kernels::constraints::{COLUMNS, Constrain, PRESS, UPDATE};

use crate::cuda::{Gpu, Memory, blocks, int};
use crate::{Buffer, Device, Error};

/// The constraints of each slot of a batch on each neuron, beside the values.
#[derive(Debug)]
pub struct Constraints {
    gpu: Arc<Gpu>,
    neurons: usize,
    /// `[batch, neurons, 5]`
    table: Memory<f64>,
    presses: Memory<i32>,
}

impl Constraints {
    /// For so many slots and neurons.
    ///
    /// # Errors
    /// [`Error::NoCuda`] where the device is no CUDA device, [`Error::Memory`]
    /// where it has no room.
    pub fn new(device: &Device, batch: usize, neurons: usize) -> Result<Constraints, Error> {
        let gpu = super::gpu(device)?;
        Ok(Constraints {
            gpu: Arc::clone(gpu),
            neurons,
            table: Memory::new(gpu, batch * neurons * COLUMNS)?,
            presses: Memory::new(gpu, batch)?,
        })
    }

    /// Overwrites the constraints of a slot, per neuron: multiplier, penalty,
    /// lower and upper end of the band, and the most that the multiplier may
    /// become.
    pub fn write(&mut self, slot: usize, constraints: &[[f64; COLUMNS]]) {
        let at = slot * self.neurons * COLUMNS;
        self.table.upload_at(at, constraints.as_flattened());
    }

    /// Writes the cotangents of the augmented Lagrangian's terms at `values`
    /// (both `[neurons]` per row). Each row is told its slot, whether to update
    /// the multipliers first, and whether to press or to write zeros.
    pub fn press(
        &mut self,
        values: &Buffer,
        rows: impl Iterator<Item = (usize, bool, bool)>,
        d_values: &mut Buffer,
    ) {
        let flag = |set: bool, flag: i32| if set { flag } else { 0 };
        let word = |(slot, update, press)| int(slot) | flag(update, UPDATE) | flag(press, PRESS);
        let words: Vec<i32> = rows.map(word).collect();
        self.presses.upload(&words);
        let kernel = Constrain {
            values: values.input(),
            table: self.table.output(),
            presses: self.presses.input(),
            d_values: d_values.output(),
            m: int(self.neurons),
            n: int(words.len()),
        };
        let grid = blocks(words.len() * self.neurons, 256);
        self.gpu.launch(grid, &kernel);
    }
}
