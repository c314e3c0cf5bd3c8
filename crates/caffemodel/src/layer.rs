//! The parameters of a layer, by its message of caffe.proto.

mod reader;
mod window;

use self::reader::Reader;
use crate::read::sizes;
use crate::*;

/// Each method reads one parameter message, whatever the layer's kind; where
/// it is not set, everything has caffe.proto's default.
///
/// # Errors
///
/// They name the layer, the field and its place in the file: where a value is
/// missing or senseless, and where two fields say the same thing.
impl Layer {
    /// Of `Convolution` and `Deconvolution`.
    pub fn convolution(&self) -> Result<ConvolutionParameter, Error> {
        let reader = self.reader("convolution_param");
        reader.channels_axis()?;
        let parameter = ConvolutionParameter {
            num_output: reader.positive("num_output", None)?,
            bias_term: reader.boolean("bias_term").unwrap_or(true),
            kernel: reader.pair("kernel_size", ["kernel_h", "kernel_w"], None, 1)?,
            stride: reader.pair("stride", ["stride_h", "stride_w"], Some(1), 1)?,
            pad: reader.pair("pad", ["pad_h", "pad_w"], Some(0), 0)?,
            dilation: reader.pair("dilation", [""; 2], Some(1), 1)?,
            group: reader.positive("group", Some(1))?,
        };
        if !parameter.num_output.is_multiple_of(parameter.group) {
            let expected = format!("a divisor of num_output {}", parameter.num_output);
            return Err(reader.error("group", expected, parameter.group.to_string()));
        }
        Ok(parameter)
    }

    /// Of `InnerProduct`.
    pub fn inner_product(&self) -> Result<InnerProductParameter, Error> {
        let reader = self.reader("inner_product_param");
        reader.channels_axis()?;
        Ok(InnerProductParameter {
            num_output: reader.positive("num_output", None)?,
            bias_term: reader.boolean("bias_term").unwrap_or(true),
            transpose: reader.boolean("transpose").unwrap_or(false),
        })
    }

    /// Of `Pooling`.
    pub fn pooling(&self) -> Result<PoolingParameter, Error> {
        let reader = self.reader("pooling_param");
        let global = reader.boolean("global_pooling").unwrap_or(false);
        let kernel = ["kernel_h", "kernel_w"];
        let parameter = PoolingParameter {
            method: match reader.enumerator("pool", 0, 0..=2)? {
                0 => PoolMethod::Max,
                1 => PoolMethod::Average,
                _ => PoolMethod::Stochastic,
            },
            kernel: match global {
                true => reader.absent("kernel_size", kernel)?,
                false => reader.pair("kernel_size", kernel, None, 1)?,
            },
            stride: reader.pair("stride", ["stride_h", "stride_w"], Some(1), 1)?,
            pad: reader.pair("pad", ["pad_h", "pad_w"], Some(0), 0)?,
            global,
            rounding: match reader.enumerator("round_mode", 0, 0..=1)? {
                0 => Rounding::Ceil,
                _ => Rounding::Floor,
            },
        };
        window::check(&reader, &parameter)?;
        Ok(parameter)
    }

    /// Of `LRN`.
    pub fn lrn(&self) -> Result<LrnParameter, Error> {
        let reader = self.reader("lrn_param");
        let local_size = reader.unsigned("local_size").unwrap_or(5);
        if local_size.is_multiple_of(2) {
            return Err(reader.error("local_size", "an odd number", local_size.to_string()));
        }
        Ok(LrnParameter {
            local_size,
            alpha: reader.float("alpha", 1.0)?,
            beta: reader.float("beta", 0.75)?,
            k: reader.float("k", 1.0)?,
            across_channels: reader.enumerator("norm_region", 0, 0..=1)? == 0,
        })
    }

    /// Of `ReLU`.
    pub fn relu(&self) -> Result<ReluParameter, Error> {
        let negative_slope = self.reader("relu_param").float("negative_slope", 0.0)?;
        Ok(ReluParameter { negative_slope })
    }

    /// Of `PReLU`.
    pub fn prelu(&self) -> Result<PreluParameter, Error> {
        let shared = self.reader("prelu_param").boolean("channel_shared");
        Ok(PreluParameter {
            channel_shared: shared.unwrap_or(false),
        })
    }

    /// Of `ELU`.
    pub fn elu(&self) -> Result<EluParameter, Error> {
        let alpha = self.reader("elu_param").float("alpha", 1.0)?;
        Ok(EluParameter { alpha })
    }

