//! The space of plain vectors, and the generator that is no generator.

use crate::error::Failure;
use crate::objective::{self, RunningSums};
use crate::repulsion;
use crate::reservoir::Reservoir;
use crate::space::{Generator, Space, Stride};

/// Codes, images and encodings as row-major vectors in main memory. Codes have
/// room for K rows; images and encodings hold exactly the `n` rows of the call
/// that made them.
#[derive(Clone, Debug)]
pub struct HostSpace {
    lower: Vec<f32>,
    upper: Vec<f32>,
    d_encodings: Vec<f32>,
    rounded: Vec<f32>,
}

impl HostSpace {
    /// A space whose codes lie in `[lower, upper]`, one bound per unit; bounds
    /// may be infinite.
    ///
    /// # Panics
    ///
    /// If the bounds differ in number.
    pub fn new(lower: Vec<f32>, upper: Vec<f32>) -> HostSpace {
        assert_eq!(
            lower.len(),
            upper.len(),
            "one lower and one upper bound per unit"
        );
        HostSpace {
            lower,
            upper,
            d_encodings: Vec::new(),
            rounded: Vec::new(),
        }
    }

    fn row(&self, row: usize) -> std::ops::Range<usize> {
        let d = self.lower.len();
        row * d..(row + 1) * d
    }

    fn descend_row(&self, c: &mut [f32], g: &[f32], stride: Stride) {
        let free = |k: usize, c: f32| {
            let blocked = (c <= self.lower[k] && g[k] > 0.0) || (c >= self.upper[k] && g[k] < 0.0);
            if blocked { 0.0 } else { g[k] }
        };
        let square: f64 = c
            .iter()
            .enumerate()
            .map(|(k, &c)| f64::from(free(k, c)).powi(2))
            .sum();
        let norm = square.sqrt();
        let length = (f64::from(stride.gap) / norm).min(f64::from(stride.longest));
        let factor = length / norm;
        if !(factor.is_finite() && factor > 0.0) {
            return;
        }
        for (k, c) in c.iter_mut().enumerate() {
            let moved = *c - (factor * f64::from(free(k, *c))) as f32;
            *c = moved.max(self.lower[k]).min(self.upper[k]);
        }
    }
}

impl Space for HostSpace {
    type Codes = Vec<f32>;
    type Images = Vec<f32>;
    type Encodings = Vec<f32>;

    fn codes(&mut self, k: usize) -> Result<Vec<f32>, Failure> {
        Ok(vec![0.0; k * self.lower.len()])
    }

    fn write(&mut self, codes: &mut Vec<f32>, row: usize, code: &[f32]) -> Result<(), Failure> {
        codes[self.row(row)].copy_from_slice(code);
        Ok(())
    }

    fn read(&mut self, codes: &Vec<f32>, row: usize) -> Result<Vec<f32>, Failure> {
        Ok(codes[self.row(row)].to_vec())
    }

    fn swap(&mut self, codes: &mut Vec<f32>, a: usize, b: usize) -> Result<(), Failure> {
        for (i, j) in self.row(a).zip(self.row(b)) {
            codes.swap(i, j);
        }
        Ok(())
    }

    fn approach(
        &mut self,
        codes: &mut Vec<f32>,
        own: &Vec<f32>,
        shares: &[f32],
    ) -> Result<(), Failure> {
        for (row, &share) in shares.iter().enumerate() {
            let at = self.row(row);
            for (k, (c, own)) in codes[at.clone()].iter_mut().zip(&own[at]).enumerate() {
                *c = (*c + share * (own - *c))
                    .max(self.lower[k])
                    .min(self.upper[k]);
            }
        }
        Ok(())
    }

    fn descend(
        &mut self,
        codes: &mut Vec<f32>,
        d_codes: &Vec<f32>,
        strides: &[Stride],
    ) -> Result<(), Failure> {
        for (row, &stride) in strides.iter().enumerate() {
            let at = self.row(row);
            self.descend_row(&mut codes[at.clone()], &d_codes[at], stride);
        }
        Ok(())
    }

    fn spread(
        &mut self,
        encodings: &Vec<f32>,
        n: usize,
        fixed: &RunningSums,
        weight: f32,
    ) -> Result<&Vec<f32>, Failure> {
        let dim = encodings.len() / n;
        self.d_encodings.resize(encodings.len(), 0.0);
        objective::gradient(fixed, encodings, dim, &mut self.d_encodings);
        for d in &mut self.d_encodings {
            *d *= -weight;
        }
        Ok(&self.d_encodings)
    }

    fn repel(
        &mut self,
        encodings: &Vec<f32>,
        n: usize,
        fixed: &Reservoir,
        near: usize,
        weight: f32,
    ) -> Result<&Vec<f32>, Failure> {
        let dim = encodings.len() / n;
        self.d_encodings.resize(encodings.len(), 0.0);
        let held = fixed.encodings();
        repulsion::gradient(held, encodings, dim, near, &mut self.d_encodings);
        for d in &mut self.d_encodings {
            *d *= -weight;
        }
        Ok(&self.d_encodings)
    }

    fn read_encodings(&mut self, encodings: &Vec<f32>, _n: usize) -> Result<Vec<f32>, Failure> {
        Ok(encodings.clone())
    }

    fn round(
        &mut self,
        images: &Vec<f32>,
        _n: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<&Vec<f32>, Failure> {
        bytes.clear();
        bytes.extend(
            images
                .iter()
                .map(|x| (x.clamp(0.0, 1.0) * 255.0).round() as u8),
        );
        self.rounded.clear();
        self.rounded
            .extend(bytes.iter().map(|&b| f32::from(b) / 255.0));
        Ok(&self.rounded)
    }
}

/// The generator of pixel space (the paper's equation 2): codes are images.
#[derive(Clone, Debug)]
pub struct Identity {
    pixels: usize,
    images: Vec<f32>,
    d_codes: Vec<f32>,
}

impl Identity {
    /// Images of so many numbers.
    pub fn new(pixels: usize) -> Identity {
        Identity {
            pixels,
            images: Vec::new(),
            d_codes: Vec::new(),
        }
    }
}

impl Generator<HostSpace> for Identity {
    fn decode(&mut self, codes: &Vec<f32>, n: usize) -> Result<&Vec<f32>, Failure> {
        self.images.clear();
        self.images.extend_from_slice(&codes[..n * self.pixels]);
        Ok(&self.images)
    }

    fn pull(&mut self, d_images: &Vec<f32>) -> Result<&Vec<f32>, Failure> {
        self.d_codes.clone_from(d_images);
        Ok(&self.d_codes)
    }
}
