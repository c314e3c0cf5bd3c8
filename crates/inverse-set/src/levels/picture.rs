//! The picture of all levels.

use std::path::Path;

use crate::directory::SAMPLES_FILE;
use crate::grid::{BACKGROUND, Images};
use crate::results::Results;
use crate::samples::{self, Column};
use crate::scan::evenly;
use crate::{Error, Job};

/// Most images of a level in the picture.
const MOST: usize = 20;

/// Rows of images, from top to bottom.
pub(super) struct Rows {
    /// Images in a row.
    columns: usize,
    /// The images of each row; none of a row that is empty.
    rows: Vec<Vec<u8>>,
    /// `[c, h, w]`, known from the first image on.
    shape: [usize; 3],
}

impl Rows {
    /// For levels of `samples` images.
    pub(super) fn new(samples: usize) -> Rows {
        Rows {
            columns: samples.min(MOST),
            rows: Vec::new(),
            shape: [0; 3],
        }
    }

    /// A row of the images of a finished run, from low to high activations.
    pub(super) fn add(&mut self, job: &Job, directory: &Path) -> Result<(), Error> {
        let path = directory.join(SAMPLES_FILE);
        let file = netfile::map_file(&path).map_err(|cause| Error::from_read(&path, cause))?;
        let samples = samples::Rows::new(file, job.sizes()?).map_err(|cause| Error::Directory {
            path,
            cause: format!("is damaged ({cause}); remove the directory and sample again"),
        })?;
        let activation = |i: usize| samples.floats(Column::Activations, i)[0];
        let mut order: Vec<usize> = (0..samples.count()).collect();
        order.sort_by(|&a, &b| activation(a).total_cmp(&activation(b)));
        let chosen = evenly(order.len(), self.columns);
        let images = chosen.flat_map(|i| samples.row(Column::Images, order[i]));
        self.rows.push(images.copied().collect());
        self.shape = samples.sizes().image;
        Ok(())
    }

    /// An empty row.
    pub(super) fn skip(&mut self) {
        self.rows.push(Vec::new());
    }

    /// Whether no row holds an image.
    pub(super) fn are_empty(&self) -> bool {
        self.rows.iter().all(Vec::is_empty)
    }

    /// Writes the picture; there is an image at least.
    pub(super) fn write(mut self, results: &Results, name: &str) -> Result<(), Error> {
        let row = self.columns * self.shape.iter().product::<usize>();
        for images in &mut self.rows {
            images.resize(row, BACKGROUND);
        }
        let bytes = self.rows.concat();
        let images = Images {
            bytes: &bytes,
            shape: self.shape,
        };
        results.write_sheet(name, images, self.rows.len() * self.columns, self.columns)
    }
}
