//! A neuron, its range, and how that lies among real images.

use super::plots::{Distributed, Histogram, Strip};
use super::words;
use crate::Neuron;
use crate::pair::Pair;

/// What a page tells of one neuron.
pub(super) struct NeuronPart {
    pub name: String,
    /// Layer and unit.
    pub place: String,
    pub id: Option<String>,
    pub range: String,
    /// How the range lies among real images, if that is known.
    pub strip: Option<(Strip, String)>,
    pub histogram: Histogram,
}

impl NeuronPart {
    /// `shown` are the activations of the pictures, `all` those of all samples;
    /// `edges` are drawn besides the ends of the range.
    pub(super) fn new(
        pair: &Pair,
        neuron: &Neuron,
        shown: &[f32],
        all: &[f32],
        edges: &[f64],
    ) -> NeuronPart {
        let range = [neuron.lo, neuron.hi];
        let distribution = neuron.distribution(pair.classifier(), pair.classifier_network());
        // A neuron that the table leaves out is as good as one without a table.
        let strip = distribution.ok().flatten().map(|distribution| {
            let text = words::among_references(&distribution, range);
            let mut rows = vec![Distributed {
                images: "all reference images",
                values: &distribution.over_all,
            }];
            rows.extend(distribution.over_label.iter().map(|values| Distributed {
                images: "those of its own label",
                values,
            }));
            let strip = Strip::new(&rows, shown, range, edges, text.clone());
            (strip, text)
        });
        NeuronPart {
            name: words::name(neuron),
            place: words::place(neuron),
            id: neuron.label.as_ref().map(|label| words::shown(&label.id)),
            range: words::range(neuron),
            strip,
            histogram: Histogram::new(all, range),
        }
    }
}
