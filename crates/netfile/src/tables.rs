//! Tensors whose values must make sense: the mean image, the code's
//! statistics, the quantiles and the variances of batch normalisation.

use crate::error::Fault;
use crate::graph::check_layer_exists;
use crate::read::{Index, missing};
use crate::{CodeSpace, Description, ImageEncoding, Mixture, Op, Quantiles, Tensor};

/// Checks presence, shape and order of every table that the description
/// promises.
pub(crate) fn check(index: &Index, bytes: &[u8]) -> Result<(), Fault> {
    let tables = Tables { index, bytes };
    let description = &index.description;
    tables.check_image_mean(description)?;
    if description.code.is_some() {
        let units = description.input.shape.iter().product();
        tables.check_code(units)?;
        tables.check_mixture(units)?;
    }
    for (key, quantiles) in &description.quantiles {
        tables.check_quantiles(key, quantiles)?;
    }
    for layer in &description.layers {
        if let Op::BatchNorm(op) = &layer.op {
            tables.check_variance(&layer.name, op.epsilon)?;
        }
    }
    for (layer, labels) in &description.labels {
        if let Some(units) = tables.units(layer)
            && units != labels.len()
        {
            return Err(Fault::new(
                format!("labels of {layer}"),
                format!("one for each of the {units} units"),
                labels.len().to_string(),
            ));
        }
    }
    Ok(())
}

struct Tables<'a> {
    index: &'a Index,
    bytes: &'a [u8],
}

