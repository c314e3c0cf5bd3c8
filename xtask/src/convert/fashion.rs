//! The demo pair, its judge and the reference images, from what
//! `weights/fashion/train.py` exported. Sizes are those of the tensors;
//! strides, padding and groups are those of `weights/fashion/networks.py`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use netfile::{
    BatchNorm, Channels, CodeSpace, Convolution, Dtype, ImageEncoding, Label, Lrn, Mixture, Op,
    Pool, PoolMethod, Quantiles, Rounding, TensorData,
};
use safetensors::SafeTensors;

use super::graph::{Graph, overlapping_max_pool, relu};
use super::raw::Raw;
use super::weights::Weights;
use super::{Product, network, origin};

pub(super) const CLASSIFIER: &str = "fashion/classifier.safetensors";
pub(super) const GENERATOR: &str = "fashion/generator.safetensors";
pub(super) const JUDGE: &str = "fashion/judge.safetensors";

const MADE: &str = "`weights/fashion/train.py`, then `cargo xtask convert-weights fashion`";
const SOURCE: &str = "weights/fashion/train.py, trained on Fashion-MNIST";
const HELD_OUT: &str = "the last 10,000 training images of Fashion-MNIST, which trained nothing";
const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// Makes all four files from a folder of raw ones.
pub(super) fn convert(folder: &Path) -> Result<Vec<Product>> {
    let mut statistics = Raw::open(&folder.join("statistics.safetensors"))?;
    let products = vec![
        classifier(folder, &mut statistics)?,
        generator(folder, &mut statistics)?,
        judge(folder, &mut statistics)?,
        reference(folder)?,
    ];
    statistics.finish()?;
    Ok(products)
}

fn classifier(folder: &Path, statistics: &mut Raw) -> Result<Product> {
    let mut weights = Weights::open(&folder.join("classifier.safetensors"), Dtype::F32)?;
    let norm = || {
        Op::Lrn(Lrn {
            size: 5,
            alpha: 1e-4,
            beta: 0.75,
            k: 1.0,
        })
    };
    let mut graph = Graph::new("data", &[1, 32, 32]);
    for (number, pad, groups) in [(1, 2, 1), (2, 2, 2), (3, 1, 1), (4, 1, 2), (5, 1, 2)] {
        let name = format!("conv{number}");
        let op = Convolution {
            pad: [pad, pad],
            groups,
            ..weights.convolution(&name)?
        };
        graph.then(&name, Op::Convolution(op));
        graph.then(&format!("relu{number}"), relu(0.0));
        if let 1 | 2 | 5 = number {
            graph.then(&format!("pool{number}"), overlapping_max_pool());
        }
        if let 1 | 2 = number {
            graph.then(&format!("norm{number}"), norm());
        }
    }
    for number in [6, 7] {
        let name = format!("fc{number}");
        graph.then(&name, weights.inner_product(&name)?);
        graph.then(&format!("relu{number}"), relu(0.0));
        graph.then(&format!("drop{number}"), Op::Dropout);
    }
    graph.then("fc8", weights.inner_product("fc8")?);
    graph.then("prob", Op::Softmax);

    let image = grey_encoding(statistics, "image")?;
    let mut description = graph.describe(
        "fashion classifier",
        image,
        origin(SOURCE, weights.sha256()),
    );
    description.encoder = Some("relu6".into());
    description.labels = [("fc8".into(), labels())].into();
    let mut tensors = weights.finish()?;
    description.quantiles = quantiles(statistics, &mut tensors)?;
    network(CLASSIFIER, MADE, &description, &tensors)
}

fn generator(folder: &Path, statistics: &mut Raw) -> Result<Product> {
    let mut weights = Weights::open(&folder.join("generator.safetensors"), Dtype::F16)?;
    let codes = [
        CodeSpace::LOWER,
        CodeSpace::UPPER,
        CodeSpace::MEAN,
        CodeSpace::STD,
    ]
    .map(|name| statistics.take_as(name, name, Dtype::F32));
    let codes = codes.into_iter().collect::<Result<Vec<_>>>()?;

    let mut graph = Graph::new("feat", &codes[0].shape);
    for name in ["defc7", "defc6", "defc5"] {
        graph.then(name, weights.inner_product(name)?);
        graph.then(&format!("relu_{name}"), relu(0.3));
    }
    graph.then("reshape", weights.reshape("defc5", "deconv5")?);
    for name in [
        "deconv5", "conv5_1", "deconv4", "conv4_1", "deconv3", "conv3_1",
    ] {
        graph.then(name, weights.transposed_convolution(name)?);
        graph.then(&format!("relu_{name}"), relu(0.3));
    }
    graph.then("deconv0", weights.transposed_convolution("deconv0")?);

    let pixels = ImageEncoding {
        channels: Channels::Grey,
        scale: 1.0,
        mean: vec![0.0],
        std: vec![1.0],
    };
    let mut description = graph.describe(
        "fashion generator",
        pixels,
        origin(SOURCE, weights.sha256()),
    );
    description.code = Some(CodeSpace {
        layer: "relu6".into(),
    });
    let mut tensors = weights.finish()?;
    tensors.extend(codes);
    tensors.extend(mixture(folder)?);
    network(GENERATOR, MADE, &description, &tensors)
}

