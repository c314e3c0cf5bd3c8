//! What the classifier takes the images for.

use engine::{Encoder, NodeId, Plan};
use netfile::{Label, Op};

use crate::Error;
use crate::model::unfit;
use crate::pair::{Loaded, Pair};

/// How many labels are told of an image.
const MOST: usize = 5;

/// The classifier's last layer with labels, and its greatest values.
pub(super) struct Classes<'a> {
    pub layer: &'a str,
    pub labels: &'a [Label],
    /// Per image, from the greatest on.
    pub top: Vec<Vec<Class>>,
}

/// A label of an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Class {
    /// Its number.
    pub index: usize,
    /// The layer's value.
    pub value: f32,
    /// Its softmax over all labels.
    pub share: f64,
}

/// Looks at rounded images, `[n, c, h, w]`; none where no layer has labels.
pub(super) fn classes<'a>(
    pair: &'a Pair,
    batch: usize,
    images: &[u8],
) -> Result<Option<Classes<'a>>, Error> {
    let Loaded { file, network, .. } = &pair.classifier;
    let description = file.description();
    let labelled = description.labels.iter().filter_map(|(layer, labels)| {
        let node = network.node(layer)?;
        (network.shape(node).len() == labels.len()).then_some((node, layer, labels))
    });
    let Some((node, layer, labels)) = labelled.max_by_key(|(node, ..)| *node) else {
        return Ok(None);
    };
    let op = description.layers.iter().find(|other| other.name == *layer);
    let is_share = op.is_some_and(|layer| matches!(layer.op, Op::Softmax));
    let input = network.shape(NodeId::INPUT);
    let mut plan = Plan::new(network, batch, &[node]).map_err(unfit)?;
    let encoder = Encoder::new(file, input, network.device()).map_err(unfit)?;
    let mut pixels = network.device().buffer(batch, input).map_err(unfit)?;
    let mut top = Vec::new();
    for images in images.chunks(batch * input.len()) {
        let n = images.len() / input.len();
        let values: Vec<f32> = images.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        pixels.write(n, &values);
        encoder.encode(&pixels, n, plan.input_mut());
        plan.forward(n);
        let values = plan.activation(node).read(n)?;
        top.extend(
            values
                .chunks_exact(labels.len())
                .map(|row| greatest(row, is_share)),
        );
    }
    Ok(Some(Classes { layer, labels, top }))
}

/// The greatest of some values; the first of equal ones comes first.
fn greatest(values: &[f32], is_share: bool) -> Vec<Class> {
    let greatest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |value: f32| f64::from(value - greatest).exp();
    let sum: f64 = values.iter().map(|&value| weight(value)).sum();
    let class = |(index, &value): (usize, &f32)| Class {
        index,
        value,
        share: match is_share {
            true => f64::from(value),
            false => weight(value) / sum,
        },
    };
    let mut classes: Vec<Class> = values.iter().enumerate().map(class).collect();
    classes.sort_by(|a, b| b.value.total_cmp(&a.value));
    classes.truncate(MOST);
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_come_first_and_shares_sum_to_one() {
        let values = [1.0, 3.0, -800.0, 3.0, 0.0, 2.0, -1.0];
        let classes = greatest(&values, false);
        let indices: Vec<usize> = classes.iter().map(|class| class.index).collect();
        assert_eq!(indices, [1, 3, 5, 0, 4]);
        let two = greatest(&[0.0, f32::ln(3.0)], false);
        let shares = [two[0].share, two[1].share];
        assert!(
            (shares[0] - 0.75).abs() < 1e-6 && (shares[1] - 0.25).abs() < 1e-6,
            "{shares:?}"
        );
        assert_eq!(greatest(&[0.25, 0.75], true)[0].share, 0.75);
    }
}
