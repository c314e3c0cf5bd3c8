//! What the tiny networks compute for random images: the statistics of the
//! code, and quantiles over generated images, so that ranges given as quantiles
//! can be reached. Layers are computed in double precision, so that the numbers
//! do not depend on the processor.

use anyhow::{Context, Result};
use engine::{Buffer, Clamp, Decoder, Device, Encoder, Network, reference};
use netfile::{CodeSpace, Dtype, NetworkFile, Quantiles, TensorData, to_bytes};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

use super::random::Draft;

const SEED: u64 = 3;
const IMAGES: usize = 256;
const LEVELS: [f32; 9] = [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 100.0];

/// Values of several units: one list per unit, one value per image.
type Columns = Vec<Vec<f64>>;

/// Adds the code's tensors to the generator, and the quantiles to the
/// classifier.
pub(super) fn measure(classifier: &mut Draft, generator: &mut Draft) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let observer = Observer::new(classifier)?;
    let images = observer.random_images(&mut random);
    let [code] = observer.look(&images, ["relu6"])?;
    let (tensors, codes) = code_space(&code, &mut random);
    let images = observer.generate(generator, &codes)?;
    generator.tensors.extend(tensors);

    let [conv5, fc6, fc7, fc8] = observer.look(&images, ["conv5", "fc6", "fc7", "fc8"])?;
    let plane = observer.plane("conv5")?;
    let greatest = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::MIN, f64::max);
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / plane as f64;
    let own = of_own_label(&fc8);
    for (key, all, own) in [
        ("conv5@max", pooled(&conv5, plane, greatest), None),
        ("conv5@mean", pooled(&conv5, plane, mean), None),
        ("conv5", conv5, None),
        ("fc6", fc6, None),
        ("fc7", fc7, None),
        ("fc8", fc8, Some(own)),
    ] {
        let quantiles = Quantiles {
            levels: LEVELS.into(),
            images: format!("{IMAGES} images of the tiny generator from random codes"),
            by_label: own.is_some(),
        };
        classifier
            .description
            .quantiles
            .insert(key.into(), quantiles);
        let over_all = Some((Quantiles::over_all(key), all));
        let over_label = own.map(|own| (Quantiles::over_label(key), own));
        for (name, columns) in over_all.into_iter().chain(over_label) {
            classifier.tensors.push(table(name, &columns));
        }
    }
    Ok(())
}

/// The classifier, ready to look at images.
struct Observer {
    file: NetworkFile,
    network: Network,
    encoder: Encoder,
    device: Device,
}

impl Observer {
    fn new(classifier: &Draft) -> Result<Observer> {
        let device = Device::cpu(Some(1))?;
        let bytes = to_bytes(&classifier.description, &classifier.tensors)?;
        let file = NetworkFile::from_bytes(bytes)?;
        let network = Network::load(&file, &device)?;
        let encoder = Encoder::new(&file, network.shape(engine::NodeId::INPUT), &device)?;
        Ok(Observer {
            file,
            network,
            encoder,
            device,
        })
    }

    /// Images whose channels are slopes in random directions, with noise.
    fn random_images(&self, random: &mut ChaCha8Rng) -> Buffer {
        let shape = self.encoder.image_shape();
        let [_, h, w] = shape.planes().expect("the input is an image");
        let mut normal = |std: f32| {
            let value: f32 = StandardNormal.sample(random);
            std * value
        };
        let mut images = Buffer::new(IMAGES, shape);
        let mut pixels = vec![0.0; IMAGES * shape.len()];
        for plane in pixels.chunks_exact_mut(h * w) {
            let (level, down, right) = (0.5 + normal(0.15), normal(0.03), normal(0.03));
            for (i, pixel) in plane.iter_mut().enumerate() {
                let (y, x) = ((i / w) as f32, (i % w) as f32);
                let slope = down * (y - h as f32 / 2.0) + right * (x - w as f32 / 2.0);
                *pixel = (level + slope + normal(0.1)).clamp(0.0, 1.0);
            }
        }
        images.write(IMAGES, &pixels);
        images
    }

    /// What the generator makes of `codes`, `IMAGES` of them.
    fn generate(&self, generator: &Draft, codes: &[f64]) -> Result<Buffer> {
        let mut description = generator.description.clone();
        // Its tensors are not there yet.
        description.code = None;
        let file = NetworkFile::from_bytes(to_bytes(&description, &generator.tensors)?)?;
        let network = Network::load(&file, &self.device)?;
        let shape = network.shape(network.output());
        let mut output = Buffer::new(IMAGES, shape);
        let computed = reference::forward(&file, codes, IMAGES);
        let last = computed.last().context("the generator has layers")?;
        let last: Vec<f32> = last.iter().map(|&value| value as f32).collect();
        output.write(IMAGES, &last);
        let image = self.encoder.image_shape();
        let decoder = Decoder::new(&file, shape, image, Clamp::Hard, &self.device)?;
        let mut images = Buffer::new(IMAGES, image);
        decoder.decode(&output, IMAGES, &mut images);
        Ok(images)
    }