/// The fitted model of codes.
fn mixture(folder: &Path) -> Result<Vec<TensorData>> {
    let mut model = Raw::open(&folder.join("codes.safetensors"))?;
    let tensors = [
        Mixture::WEIGHT,
        Mixture::MEAN,
        Mixture::FACTORS,
        Mixture::NOISE,
    ]
    .map(|name| model.take_as(name, name, Dtype::F16));
    model.finish()?;
    tensors.into_iter().collect()
}

fn judge(folder: &Path, statistics: &mut Raw) -> Result<Product> {
    let mut weights = Weights::open(&folder.join("judge.safetensors"), Dtype::F32)?;
    let mut side = 32;
    let mut graph = Graph::new("data", &[1, side, side]);
    for (number, stride) in [(1, 1), (2, 2), (3, 1), (4, 2), (5, 1), (6, 2)] {
        let [conv, bn, scale, activation] =
            ["conv", "bn", "scale", "relu"].map(|stem| format!("{stem}{number}"));
        let op = Convolution {
            stride: [stride, stride],
            pad: [1, 1],
            ..weights.convolution(&conv)?
        };
        graph.then(&conv, Op::Convolution(op));
        weights.keep_as(&format!("{bn}.running_mean"), &format!("{bn}.mean"))?;
        weights.keep_as(&format!("{bn}.running_var"), &format!("{bn}.variance"))?;
        graph.then(&bn, Op::BatchNorm(BatchNorm { epsilon: 1e-5 }));
        weights.keep_as(&format!("{bn}.weight"), &format!("{scale}.weight"))?;
        weights.keep_as(&format!("{bn}.bias"), &format!("{scale}.bias"))?;
        graph.then(&scale, Op::Scale);
        graph.then(&activation, relu(0.0));
        side /= stride;
    }
    let average = Pool {
        method: PoolMethod::Average,
        kernel: [side, side],
        stride: [1, 1],
        pad: [0, 0],
        rounding: Rounding::Floor,
    };
    graph.then("pool6", Op::Pool(average));
    graph.then("fc", weights.inner_product("fc")?);

    let image = grey_encoding(statistics, "judge.image")?;
    let mut description = graph.describe("fashion judge", image, origin(SOURCE, weights.sha256()));
    description.encoder = Some("pool6".into());
    description.labels = [("fc".into(), labels())].into();
    network(JUDGE, MADE, &description, &weights.finish()?)
}

/// The test images: `images` u8 `[n, 28, 28]`, `labels` u8 `[n]`.
fn reference(folder: &Path) -> Result<Product> {
    let path = folder.join("reference.safetensors");
    let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let bytes = repack(&bytes).with_context(|| format!("converting {}", path.display()))?;
    Ok(Product {
        path: "fashion/reference.safetensors",
        bytes,
        licence: "MIT (Fashion-MNIST, Zalando SE)",
        made: "the test images of Fashion-MNIST, by `weights/fashion/train.py` and \
               `cargo xtask convert-weights fashion`",
    })
}

/// Writes the two tensors anew, so that the bytes depend on nothing else.
fn repack(bytes: &[u8]) -> Result<Vec<u8>> {
    let file = SafeTensors::deserialize(bytes)?;
    let (images, labels) = (file.tensor("images")?, file.tensor("labels")?);
    ensure!(
        matches!(*images.shape(), [n, 28, 28] if *labels.shape() == [n]),
        "expected images [n, 28, 28] and labels [n], found {:?} and {:?}",
        images.shape(),
        labels.shape()
    );
    for view in [&images, &labels] {
        ensure!(
            view.dtype() == safetensors::Dtype::U8,
            "expected bytes, found {}",
            view.dtype()
        );
    }
    Ok(safetensors::serialize(
        [("images", images), ("labels", labels)],
        None,
    )?)
}

fn labels() -> Vec<Label> {
    let label = |(number, name): (usize, &&str)| Label {
        id: format!("fashion-mnist-{number}"),
        name: (*name).into(),
    };
    CLASSES.iter().enumerate().map(label).collect()
}

fn grey_encoding(statistics: &mut Raw, prefix: &str) -> Result<ImageEncoding> {
    Ok(ImageEncoding {
        channels: Channels::Grey,
        scale: 1.0,
        mean: statistics.take(&format!("{prefix}.mean"))?.values,
        std: statistics.take(&format!("{prefix}.std"))?.values,
    })
}

/// Moves all tables `quantiles.<key>.p` and `.c` into `tensors`.
fn quantiles(
    statistics: &mut Raw,
    tensors: &mut Vec<TensorData>,
) -> Result<BTreeMap<String, Quantiles>> {
    let levels = statistics.take("quantiles.levels")?.values;
    let mut tables = BTreeMap::new();
    for name in statistics.names() {
        let key = name
            .strip_prefix("quantiles.")
            .and_then(|n| n.strip_suffix(".p"));
        let Some(key) = key else { continue };
        tensors.push(statistics.take_as(&name, &Quantiles::over_all(key), Dtype::F32)?);
        let over_label = Quantiles::over_label(key);
        let by_label = statistics.has(&over_label);
        if by_label {
            tensors.push(statistics.take_as(&over_label, &over_label, Dtype::F32)?);
        }
        let quantiles = Quantiles {
            levels: levels.clone(),
            images: HELD_OUT.into(),
            by_label,
        };
        tables.insert(key.to_owned(), quantiles);
    }
    Ok(tables)
}

#[cfg(test)]
mod tests;
