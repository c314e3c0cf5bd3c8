//! The same where networks run on a device with memory of its own: codes,
//! images and encodings stay there.
//!
//! A step asks for the same work again and again, so it is recorded once for
//! every number of rows (`Tape`). Per step, values of neurons come to the host,
//! and what each row does goes back.

use engine::search::{Codes, Constraints, Encodings, Images};
use engine::{Buffer, Clamp, Device, NodeId, Shape, Tape};
use sampler::objective::RunningSums;
use sampler::{
    Constraint, Failure, Generator, Look, Observer, Press, Reservoir, Space, Stride, Wanted,
};

use super::generator::CodePass;
use super::pass::Pass;
use super::{unfit, vector};
use crate::encoding::Encoding;
use crate::pair::Pair;
use crate::{Error, Neuron};

/// Codes `[d]`, images `[c, h, w]` and encodings `[e]` on the device of a pair's
/// networks.
#[derive(Debug)]
pub(crate) struct ResidentSpace {
    device: Device,
    code: Shape,
    codes: Codes,
    encodings: Encodings,
    images: Images,
}

/// How much a space holds.
pub(crate) struct Extent {
    pub(crate) batch: usize,
    /// Numbers of an encoding.
    pub(crate) encoding: usize,
    /// Encodings of the reservoir.
    pub(crate) reservoir: usize,
    /// Neighbours that an encoding is kept away from.
    pub(crate) near: usize,
}

impl ResidentSpace {
    /// The space of codes between the bounds.
    pub(crate) fn new(
        pair: &Pair,
        extent: Extent,
        lower: &[f32],
        upper: &[f32],
    ) -> Result<ResidentSpace, Error> {
        let network = &pair.classifier.network;
        let device = network.device();
        let Extent {
            batch,
            encoding,
            reservoir,
            near,
        } = extent;
        let image = network.shape(NodeId::INPUT);
        let of_encodings = Encodings::new(device, [batch, encoding, reservoir, near.max(1)]);
        Ok(ResidentSpace {
            device: device.clone(),
            code: vector(lower.len()),
            codes: Codes::new(device, batch, lower, upper).map_err(unfit)?,
            encodings: of_encodings.map_err(unfit)?,
            images: Images::new(device, batch, image).map_err(unfit)?,
        })
    }
}

impl Space for ResidentSpace {
    type Codes = Buffer;
    type Images = Buffer;
    type Encodings = Buffer;

    fn codes(&mut self, k: usize) -> Result<Buffer, Failure> {
        Ok(self.device.buffer(k, &self.code)?)
    }

    fn write(&mut self, codes: &mut Buffer, row: usize, code: &[f32]) -> Result<(), Failure> {
        codes.write_sample(row, code);
        Ok(())
    }

    fn read(&mut self, codes: &Buffer, row: usize) -> Result<Vec<f32>, Failure> {
        Ok(codes.read_sample(row)?)
    }

    fn swap(&mut self, codes: &mut Buffer, a: usize, b: usize) -> Result<(), Failure> {
        self.codes.swap(codes, a, b);
        Ok(())
    }

    fn approach(
        &mut self,
        codes: &mut Buffer,
        own: &Buffer,
        shares: &[f32],
    ) -> Result<(), Failure> {
        self.codes.approach(codes, own, shares);
        Ok(())
    }

    fn descend(
        &mut self,
        codes: &mut Buffer,
        d_codes: &Buffer,
        strides: &[Stride],
    ) -> Result<(), Failure> {
        let strides: Vec<[f32; 2]> = strides.iter().map(|s| [s.gap, s.longest]).collect();
        self.codes.descend(codes, d_codes, &strides);
        Ok(())
    }

    fn spread(
        &mut self,
        encodings: &Buffer,
        n: usize,
        fixed: &RunningSums,
        weight: f32,
    ) -> Result<&Buffer, Failure> {
        let sums = (fixed.count(), fixed.mean());
        Ok(self.encodings.spread(encodings, n, sums, weight))
    }

    fn repel(
        &mut self,
        encodings: &Buffer,
        n: usize,
        fixed: &Reservoir,
        near: usize,
        weight: f32,
    ) -> Result<&Buffer, Failure> {
        let held = (fixed.offered(), fixed.encodings());
        Ok(self.encodings.repel(encodings, n, held, near, weight))
    }

    fn keep(&mut self, encodings: &Buffer, row: usize, slot: usize) -> Result<(), Failure> {
        self.encodings.keep(encodings, row, slot);
        Ok(())
    }

    fn remember(&mut self, before: u64, rows: &[Option<usize>]) -> Result<(), Failure> {
        self.encodings.remember(before, rows);
        Ok(())
    }

    fn read_encodings(&mut self, encodings: &Buffer, n: usize) -> Result<Vec<f32>, Failure> {
        Ok(encodings.read(n)?)
    }

