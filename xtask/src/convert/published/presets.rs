//! The networks of the paper and of the tools before it: everything about them
//! but the weights.

use anyhow::{Context, Result};
use netfile::{CodeSpace, Dtype};
use safetensors::SafeTensors;

use super::source::Form;
use super::tensors::{Converted, Values};

/// What is known of a published network.
pub(crate) struct Preset {
    /// The network's name for people.
    pub(super) name: &'static str,
    /// Its structure.
    pub(super) prototxt: &'static str,
    /// Where it goes, within `weights/`.
    pub(super) out: &'static str,
    /// How its weights are stored by default.
    pub(super) dtype: Dtype,
    pub(super) licence: &'static str,
    pub(super) role: Role,
    /// Files of it whose checksums were published.
    pub(super) files: &'static [Published],
}

/// What the network is for.
pub(super) enum Role {
    /// It has labels, one line for each unit of fc8.
    Classifier { labels: &'static str },
    /// It makes images of codes.
    Generator(Codes),
}

/// The code space of a generator, a layer of CaffeNet after its activation.
pub(super) struct Codes {
    layer: &'static str,
    /// The key in `weights/imagenet/activations.safetensors`.
    statistics: &'static str,
    /// The greatest value of every unit. Without it, mean + 3 std of each.
    upper: Option<f32>,
}

/// A file as it was published.
pub(super) struct Published {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) checksum: Checksum,
}

