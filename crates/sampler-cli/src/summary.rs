//! What a finished run tells.

use std::fmt;
use std::time::Duration;

use inverse_set::{Neuron, StoredImages, Summary};

/// The closing words of `sample`: a table that fits 80 columns where labels
/// and paths do.
#[derive(Debug)]
pub(crate) struct Finished<'a> {
    /// What was searched.
    pub(crate) space: String,
    /// What distances are measured in.
    pub(crate) encoder: String,
    pub(crate) neurons: &'a [Neuron],
    pub(crate) summary: &'a Summary,
    pub(crate) elapsed: Duration,
}

impl fmt::Display for Finished<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary {
            samples,
            images,
            already_finished,
            activations,
            evaluations_per_sample,
            distances_over,
            mean_pair_distance,
            mean_nearest_distance,
            directory,
        } = self.summary;
        if *already_finished {
            writeln!(f, "this run was finished before; nothing was sampled")?;
        }
        for (neuron, [least, greatest]) in self.neurons.iter().zip(activations) {
            writeln!(f, "neuron       {neuron}")?;
            writeln!(f, "range        {}", neuron.range())?;
            writeln!(f, "activations  {least:.6}..{greatest:.6}")?;
        }
        writeln!(f, "searched     {}", self.space)?;
        writeln!(f, "samples      {samples}")?;
        writeln!(f, "evaluations  {evaluations_per_sample:.1} per sample")?;
        writeln!(
            f,
            "distances    {mean_pair_distance:.2} between two samples, {mean_nearest_distance:.2} to the nearest, on average"
        )?;
        writeln!(f, "             in {}", self.encoder)?;
        if distances_over < samples {
            writeln!(f, "             over {distances_over} of the samples")?;
        }
        if !already_finished {
            writeln!(f, "seconds      {:.1}", self.elapsed.as_secs_f64())?;
        }
        writeln!(f, "directory    {}", directory.display())?;
        writeln!(f, "             report.html    a page to look at them")?;
        writeln!(f, "             grid.png       a contact sheet")?;
        match images {
            StoredImages::Png => writeln!(f, "             samples/       {samples} images")?,
            StoredImages::Tensor => {
                writeln!(f, "             samples.safetensors  {samples} images")?;
            }
            StoredImages::None => {
                writeln!(
                    f,
                    "             samples.safetensors  codes of {samples} images"
                )?;
            }
        }
        writeln!(
            f,
            "             manifest.json  every image's activations, and all figures"
        )
    }
}
