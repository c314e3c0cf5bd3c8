//! The command that makes results again, from their record alone. Files are
//! named without their folders, which no record tells.

use sampler::Options;

use crate::Neuron;
use crate::atlas::AtlasRecord;
use crate::compare::Setup;
use crate::levels::Asked;
use crate::neuron::Shown;
use crate::record::{EncoderRecord, NetworkRecord, OtherEncoder, Run, SpaceRecord, StoredImages};

/// A run's.
pub(super) fn sample(run: &Run, options: &Options) -> String {
    let mut line = Line::new("sample");
    line.networks(&run.classifier, run.generator.as_ref());
    if run.space != SpaceRecord::Code {
        line.option("--space", "pixels");
    }
    line.neurons(&run.neurons);
    line.encoder(&run.encoder);
    line.option("-n", run.samples);
    line.option("--batch", options.batch);
    line.option("--seed", run.seed);
    line.option("--clamp", &run.clamp);
    line.images(run.images);
    line.given("--max-evals", options.max_evals);
    line.finish()
}

/// That of levels.
pub(super) fn levels(asked: &Asked) -> String {
    let mut line = Line::new("levels");
    line.networks(&asked.classifier, asked.generator.as_ref());
    line.neurons(std::slice::from_ref(&asked.neuron));
    line.encoder(&asked.encoder);
    line.option("--levels", asked.levels);
    line.option("-n", asked.samples);
    line.option("--seed", asked.seed);
    line.finish()
}

/// An atlas's; `neurons` are expressions, or the name of a file with them.
pub(super) fn atlas(asked: &AtlasRecord, neurons: &[String]) -> String {
    let mut line = Line::new("atlas");
    line.networks(&asked.classifier, asked.generator.as_ref());
    for neuron in neurons {
        line.option("--neurons", neuron);
    }
    line.encoder(&asked.encoder);
    line.option("-n", asked.samples);
    line.given("--batch", asked.sampler["batch"].as_u64());
    line.option("--seed", asked.seed);
    line.images(asked.images);
    line.given("--max-evals", asked.max_evals);
    line.finish()
}

/// A comparison's.
pub(super) fn compare(setup: &Setup) -> String {
    let run = &setup.run;
    let mut line = Line::new("compare");
    line.networks(&run.classifier, run.generator.as_ref());
    line.neurons(&run.neurons);
    line.encoder(&run.encoder);
    line.option("-n", run.samples);
    let methods = setup.methods.iter().filter_map(|m| m["method"].as_str());
    line.option("--methods", methods.collect::<Vec<&str>>().join(","));
    line.option("--seeds", setup.seeds);
    line.option("--seed", run.seed);
    line.given("--batch", run.sampler["batch"].as_u64());
    line.given("--evals-per-sample", setup.evals_per_sample);
    line.option("--reference", &setup.reference.file);
    line.option("--judge", &setup.judge.file);
    line.option("--judge-layer", &setup.judge_layer);
    line.finish()
}

/// A command line in the making.
struct Line(String);

impl Line {
    fn new(command: &str) -> Line {
        Line(format!("sampler-cli {command}"))
    }

    fn option(&mut self, name: &str, value: impl ToString) {
        self.0.extend([" ", name, " ", &quoted(&value.to_string())]);
    }

    fn given(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.option(name, value);
        }
    }

    fn networks(&mut self, classifier: &NetworkRecord, generator: Option<&NetworkRecord>) {
        self.option("--classifier", &classifier.file);
        self.given("--generator", generator.map(|generator| &generator.file));
    }

    fn neurons(&mut self, neurons: &[Neuron]) {
        for neuron in neurons {
            self.option("--neuron", &neuron.expression);
        }
    }

    fn images(&mut self, images: StoredImages) {
        let images = match images {
            StoredImages::None => "none",
            StoredImages::Png => "png",
            StoredImages::Tensor => "tensor",
        };
        self.option("--images", images);
    }

    fn encoder(&mut self, encoder: &EncoderRecord) {
        match encoder {
            EncoderRecord::Layer(layer) => self.option("--encoder", layer),
            EncoderRecord::Other(OtherEncoder::Network { layer, network }) => {
                self.option("--encoder", format!("{}:{layer}", network.file));
            }
            EncoderRecord::Other(OtherEncoder::Pixels {}) => self.option("--distance", "pixels"),
        }
    }

    fn finish(self) -> String {
        Shown(&self.0).to_string()
    }
}

/// A word as a POSIX shell reads it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_split_or_expand_them() {
        for (word, expected) in [
            ("fc8:3=-1..2.5", "fc8:3=-1..2.5"),
            ("fc8:\"Ankle boot\"", "'fc8:\"Ankle boot\"'"),
            ("it's", r"'it'\''s'"),
            ("$(x)", "'$(x)'"),
            ("*", "'*'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
