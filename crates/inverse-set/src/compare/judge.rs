//! The judge: a network that took no part in sampling and says what it sees.

use engine::{Buffer, Encoder, NodeId, Plan};
use netfile::{FileSource, Label};

use crate::neuron::{Shown, find_layer};
use crate::pair::{Loaded, Pair};
use crate::record::NetworkRecord;
use crate::reference::fitted;
use crate::{Error, Neuron};

/// Images that the judge looks at together.
const BATCH: usize = 32;

/// A second classifier, whose features precision, density and coverage are
/// measured in.
#[derive(Debug)]
pub(crate) struct Judge {
    loaded: Loaded,
    plan: Plan,
    encoder: Encoder,
    images: Buffer,
    /// `[c, h, w]` of the images that it is shown.
    shown: [usize; 3],
    /// `[c, h, w]` of the images that it takes.
    taken: [usize; 3],
    layer: String,
    features: NodeId,
    /// Its last layer with labels.
    classes: Option<(NodeId, Vec<Label>)>,
}

impl Judge {
    /// Opens the judge of a pair's images; features are those of `layer`, or of
    /// the layer that its file names as `encoder`.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Network`] for the file, [`Error::Request`]
    /// for a layer that is missing or images that it cannot take.
    pub(crate) fn open(
        source: &FileSource,
        layer: Option<&str>,
        pair: &Pair,
        shown: [usize; 3],
    ) -> Result<Judge, Error> {
        let loaded = Loaded::open(source, pair.classifier.network.device())?;
        let Loaded { file, network, .. } = &loaded;
        let description = file.description();
        let name = description.name.clone();
        let refused =
            |what: String| Error::Request(format!("choosing the judge: {}: {what}", Shown(&name)));
        let layer = layer
            .or(description.encoder.as_deref())
            .ok_or_else(|| refused("it names no encoder; give --judge-layer".into()))?
            .to_owned();
        find_layer(&layer, file, network).map_err(&refused)?;
        let features = network.node(&layer).expect("the layer was found");
        let input = network.shape(NodeId::INPUT);
        let taken = input.planes().filter(|taken| taken[0] == shown[0]);
        let taken = taken.ok_or_else(|| {
            refused(format!(
                "it takes {input}, expected images of {} channels as the classifier takes",
                shown[0]
            ))
        })?;
        let labelled =
            |(layer, labels): (&String, &Vec<Label>)| Some((network.node(layer)?, labels.clone()));
        let classes = description.labels.iter().filter_map(labelled);
        let classes = classes.max_by_key(|(node, _)| *node);
        let mut targets = vec![features];
        targets.extend(classes.iter().map(|(node, _)| *node));
        let unfit = |cause: engine::Error| refused(cause.to_string());
        Ok(Judge {
            plan: Plan::new(network, BATCH, &targets).map_err(unfit)?,
            encoder: Encoder::new(file, input, network.device()).map_err(unfit)?,
            images: network.device().buffer(BATCH, input).map_err(unfit)?,
            shown,
            taken,
            layer,
            features,
            classes,
            loaded,
        })
    }

    /// What the records say of it: its file, and the layer of the features.
    pub(crate) fn record(&self) -> (NetworkRecord, String) {
        (self.loaded.record(), self.layer.clone())
    }

    /// Numbers in the features of one image.
    pub(crate) fn features_len(&self) -> usize {
        self.loaded.network.shape(self.features).len()
    }

    /// The judge's class for a neuron: that of its label, by id, else by name.
    pub(crate) fn class_of(&self, neuron: &Neuron) -> Option<usize> {
        let (label, (_, labels)) = (neuron.label.as_ref()?, self.classes.as_ref()?);
        let by_id = labels.iter().position(|other| other.id == label.id);
        by_id.or_else(|| labels.iter().position(|other| other.name == label.name))
    }

    /// The features of images (`[n, c, h, w]` of 8 bits), `[n, f]`, and the
    /// class of each: that of the greatest value, where it has classes.
    pub(crate) fn look(&mut self, images: &[u8]) -> Result<(Vec<f32>, Vec<usize>), Error> {
        let pixels = self.shown.iter().product::<usize>();
        let (mut features, mut classes) = (Vec::new(), Vec::new());
        for images in images.chunks(BATCH * pixels) {
            let n = images.len() / pixels;
            let bytes = fitted(images, self.shown, self.taken).into_iter();
            let pixels: Vec<f32> = bytes.map(|byte| f32::from(byte) / 255.0).collect();
            self.images.write(n, &pixels);
            self.encoder.encode(&self.images, n, self.plan.input_mut());
            self.plan.forward(n);
            features.extend(self.plan.activation(self.features).read(n)?);
            if let Some((node, labels)) = &self.classes {
                let scores = self.plan.activation(*node).read(n)?;
                classes.extend(scores.chunks_exact(labels.len()).map(greatest));
            }
        }
        Ok((features, classes))
    }
}

/// The first of the greatest values.
fn greatest(scores: &[f32]) -> usize {
    let better = |best: usize, i: usize| match scores[i] > scores[best] {
        true => i,
        false => best,
    };
    (0..scores.len()).fold(0, better)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_the_first_of_the_greatest() {
        assert_eq!(greatest(&[-3.0, -1.0, -1.0, -2.0]), 1);
    }
}
