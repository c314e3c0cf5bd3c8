//! The neurons that a command line names: expressions, and files of them.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use inverse_set::{Neuron, Pair};

use crate::failure::mistake;

/// Neurons, looked up in a classifier.
pub(super) struct Named {
    pub(super) neurons: Vec<Neuron>,
    /// What they were asked for with: expressions, and names of files without
    /// folder and ending.
    pub(super) asked: Vec<String>,
}

impl Named {
    /// # Errors
    /// Names the expression that means nothing, and its line in a file.
    pub(super) fn find(texts: &[String], pair: &Pair) -> Result<Named> {
        let (mut neurons, mut asked) = (Vec::new(), Vec::new());
        for text in texts {
            let path = Path::new(text);
            if path.is_file() {
                neurons.append(&mut of_file(path, pair)?);
                let stem = path.file_stem().unwrap_or_default();
                asked.push(stem.to_string_lossy().into_owned());
            } else if text.contains(':') {
                neurons.append(&mut pair.neurons(text)?);
                asked.push(text.clone());
            } else {
                return Err(mistake(format!(
                    "--neurons {text:?}: neither a file nor LAYER:UNIT, as in fc8:all"
                )));
            }
        }
        Ok(Named { neurons, asked })
    }
}

fn of_file(path: &Path, pair: &Pair) -> Result<Vec<Neuron>> {
    let name = path.display();
    let text = fs::read(path).with_context(|| format!("reading {name}"))?;
    let text = String::from_utf8(text)
        .map_err(|_| mistake(format!("reading {name}: it is no text in UTF-8")))?;
    let mut neurons = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let found = pair.neurons(line);
        let found = found.with_context(|| format!("{name}, line {}", number + 1));
        neurons.append(&mut found?);
    }
    match neurons.is_empty() {
        true => Err(mistake(format!("reading {name}: it names no neuron"))),
        false => Ok(neurons),
    }
}