    fn round(
        &mut self,
        images: &Buffer,
        n: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<&Buffer, Failure> {
        Ok(self.images.round(images, n, bytes)?)
    }
}

/// What makes images of codes: a generator, or nothing where codes are images.
#[derive(Debug)]
pub(crate) struct ResidentSource {
    device: Device,
    pass: Option<CodePass>,
    /// Images where there is no generator.
    images: Buffer,
    d_codes: Buffer,
    tape: Tape,
    /// Codes of the last `decode`.
    n: usize,
}

impl ResidentSource {
    /// For batches of at most `batch` codes of `d` numbers.
    pub(crate) fn new(
        pair: &Pair,
        batch: usize,
        d: usize,
        clamp: Clamp,
    ) -> Result<ResidentSource, Error> {
        let network = &pair.classifier.network;
        let device = network.device();
        let buffer = |shape: &Shape| device.buffer(batch, shape).map_err(unfit);
        let pass = pair.generator.as_ref();
        Ok(ResidentSource {
            device: device.clone(),
            pass: pass
                .map(|_| CodePass::new(pair, batch, clamp))
                .transpose()?,
            images: buffer(network.shape(NodeId::INPUT))?,
            d_codes: buffer(&vector(d))?,
            tape: Tape::default(),
            n: 0,
        })
    }
}

impl Generator<ResidentSpace> for ResidentSource {
    fn decode(&mut self, codes: &Buffer, n: usize) -> Result<&Buffer, Failure> {
        self.n = n;
        let Self {
            device,
            pass,
            images,
            tape,
            ..
        } = self;
        tape.run(device, &[0, n, codes.id()], || match pass {
            Some(pass) => {
                pass.codes().copy(n, codes);
                pass.forward(n);
            }
            None => images.copy(n, codes),
        });
        Ok(self.pass.as_ref().map_or(&self.images, CodePass::images))
    }

    fn pull(&mut self, d_images: &Buffer) -> Result<&Buffer, Failure> {
        let Self {
            device,
            pass,
            d_codes,
            tape,
            n,
            ..
        } = self;
        tape.run(device, &[1, *n, d_images.id()], || match pass {
            Some(pass) => d_codes.copy(*n, pass.backward(d_images, *n)),
            None => d_codes.copy(*n, d_images),
        });
        Ok(&self.d_codes)
    }
}

/// A classifier that looks at images on its device.
#[derive(Debug)]
pub(crate) struct ResidentClassifier {
    device: Device,
    pass: Pass,
    constraints: Constraints,
    encodings: Buffer,
    own_codes: Option<Buffer>,
    tape: Tape,
    /// Images of the last `look`.
    n: usize,
    shown_values: Vec<f32>,
}

impl ResidentClassifier {
    /// For batches of at most `batch` images.
    pub(crate) fn new(
        pair: &Pair,
        neurons: &[Neuron],
        encoding: &Encoding,
        batch: usize,
    ) -> Result<ResidentClassifier, Error> {
        let network = &pair.classifier.network;
        let device = network.device();
        let pass = Pass::new(pair, neurons, encoding, batch)?;
        let buffer = |len| device.buffer(batch, &vector(len)).map_err(unfit);
        let own_codes = pass.own_codes().map(Buffer::sample_len);
        let constraints = Constraints::new(device, batch, neurons.len());
        Ok(ResidentClassifier {
            device: device.clone(),
            pass,
            constraints: constraints.map_err(unfit)?,
            encodings: buffer(encoding.len(network))?,
            own_codes: own_codes.map(buffer).transpose()?,
            tape: Tape::default(),
            n: 0,
            shown_values: Vec::new(),
        })
    }

    /// From cotangents of values that lie on the device already.
    fn backward(&mut self, encodings: Option<&Buffer>) -> &Buffer {
        let Self {
            device,
            pass,
            tape,
            n,
            ..
        } = self;
        let key = [1, *n, encodings.map_or(0, Buffer::id)];
        tape.run(device, &key, || {
            if let Some(encodings) = encodings {
                pass.d_encodings.copy(*n, encodings);
            }
            pass.backward(*n, encodings.is_some());
        });
        self.pass.d_images()
    }
}

impl Observer<ResidentSpace> for ResidentClassifier {
    fn gives_own_codes(&self) -> bool {
        self.own_codes.is_some()
    }

    fn foretell(&mut self, codes: &[f32], n: usize) -> Result<Option<&[f32]>, Failure> {
        self.pass.foretell(codes, n)
    }

    fn look(
        &mut self,
        images: &Buffer,
        n: usize,
        wanted: Wanted,
    ) -> Result<Look<'_, ResidentSpace>, Failure> {
        self.n = n;
        let Self {
            device,
            pass,
            encodings,
            own_codes,
            tape,
            ..
        } = self;
        let own = wanted.own_codes && own_codes.is_some();
        let flags = usize::from(wanted.encodings) + 2 * usize::from(own);
        tape.run(device, &[0, n, images.id(), flags], || {
            pass.forward(images, n);
            if wanted.encodings {
                encodings.copy(n, pass.encode(images, n));
            }
            if let (true, Some(own), Some(codes)) = (own, own_codes, pass.own_codes()) {
                own.copy(n, codes);
            }
        });
        self.pass.values.read_into(n, &mut self.shown_values)?;
        Ok(Look {
            values: &self.shown_values,
            encodings: wanted.encodings.then_some(&self.encodings),
            own_codes: self.own_codes.as_ref().filter(|_| own),
        })
    }

    fn holds_constraints(&self) -> bool {
        true
    }

    fn constrain(&mut self, slot: usize, constraints: &[Constraint]) -> Result<(), Failure> {
        let row = |c: &Constraint| [c.multiplier, c.mu, c.lo, c.hi, c.most];
        let rows: Vec<[f64; 5]> = constraints.iter().map(row).collect();
        self.constraints.write(slot, &rows);
        Ok(())
    }

    fn press(&mut self, presses: &[Press], encodings: Option<&Buffer>) -> Result<&Buffer, Failure> {
        let rows = presses.iter().map(|p| (p.slot, p.update, p.press));
        let Pass {
            values, d_values, ..
        } = &mut self.pass;
        self.constraints.press(values, rows, d_values);
        Ok(self.backward(encodings))
    }

    fn pull(&mut self, values: &[f32], encodings: Option<&Buffer>) -> Result<&Buffer, Failure> {
        self.pass.d_values.write(self.n, values);
        Ok(self.backward(encodings))
    }
}