    /// Of `Eltwise`.
    pub fn eltwise(&self) -> Result<EltwiseParameter, Error> {
        let reader = self.reader("eltwise_param");
        let operation = match reader.enumerator("operation", 1, 0..=2)? {
            0 => EltwiseOperation::Product,
            1 => EltwiseOperation::Sum,
            _ => EltwiseOperation::Max,
        };
        let coefficients = reader.floats("coeff")?;
        let expected = match operation {
            EltwiseOperation::Product => 0,
            _ => self.bottoms.len(),
        };
        if !coefficients.is_empty() && coefficients.len() != expected {
            let expected = format!("{expected} coefficients or none");
            return Err(reader.error("coeff", expected, coefficients.len().to_string()));
        }
        Ok(EltwiseParameter {
            operation,
            coefficients,
        })
    }

    /// Of `Concat`.
    pub fn concat(&self) -> Result<ConcatParameter, Error> {
        let axis = self.reader("concat_param").renamed_axis("concat_dim")?;
        Ok(ConcatParameter { axis })
    }

    /// Of `Slice`.
    pub fn slice(&self) -> Result<SliceParameter, Error> {
        let reader = self.reader("slice_param");
        Ok(SliceParameter {
            axis: reader.renamed_axis("slice_dim")?,
            slice_points: reader.unsigned_list("slice_point"),
        })
    }

    /// Of `Softmax`.
    pub fn softmax(&self) -> Result<SoftmaxParameter, Error> {
        let axis = self.reader("softmax_param").integer("axis", 1);
        Ok(SoftmaxParameter { axis })
    }

    /// Of `Scale`.
    pub fn scale(&self) -> Result<ScaleParameter, Error> {
        let reader = self.reader("scale_param");
        Ok(ScaleParameter {
            axis: reader.integer("axis", 1),
            num_axes: reader.num_axes(1)?,
            bias_term: reader.boolean("bias_term").unwrap_or(false),
        })
    }

    /// Of `Bias`.
    pub fn bias(&self) -> Result<BiasParameter, Error> {
        let reader = self.reader("bias_param");
        Ok(BiasParameter {
            axis: reader.integer("axis", 1),
            num_axes: reader.num_axes(1)?,
        })
    }

    /// Of `BatchNorm`.
    pub fn batch_norm(&self) -> Result<BatchNormParameter, Error> {
        let reader = self.reader("batch_norm_param");
        Ok(BatchNormParameter {
            epsilon: reader.float("eps", 1e-5)?,
            use_global_stats: reader.boolean("use_global_stats"),
        })
    }

    /// Of `Reshape`.
    pub fn reshape(&self) -> Result<ReshapeParameter, Error> {
        let reader = self.reader("reshape_param");
        Ok(ReshapeParameter {
            dims: reader.reshape_dims()?,
            axis: reader.integer("axis", 0),
            num_axes: reader.num_axes(-1)?,
        })
    }

    /// Of `Flatten`.
    pub fn flatten(&self) -> Result<FlattenParameter, Error> {
        let reader = self.reader("flatten_param");
        Ok(FlattenParameter {
            axis: reader.integer("axis", 1),
            end_axis: reader.integer("end_axis", -1),
        })
    }

    /// Of `Crop`.
    pub fn crop(&self) -> Result<CropParameter, Error> {
        let reader = self.reader("crop_param");
        Ok(CropParameter {
            axis: reader.integer("axis", 2),
            offsets: reader.unsigned_list("offset"),
        })
    }

    /// Of `Power`.
    pub fn power(&self) -> Result<PowerParameter, Error> {
        let reader = self.reader("power_param");
        Ok(PowerParameter {
            power: reader.float("power", 1.0)?,
            scale: reader.float("scale", 1.0)?,
            shift: reader.float("shift", 0.0)?,
        })
    }

    /// The shapes, with the batch, of what `Input` and `DummyData` layers
    /// give: one for each top, or one for all tops, or none.
    pub fn input_shapes(&self) -> Result<Vec<Vec<usize>>, Error> {
        let name = match self.kind.as_str() {
            "DummyData" => "dummy_data_param",
            _ => "input_param",
        };
        let reader = self.reader(name);
        let shapes = reader.message.messages("shape");
        let shapes: Vec<_> = shapes
            .map(|shape| sizes(shape.all("dim")).map_err(|error| error.within(reader.place())))
            .collect::<Result<_, _>>()?;
        match shapes.is_empty() {
            true => reader.legacy_shapes(),
            false => Ok(shapes),
        }
    }

    /// How a data layer prepares images.
    pub fn transformation(&self) -> Result<TransformationParameter, Error> {
        let reader = self.reader("transform_param");
        Ok(TransformationParameter {
            scale: reader.float("scale", 1.0)?,
            mean_values: reader.floats("mean_value")?,
            mean_file: match reader.message.text("mean_file") {
                "" => None,
                name => Some(name.to_owned()),
            },
            crop_size: reader.unsigned("crop_size").unwrap_or(0),
        })
    }

    fn reader(&self, name: &'static str) -> Reader<'_> {
        Reader::new(&self.name, name, self.parameters.merged(name))
    }
}
