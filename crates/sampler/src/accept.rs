//! The last word on a sample: its image as stored, looked at again.

use crate::batch::{Making, Phase, Sample};
use crate::error::Error;
use crate::repair::attempt;
use crate::seen::fnv1a;
use crate::slot::{Slot, Status};
use crate::space::{Generator, Observer, Space};

impl<S: Space, G: Generator<S>, O: Observer<S>> Making<'_, S, G, O> {
    /// Looks at the rounded images of all slots that are inside. A slot is
    /// accepted if every neuron is within its accepting band and no image
    /// accepted before has the same bytes; otherwise it moves again.
    pub(crate) fn accept(&mut self) -> Result<(), Error> {
        let inside = self.with(Status::Inside);
        let n = inside.len();
        self.afford(n, false)?;
        let rounded = self.models.examine(&inside)?;
        for (row, &slot) in inside.iter().enumerate() {
            let values = part(&rounded.values, row, n);
            let image = part(&rounded.bytes, row, n);
            let hash = fnv1a(image);
            self.shifts.observe(&self.slots[slot].values, values);
            self.reach.observe(values, &self.problem.ranges);
            let ranges = self.problem.ranges.iter();
            let fits = ranges
                .zip(values)
                .all(|(range, &f)| range.accepting().contains(f));
            let known = self.state.seen.contains(hash) || self.made(hash);
            if fits && !known {
                self.slots[slot].status = Status::Accepted;
                self.slots[slot].sample = Some(Sample {
                    code: self.models.read(slot)?,
                    image: image.to_vec(),
                    activations: values.to_vec(),
                    encoding: part(&rounded.encodings, row, n).to_vec(),
                    hash,
                });
            } else {
                self.reject(slot)?;
            }
        }
        self.report(Phase::Accept)
    }

    /// Whether this batch holds an image with that hash.
    fn made(&self, hash: u64) -> bool {
        let mut samples = self.slots.iter().filter_map(|slot| slot.sample.as_ref());
        samples.any(|sample| sample.hash == hash)
    }

    /// Sends a slot back with a wider margin, and with some noise: the same
    /// code would give the same image.
    fn reject(&mut self, slot: usize) -> Result<(), Error> {
        self.rejected += 1;
        self.slots[slot].rejections += 1;
        let Slot {
            rejections,
            failures,
            origin,
            ..
        } = self.slots[slot];
        if rejections > self.options.rejections {
            self.slots[slot].rejections = 0;
            self.slots[slot].status = Status::Failed;
            return Ok(());
        }
        let mut code = self.models.read(slot)?;
        self.jitter(slot, attempt(failures, rejections), 1.0, &mut code);
        self.models.write(slot, &code)?;
        self.slots[slot].placed(origin);
        self.refresh_bands(&[slot]);
        Ok(())
    }
}

/// Row `row` of `n` equal rows.
fn part<T>(rows: &[T], row: usize, n: usize) -> &[T] {
    let size = rows.len() / n;
    &rows[row * size..(row + 1) * size]
}
