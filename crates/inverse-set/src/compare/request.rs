//! What is asked for.

use netfile::FileSource;

use super::methods::Method;
use super::refused;
use crate::{Error, Pair, Request};

/// What to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareRequest {
    /// What `inverse-set` is asked for. Its neurons are compared one by one;
    /// several may be named at once, see [`Pair::neurons`]. Its seed is the first
    /// one.
    pub sample: Request,
    /// The methods, in the order of the tables.
    pub methods: Vec<Method>,
    /// Number of seeds.
    pub seeds: usize,
    /// Evaluations per wanted sample of the methods other than `inverse-set`;
    /// what that spent on its samples if none.
    pub evals_per_sample: Option<f64>,
    /// A safetensors file of images, u8 `[n, h, w]` or `[n, c, h, w]`;
    /// `reference.safetensors` beside the classifier if none.
    pub reference: Option<FileSource>,
    /// The judge's network file; `judge.safetensors` beside the classifier if
    /// none.
    pub judge: Option<FileSource>,
    /// The judge's layer that features are read from; the one that its file
    /// names as encoder if none.
    pub judge_layer: Option<String>,
}

impl CompareRequest {
    /// The files of the reference images and of the judge.
    pub(crate) fn files(&self, pair: &Pair) -> Result<[FileSource; 2], Error> {
        let folder = match pair.classifier().source() {
            Some(FileSource::Disk(path)) => path.parent(),
            _ => None,
        };
        let find = |given: &Option<FileSource>, name: &str, option: &str| {
            let beside = || {
                let path = folder?.join(name);
                path.is_file().then_some(FileSource::Disk(path))
            };
            given.clone().or_else(beside).ok_or_else(|| {
                refused(format!(
                    "there is no {name} beside the classifier; give {option}"
                ))
            })
        };
        Ok([
            find(&self.reference, "reference.safetensors", "--reference")?,
            find(&self.judge, "judge.safetensors", "--judge")?,
        ])
    }

    /// # Errors
    /// [`Error::Request`] for methods that make no comparison.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let methods = &self.methods;
        let repeated = |&place: &usize| methods[..place].contains(&methods[place]);
        if methods.is_empty() || self.seeds == 0 {
            return Err(refused("expected at least one method and one seed".into()));
        }
        if let Some(place) = (0..methods.len()).find(repeated) {
            return Err(refused(format!("{} is given twice", methods[place])));
        }
        let budget = |method: &&Method| !method.looks_up() && **method != Method::InverseSet;
        let known = self.evals_per_sample.is_some() || methods.contains(&Method::InverseSet);
        match methods.iter().find(budget) {
            Some(method) if !known => Err(refused(format!(
                "{method} gets what inverse-set spends; add inverse-set to --methods, or give --evals-per-sample"
            ))),
            _ => Ok(()),
        }
    }
}
