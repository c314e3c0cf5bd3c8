//! A classifier at work, its results in main memory.

use engine::{Buffer, NodeId};
use sampler::{Failure, HostSpace, Look, Observer, Wanted};

use super::pass::Pass;
use super::unfit;
use crate::encoding::Encoding;
use crate::pair::Pair;
use crate::{Error, Neuron};

/// A classifier: images in; neurons, encodings and the images' own codes out,
/// and back.
#[derive(Debug)]
pub(crate) struct Classifier {
    pass: Pass,
    images: Buffer,
    /// Images of the last `look`.
    n: usize,
    /// What the sampler is shown, in its own vectors.
    shown_values: Vec<f32>,
    shown_encodings: Vec<f32>,
    shown_codes: Vec<f32>,
    shown_d_images: Vec<f32>,
}

impl Classifier {
    /// For batches of at most `batch` images.
    pub(crate) fn new(
        pair: &Pair,
        neurons: &[Neuron],
        encoding: &Encoding,
        batch: usize,
    ) -> Result<Classifier, Error> {
        let network = &pair.classifier.network;
        // First, for it tells whether the batch fits into memory.
        let pass = Pass::new(pair, neurons, encoding, batch)?;
        let images = network.device().buffer(batch, network.shape(NodeId::INPUT));
        Ok(Classifier {
            pass,
            images: images.map_err(unfit)?,
            n: 0,
            shown_values: Vec::new(),
            shown_encodings: Vec::new(),
            shown_codes: Vec::new(),
            shown_d_images: Vec::new(),
        })
    }

    /// The same for images that are made of no codes: it gives none.
    pub(crate) fn without_codes(self) -> Classifier {
        Classifier {
            pass: self.pass.without_codes(),
            ..self
        }
    }

    /// The activations `[n, neurons]` of `n` rounded images, 8 bits a value and
    /// one after the other; at most a batch.
    ///
    /// # Errors
    /// Where the device fails.
    pub(crate) fn measure(&mut self, images: &[u8], n: usize) -> Result<&[f32], Failure> {
        let pixels = images.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let wanted = Wanted {
            encodings: false,
            own_codes: false,
        };
        Ok(self.look(&pixels, n, wanted)?.values)
    }
}

impl Observer<HostSpace> for Classifier {
    fn gives_own_codes(&self) -> bool {
        self.pass.own_codes().is_some()
    }

    fn foretell(&mut self, codes: &[f32], n: usize) -> Result<Option<&[f32]>, Failure> {
        self.pass.foretell(codes, n)
    }

    fn look(
        &mut self,
        images: &Vec<f32>,
        n: usize,
        wanted: Wanted,
    ) -> Result<Look<'_, HostSpace>, Failure> {
        self.images
            .write(n, &images[..n * self.images.sample_len()]);
        self.n = n;
        self.pass.forward(&self.images, n);
        self.pass.values.read_into(n, &mut self.shown_values)?;
        if wanted.encodings {
            let encodings = self.pass.encode(&self.images, n);
            encodings.read_into(n, &mut self.shown_encodings)?;
        }
        let codes = self.pass.own_codes().filter(|_| wanted.own_codes);
        if let Some(codes) = codes {
            codes.read_into(n, &mut self.shown_codes)?;
        }
        Ok(Look {
            values: &self.shown_values,
            encodings: wanted.encodings.then_some(&self.shown_encodings),
            own_codes: codes.is_some().then_some(&self.shown_codes),
        })
    }

    fn pull(&mut self, values: &[f32], encodings: Option<&Vec<f32>>) -> Result<&Vec<f32>, Failure> {
        let n = self.n;
        self.pass.d_values.write(n, values);
        if let Some(encodings) = encodings {
            self.pass.d_encodings.write(n, encodings);
        }
        let d_images = self.pass.backward(n, encodings.is_some());
        d_images.read_into(n, &mut self.shown_d_images)?;
        Ok(&self.shown_d_images)
    }
}