/// In hexadecimal.
pub(super) enum Checksum {
    Sha1(&'static str),
    Sha256(&'static str),
}

/// Mean + 1, 2 and 3 standard deviations of each unit over ImageNet;
/// `weights/imagenet/make_statistics.py` says more.
const ACTIVATIONS: &[u8] = include_bytes!("../../../../weights/imagenet/activations.safetensors");

const RESEARCH_ONLY: &str = "research only (Dosovitskiy and Brox, DeePSiM)";

pub(crate) const CAFFENET: Preset = Preset {
    name: "CaffeNet",
    prototxt: include_str!("presets/caffenet.prototxt"),
    out: "caffenet/classifier.safetensors",
    dtype: Dtype::F32,
    licence: "unrestricted use (BVLC)",
    role: Role::Classifier {
        labels: include_str!("../../../../weights/imagenet/synset_words.txt"),
    },
    files: &[
        Published {
            name: "bvlc_reference_caffenet.caffemodel",
            form: Form::Caffemodel,
            checksum: Checksum::Sha1("4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46"),
        },
        Published {
            name: "caffenet-9.onnx",
            form: Form::Onnx,
            checksum: Checksum::Sha256(
                "802138332cf3e423c82a9a80c76e4f9227dd4effb3aba55413601fa4345cfd36",
            ),
        },
        Published {
            name: "caffenet-6.onnx",
            form: Form::Onnx,
            checksum: Checksum::Sha256(
                "15e568474e1c2af94cc34b812628707fee0130f3a3c8b3329cbc5e4ba9248682",
            ),
        },
        Published {
            name: "caffenet.pt",
            form: Form::Torch,
            checksum: Checksum::Sha256(
                "23c9fbeea9b1c44b698f2519e35231150dd78a39df0f61f65644350c7f9ac015",
            ),
        },
    ],
};

pub(crate) const PPGN_FC6: Preset = Preset {
    name: "PPGN generator",
    prototxt: include_str!("presets/upconv-fc.prototxt"),
    out: GENERATOR,
    dtype: Dtype::F16,
    licence: "not stated (Evolving-AI-Lab, PPGN)",
    role: Role::Generator(Codes {
        layer: "relu6",
        statistics: "fc6",
        // PPGN's sampler clips every unit there.
        upper: Some(30.0),
    }),
    files: &[],
};

pub(crate) const DEEPSIM_FC6: Preset = Preset {
    name: "DeePSiM fc6 generator",
    prototxt: include_str!("presets/upconv-fc.prototxt"),
    out: GENERATOR,
    dtype: Dtype::F16,
    licence: RESEARCH_ONLY,
    role: Role::Generator(Codes {
        layer: "relu6",
        statistics: "fc6",
        upper: None,
    }),
    files: &[Published {
        name: "upconvGAN_fc6.pt",
        form: Form::Torch,
        checksum: Checksum::Sha256(
            "d92b0897c56bf8d8d082dc9ea9f0a806490d3da064a7929e4ff813fa95623875",
        ),
    }],
};

pub(crate) const DEEPSIM_FC7: Preset = Preset {
    name: "DeePSiM fc7 generator",
    role: Role::Generator(Codes {
        layer: "relu7",
        statistics: "fc7",
        upper: None,
    }),
    files: &[Published {
        name: "upconvGAN_fc7.pt",
        form: Form::Torch,
        checksum: Checksum::Sha256(
            "b2c70c0ebfd060e13594556eb37d76c288a4c37431e3ec5307316758cf2b1ec2",
        ),
    }],
    ..DEEPSIM_FC6
};

pub(crate) const DEEPSIM_POOL5: Preset = Preset {
    name: "DeePSiM pool5 generator",
    prototxt: include_str!("presets/deepsim-pool5.prototxt"),
    role: Role::Generator(Codes {
        layer: "pool5",
        statistics: "pool5",
        upper: None,
    }),
    files: &[],
    ..DEEPSIM_FC6
};

pub(crate) const PLACES205: Preset = Preset {
    name: "Places205 AlexNet",
    prototxt: include_str!("presets/places205.prototxt"),
    out: "places205/classifier.safetensors",
    dtype: Dtype::F32,
    licence: "not stated (MIT CSAIL, Places205)",
    role: Role::Classifier {
        labels: include_str!("../../../../weights/places205/categories.txt"),
    },
    files: &[],
};

const GENERATOR: &str = "caffenet/generator.safetensors";

impl Codes {
    /// The description and the tensors of the code space.
    pub(super) fn tables(&self) -> Result<(CodeSpace, Vec<Converted<'static>>)> {
        let rows = statistics(self.statistics)
            .with_context(|| format!("statistics of {}", self.statistics))?;
        let units = rows.len();
        let table = |name: &str, value: &dyn Fn([f32; 3]) -> f32| {
            let values = rows.iter().map(|&row| value(row)).collect();
            Converted::new(name.into(), Dtype::F32, vec![units], Values::Owned(values))
        };
        let tables = vec![
            table(CodeSpace::LOWER, &|_| 0.0),
            table(CodeSpace::UPPER, &|[_, _, third]| {
                self.upper.unwrap_or(third)
            }),
            table(CodeSpace::MEAN, &mean),
            table(CodeSpace::STD, &std),
        ];
        let layer = self.layer.into();
        Ok((CodeSpace { layer }, tables))
    }
}

/// The three integers of each unit.
fn statistics(key: &str) -> Result<Vec<[f32; 3]>> {
    let file = SafeTensors::deserialize(ACTIVATIONS)?;
    let tensor = file.tensor(key)?;
    let values = tensor.data();
    let units = values.len() / 3;
    let row = |unit: usize| [0, 1, 2].map(|k| f32::from(values[k * units + unit]));
    Ok((0..units).map(row).collect())
}

/// Where the least-squares line through the three values meets zero standard
/// deviations. The values were cut to integers, so each stands for a half
/// more. After a ReLU no mean is negative.
fn mean([first, second, third]: [f32; 3]) -> f32 {
    let line = (4.0 * first + second - 2.0 * third) / 3.0 + 0.5;
    line.max(0.0)
}

/// The slope of the same line.
fn std([first, _, third]: [f32; 3]) -> f32 {
    (third - first) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_through_cut_values() {
        // Mean 2.5, standard deviation 3, each cut.
        assert_eq!(mean([5.0, 8.0, 11.0]), 2.5);
        assert_eq!(std([5.0, 8.0, 11.0]), 3.0);
        assert_eq!(mean([0.0, 1.0, 3.0]), 0.0);
    }

    #[test]
    fn codes_have_as_many_units_as_the_layer() {
        for (preset, units) in [
            (PPGN_FC6, 4096),
            (DEEPSIM_FC6, 4096),
            (DEEPSIM_FC7, 4096),
            (DEEPSIM_POOL5, 9216),
        ] {
            let Role::Generator(codes) = preset.role else {
                panic!("{}", preset.name);
            };
            let (_, tables) = codes.tables().unwrap();
            for table in tables {
                assert_eq!(netfile::TensorSource::shape(&table), [units]);
            }
        }
    }
}
