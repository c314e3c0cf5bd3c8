//! A set of images with what classifier and judge see in them.

use sampler::figures::subset;

/// Images, one after the other, and what was measured of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ImageSet {
    /// Number of images.
    pub count: usize,
    /// `[n, c, h, w]`, 8 bits.
    pub images: Vec<u8>,
    /// `[n, e]`
    pub encodings: Vec<f32>,
    /// `[n, f]`, the judge's.
    pub features: Vec<f32>,
    /// The judge's class of each; empty where it has none.
    pub classes: Vec<usize>,
}

impl ImageSet {
    /// `size` of the images, drawn by seed without replacement; all of them if
    /// there are no more.
    pub(crate) fn drawn(&self, seed: u64, size: usize) -> ImageSet {
        self.only(&subset(seed, self.count, size))
    }

    /// Some of the images.
    pub(crate) fn only(&self, chosen: &[usize]) -> ImageSet {
        ImageSet {
            count: chosen.len(),
            images: rows(&self.images, self.count, chosen),
            encodings: rows(&self.encodings, self.count, chosen),
            features: rows(&self.features, self.count, chosen),
            classes: rows(&self.classes, self.count, chosen),
        }
    }

    /// These images and then others.
    pub(crate) fn and(&self, others: &ImageSet) -> ImageSet {
        ImageSet {
            count: self.count + others.count,
            images: [&self.images[..], &others.images].concat(),
            encodings: [&self.encodings[..], &others.encodings].concat(),
            features: [&self.features[..], &others.features].concat(),
            classes: [&self.classes[..], &others.classes].concat(),
        }
    }

    /// Share of the images that the judge gives a class; none of no image, or
    /// if the judge has no classes.
    pub(crate) fn share_of(&self, class: usize) -> Option<f64> {
        let hits = self.classes.iter().filter(|&&other| other == class).count();
        (!self.classes.is_empty()).then(|| hits as f64 / self.classes.len() as f64)
    }
}

fn rows<T: Copy>(values: &[T], count: usize, chosen: &[usize]) -> Vec<T> {
    let len = values.len().checked_div(count).unwrap_or(0);
    chosen
        .iter()
        .flat_map(|&i| &values[i * len..(i + 1) * len])
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(classes: &[usize]) -> ImageSet {
        let count = classes.len();
        ImageSet {
            count,
            images: (0..2 * count).map(|i| i as u8).collect(),
            encodings: (0..count).map(|i| i as f32).collect(),
            features: (0..3 * count).map(|i| i as f32).collect(),
            classes: classes.to_vec(),
        }
    }

    #[test]
    fn rows_stay_together() {
        let two = set(&[5, 6, 7, 8]).only(&[1, 3]);
        assert_eq!((two.count, &two.images[..]), (2, &[2, 3, 6, 7][..]));
        assert_eq!(two.encodings, [1.0, 3.0]);
        assert_eq!(two.features, [3.0, 4.0, 5.0, 9.0, 10.0, 11.0]);
        assert_eq!(two.classes, [6, 8]);
        assert_eq!(ImageSet::default().drawn(0, 3), ImageSet::default());
        assert_eq!(set(&[5]).and(&set(&[6])).classes, [5, 6]);
    }

    #[test]
    fn a_judge_without_classes_gives_no_share() {
        assert_eq!(set(&[1, 2, 1, 1]).share_of(1), Some(0.75));
        let unjudged = ImageSet {
            classes: Vec::new(),
            ..set(&[1, 2])
        };
        assert_eq!(unjudged.share_of(1), None);
    }
}