impl<'a> Tables<'a> {
    fn tensor(&self, name: &str) -> Result<Tensor<'a>, Fault> {
        let tensor = self.index.tensor(self.bytes, name);
        tensor.ok_or_else(|| missing(name))
    }

    fn check_image_mean(&self, description: &Description) -> Result<(), Fault> {
        let (Some(image), Ok(tensor)) =
            (&description.image, self.tensor(ImageEncoding::MEAN_TENSOR))
        else {
            return Ok(());
        };
        let channels = image.channels.count();
        match tensor.shape {
            [c, _, _] if *c == channels => Ok(()),
            other => Err(Fault::of_tensor(
                ImageEncoding::MEAN_TENSOR,
                format!("shape [{channels}, height, width]"),
                format!("{other:?}"),
            )),
        }
    }

    /// Normalisation divides by the root of variance + epsilon. A missing
    /// tensor is the engine's business, as with other weights.
    fn check_variance(&self, layer: &str, epsilon: f32) -> Result<(), Fault> {
        let name = format!("{layer}.variance");
        let Ok(tensor) = self.tensor(&name) else {
            return Ok(());
        };
        let values = tensor.to_floats();
        match values
            .iter()
            .position(|&variance| variance + epsilon <= 0.0)
        {
            Some(channel) => Err(Fault::of_tensor(
                &name,
                format!("more than {} at channel {channel}", -epsilon),
                values[channel].to_string(),
            )),
            None => Ok(()),
        }
    }

    fn check_code(&self, units: usize) -> Result<(), Fault> {
        let values = |name| {
            let tensor = self.tensor(name)?;
            if tensor.shape != [units] {
                return Err(Fault::of_tensor(
                    name,
                    format!("shape [{units}], one value for each input of the network"),
                    format!("{:?}", tensor.shape),
                ));
            }
            Ok(tensor.to_floats())
        };
        let lower = values(CodeSpace::LOWER)?;
        let upper = values(CodeSpace::UPPER)?;
        values(CodeSpace::MEAN)?;
        let std = values(CodeSpace::STD)?;
        if let Some(unit) = (0..units).find(|&unit| lower[unit] > upper[unit]) {
            return Err(Fault::of_tensor(
                CodeSpace::LOWER,
                format!(
                    "at most {} at unit {unit}, as in {}",
                    upper[unit],
                    CodeSpace::UPPER
                ),
                lower[unit].to_string(),
            ));
        }
        match (0..units).find(|&unit| std[unit] < 0.0) {
            Some(unit) => Err(Fault::of_tensor(
                CodeSpace::STD,
                format!("no negative value at unit {unit}"),
                std[unit].to_string(),
            )),
            None => Ok(()),
        }
    }

    fn check_mixture(&self, units: usize) -> Result<(), Fault> {
        let names = [
            Mixture::WEIGHT,
            Mixture::MEAN,
            Mixture::FACTORS,
            Mixture::NOISE,
        ];
        if names.iter().all(|name| self.tensor(name).is_err()) {
            return Ok(());
        }
        let weight = self.tensor(Mixture::WEIGHT)?;
        let (components, rank) = match (weight.shape, self.tensor(Mixture::FACTORS)?.shape) {
            (&[components], &[_, _, rank]) => (components, rank),
            (weight, factors) => {
                return Err(Fault::of_tensor(
                    Mixture::FACTORS,
                    "shape [components, units, rank] beside a weight for each component",
                    format!("{factors:?} beside {weight:?}"),
                ));
            }
        };
        for (name, expected) in [
            (Mixture::MEAN, &[components, units][..]),
            (Mixture::FACTORS, &[components, units, rank]),
            (Mixture::NOISE, &[components, units]),
        ] {
            let found = self.tensor(name)?.shape;
            if found != expected {
                let (expected, found) = (format!("shape {expected:?}"), format!("{found:?}"));
                return Err(Fault::of_tensor(name, expected, found));
            }
        }
        for name in [Mixture::WEIGHT, Mixture::NOISE] {
            let values = self.tensor(name)?.to_floats();
            if let Some(at) = values.iter().position(|&value| value < 0.0) {
                let (expected, found) =
                    ("no negative value", format!("{} at index {at}", values[at]));
                return Err(Fault::of_tensor(name, expected, found));
            }
        }
        if weight.to_floats().iter().sum::<f32>() > 0.0 {
            return Ok(());
        }
        Err(Fault::of_tensor(
            Mixture::WEIGHT,
            "a positive weight",
            "none",
        ))
    }

    fn check_quantiles(&self, key: &str, quantiles: &Quantiles) -> Result<(), Fault> {
        let place = format!("quantiles of {key}");
        let (layer, _) = split_key(key);
        check_layer_exists(&self.index.description, &place, layer)?;
        let levels = &quantiles.levels;
        let increasing = levels.windows(2).all(|pair| pair[0] < pair[1]);
        let inside = levels.iter().all(|level| (0.0..=100.0).contains(level));
        if levels.is_empty() || !increasing || !inside {
            return Err(Fault::new(
                place,
                "levels that increase within 0 and 100",
                format!("{levels:?}"),
            ));
        }
        let over_all = Quantiles::over_all(key);
        self.check_table(&over_all, self.units(key), levels.len())?;
        if quantiles.by_label {
            let units = self.tensor(&over_all)?.shape[0];
            self.check_table(&Quantiles::over_label(key), Some(units), levels.len())?;
        }
        Ok(())
    }

    fn check_table(&self, name: &str, units: Option<usize>, levels: usize) -> Result<(), Fault> {
        let tensor = self.tensor(name)?;
        let fits = match *tensor.shape {
            [rows, columns] => columns == levels && units.is_none_or(|units| rows == units),
            _ => false,
        };
        if !fits {
            let units = units.map_or("units".into(), |units| units.to_string());
            return Err(Fault::of_tensor(
                name,
                format!("shape [{units}, {levels}]"),
                format!("{:?}", tensor.shape),
            ));
        }
        let values = tensor.to_floats();
        let decreasing = |row: &[f32]| row.windows(2).any(|pair| pair[0] > pair[1]);
        match values.chunks(levels).position(decreasing) {
            Some(unit) => Err(Fault::of_tensor(
                name,
                "quantiles that never decrease",
                format!("decreasing ones of unit {unit}"),
            )),
            None => Ok(()),
        }
    }

    /// Number of units behind a key, where the graph tells it without
    /// computing shapes.
    fn units(&self, key: &str) -> Option<usize> {
        let (name, pooled) = split_key(key);
        let mut layers = self.index.description.layers.iter();
        match &layers.find(|layer| layer.name == name)?.op {
            Op::InnerProduct(op) => Some(op.outputs),
            Op::Convolution(op) | Op::TransposedConvolution(op) if pooled => Some(op.outputs),
            _ => None,
        }
    }
}

/// A key of [`Description::quantiles`] as the layer's name and whether the
/// table is about its channels pooled by `@max` or `@mean`.
fn split_key(key: &str) -> (&str, bool) {
    let layer = key.strip_suffix("@max").or(key.strip_suffix("@mean"));
    (layer.unwrap_or(key), layer.is_some())
}
