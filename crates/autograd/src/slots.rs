//! A few buffers that many gradients use one after the other.

use engine::{Buffer, Device, Error, Shape};

/// Slots, planned first and allocated then.
#[derive(Debug)]
pub(crate) struct Slots {
    batch: usize,
    /// Greatest number of values of a sample that each slot must hold.
    lens: Vec<usize>,
    /// Slots that are free at this point of the plan.
    free: Vec<usize>,
    /// `None` while a buffer is lent.
    buffers: Vec<Option<Buffer>>,
}

impl Slots {
    pub(crate) fn new(batch: usize) -> Slots {
        Slots {
            batch,
            lens: Vec::new(),
            free: Vec::new(),
            buffers: Vec::new(),
        }
    }

    /// A slot for samples of `len` values: of the free ones that which must
    /// grow least, and of those that need not grow the smallest.
    pub(crate) fn take(&mut self, len: usize) -> usize {
        let waste = |&slot: &usize| {
            let held = self.lens[slot];
            (len.saturating_sub(held), held.saturating_sub(len))
        };
        let Some(slot) = self.free.iter().copied().min_by_key(waste) else {
            self.lens.push(len);
            return self.lens.len() - 1;
        };
        self.free.retain(|&free| free != slot);
        self.lens[slot] = self.lens[slot].max(len);
        slot
    }

    /// From here on another may take the slot.
    pub(crate) fn free(&mut self, slot: usize) {
        self.free.push(slot);
    }

    /// Makes the buffers, when all is planned.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has no room for them.
    pub(crate) fn allocate(&mut self, device: &Device) -> Result<(), Error> {
        let buffer = |&len: &usize| {
            let shape = Shape::new(&[len]).expect("a slot holds a value");
            Ok(Some(device.buffer(self.batch, &shape)?))
        };
        self.buffers = self.lens.iter().map(buffer).collect::<Result<_, Error>>()?;
        Ok(())
    }

    pub(crate) fn buffer(&mut self, slot: usize) -> &mut Buffer {
        self.buffers[slot].as_mut().expect("the buffer is not lent")
    }

    pub(crate) fn lend(&mut self, slot: usize) -> Buffer {
        self.buffers[slot].take().expect("no two hold one slot")
    }

    pub(crate) fn give_back(&mut self, slot: usize, buffer: Buffer) {
        self.buffers[slot] = Some(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_slot_is_used_again_and_grows_if_it_must() {
        let mut slots = Slots::new(1);
        let [small, large] = [slots.take(2), slots.take(9)];
        slots.free(small);
        slots.free(large);
        assert_eq!(slots.take(3), large);
        assert_eq!(slots.take(5), small);
        assert_ne!(slots.take(1), small);
        assert_eq!(slots.lens, [5, 9, 1]);
    }
}