    /// The activations of some layers for `IMAGES` images.
    fn look<const N: usize>(&self, images: &Buffer, layers: [&str; N]) -> Result<[Columns; N]> {
        let mut encoded = Buffer::new(IMAGES, self.encoder.image_shape());
        self.encoder.encode(images, IMAGES, &mut encoded);
        let encoded = encoded.read(IMAGES)?;
        let input: Vec<f64> = encoded.into_iter().map(f64::from).collect();
        let activations = reference::forward(&self.file, &input, IMAGES);
        let mut found = [const { Columns::new() }; N];
        for (columns, layer) in found.iter_mut().zip(layers) {
            let node = self
                .network
                .node(layer)
                .with_context(|| format!("no layer {layer}"))?;
            *columns = transposed(&activations[node.index()]);
        }
        Ok(found)
    }

    /// Number of positions of a layer's channels.
    fn plane(&self, layer: &str) -> Result<usize> {
        let node = self.network.node(layer);
        let shape = node.and_then(|node| self.network.shape(node).planes());
        let [_, h, w] = shape.with_context(|| format!("no planes {layer}"))?;
        Ok(h * w)
    }
}

/// The tensors of the code space that `relu6` spans, and `IMAGES` random codes
/// in it, one after the other.
fn code_space(relu6: &Columns, random: &mut ChaCha8Rng) -> (Vec<TensorData>, Vec<f64>) {
    let units = relu6.len();
    let upper: Vec<f64> = relu6
        .iter()
        .map(|v| v.iter().copied().fold(0.0, f64::max))
        .collect();
    let (mean, std): (Vec<f64>, Vec<f64>) = relu6.iter().map(|v| moments(v)).unzip();
    let mut codes = Vec::with_capacity(IMAGES * units);
    for _ in 0..IMAGES {
        for unit in 0..units {
            let normal: f64 = StandardNormal.sample(random);
            codes.push((mean[unit] + std[unit] * normal).clamp(0.0, upper[unit]));
        }
    }
    let tensor = |name: &str, values: &[f64]| TensorData {
        name: name.into(),
        dtype: Dtype::F32,
        shape: vec![units],
        values: narrowed(values),
    };
    let tensors = vec![
        tensor(CodeSpace::LOWER, &vec![0.0; units]),
        tensor(CodeSpace::UPPER, &upper),
        tensor(CodeSpace::MEAN, &mean),
        tensor(CodeSpace::STD, &std),
    ];
    (tensors, codes)
}

/// Calls the image's label the unit whose score stands out most, in its own
/// standard deviations from its own mean, and returns every unit's scores for
/// the images of its own label.
fn of_own_label(scores: &Columns) -> Columns {
    let standard: Columns = scores
        .iter()
        .map(|column| {
            let (mean, std) = moments(column);
            column.iter().map(|v| (v - mean) / std).collect()
        })
        .collect();
    let label = |image: usize| {
        let units = 0..scores.len();
        units.max_by(|&a, &b| standard[a][image].total_cmp(&standard[b][image]))
    };
    let own = |(unit, column): (usize, &Vec<f64>)| {
        let mine = |&(image, _): &(usize, &f64)| label(image) == Some(unit);
        column
            .iter()
            .enumerate()
            .filter(mine)
            .map(|(_, &v)| v)
            .collect()
    };
    scores.iter().enumerate().map(own).collect()
}

/// A table of quantiles, [units, levels].
fn table(name: String, columns: &Columns) -> TensorData {
    let mut values = Vec::with_capacity(columns.len() * LEVELS.len());
    for column in columns {
        let mut sorted = column.clone();
        sorted.sort_by(f64::total_cmp);
        values.extend(LEVELS.map(|level| quantile(&sorted, f64::from(level))));
    }
    TensorData {
        name,
        dtype: Dtype::F32,
        shape: vec![columns.len(), LEVELS.len()],
        values: narrowed(&values),
    }
}

/// Interpolated linearly between the order statistics.
fn quantile(sorted: &[f64], percentage: f64) -> f64 {
    let position = percentage / 100.0 * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

/// Channels reduced over their planes; units lie plane after plane.
fn pooled(
    units: &Columns,
    plane: usize,
    reduce: impl Fn(&mut dyn Iterator<Item = f64>) -> f64,
) -> Columns {
    let channel = |units: &[Vec<f64>]| {
        let images = 0..IMAGES;
        images
            .map(|image| reduce(&mut units.iter().map(|unit| unit[image])))
            .collect()
    };
    units.chunks(plane).map(channel).collect()
}

/// Samples one after the other to one list per unit.
fn transposed(samples: &[f64]) -> Columns {
    let units = samples.len() / IMAGES;
    let column = |unit| samples.iter().skip(unit).step_by(units).copied().collect();
    (0..units).map(column).collect()
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

fn narrowed(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_order_statistics() {
        let sorted = [1.0, 2.0, 4.0];
        let expected = [
            (0.0, 1.0),
            (25.0, 1.5),
            (50.0, 2.0),
            (75.0, 3.0),
            (100.0, 4.0),
        ];
        for (percentage, value) in expected {
            assert_eq!(quantile(&sorted, percentage), value);
        }
    }
}
