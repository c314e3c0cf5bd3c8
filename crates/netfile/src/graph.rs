//! What can be said of a description without its tensors: names, arrows and
//! attributes.

use std::collections::HashMap;

use crate::error::Fault;
use crate::{Convolution, Description, EltwiseOperation, ImageEncoding, Layer, Op, VERSION};

/// Checks a description by itself.
pub(crate) fn check(description: &Description) -> Result<(), Fault> {
    if description.version != VERSION {
        return Err(Fault::new(
            "description",
            format!("version {VERSION}"),
            format!("version {}", description.version),
        ));
    }
    check_shape("input", &description.input.shape)?;
    if let Some(image) = &description.image {
        check_image(image)?;
    }
    let positions = positions(description)?;
    for (position, layer) in (1..).zip(&description.layers) {
        check_inputs(&positions, position, layer)?;
        check_attributes(layer)?;
    }
    if let Some(encoder) = &description.encoder {
        check_layer_exists(description, "encoder", encoder)?;
    }
    for layer in description.labels.keys() {
        check_layer_exists(description, &format!("labels of {layer}"), layer)?;
    }
    Ok(())
}

/// Checks that something outside of the graph refers to a layer that exists.
pub(crate) fn check_layer_exists<'a>(
    description: &'a Description,
    place: &str,
    name: &str,
) -> Result<&'a Layer, Fault> {
    let layer = description.layers.iter().find(|layer| layer.name == name);
    layer.ok_or_else(|| Fault::new(place, "the name of a layer", format!("`{name}`")))
}

fn check_shape(place: &str, shape: &[usize]) -> Result<(), Fault> {
    let size = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    if shape.is_empty() || size.is_none_or(|n| n == 0) {
        return Err(Fault::new(
            place,
            "a shape of one or more positive sizes",
            format!("{shape:?}"),
        ));
    }
    Ok(())
}

fn check_image(image: &ImageEncoding) -> Result<(), Fault> {
    let channels = image.channels.count();
    for (what, values) in [("mean", &image.mean), ("std", &image.std)] {
        require(
            "image",
            values.len() == channels && values.iter().all(|v| v.is_finite()),
            || format!("{channels} finite numbers as {what}"),
            || format!("{values:?}"),
        )?;
    }
    require(
        "image",
        image.std.iter().all(|&v| v > 0.0),
        || "a positive std of every channel".into(),
        || format!("{:?}", image.std),
    )?;
    require(
        "image",
        image.scale.is_finite() && image.scale > 0.0,
        || "a positive scale".into(),
        || image.scale.to_string(),
    )
}

/// Where each name stands in the order of computation: the input first, then
/// the layers.
fn positions(description: &Description) -> Result<HashMap<&str, usize>, Fault> {
    require(
        "layers",
        !description.layers.is_empty(),
        || "at least one layer".into(),
        || "none".into(),
    )?;
    let mut positions = HashMap::from([(description.input.name.as_str(), 0)]);
    for (position, layer) in (1..).zip(&description.layers) {
        require(
            &format!("layer number {position}"),
            !layer.name.is_empty(),
            || "a name".into(),
            || "an empty one".into(),
        )?;
        if let Some(other) = positions.insert(&layer.name, position) {
            let other = match other {
                0 => "the input's".into(),
                number => format!("that of layer number {number}"),
            };
            return Err(Fault::new(
                format!("layer {}", layer.name),
                "a name of its own",
                format!("{other} again, at layer number {position}"),
            ));
        }
    }
    Ok(positions)
}

fn check_inputs(
    positions: &HashMap<&str, usize>,
    position: usize,
    layer: &Layer,
) -> Result<(), Fault> {
    let place = format!("layer {}", layer.name);
    let inputs = layer.inputs.len();
    let several = matches!(layer.op, Op::Eltwise(_) | Op::Concat);
    require(
        &place,
        if several { inputs >= 2 } else { inputs == 1 },
        || {
            let count = if several {
                "two or more inputs"
            } else {
                "one input"
            };
            format!("{count} of {}", layer.op.name())
        },
        || inputs.to_string(),
    )?;
    for input in &layer.inputs {
        let why = match positions.get(input.as_str()) {
            Some(&earlier) if earlier < position => continue,
            Some(_) => "which comes later or is the layer itself: a cycle or a wrong order",
            None => "which does not exist",
        };
        return Err(Fault::new(
            place,
            "inputs among the earlier layers",
            format!("`{input}`, {why}"),
        ));
    }
    Ok(())
}

fn check_attributes(layer: &Layer) -> Result<(), Fault> {
    let place = format!("layer {}", layer.name);
    let positive = |what: &str, sizes: &[usize]| {
        require(
            &place,
            sizes.iter().all(|&size| size > 0),
            || format!("a positive {what}"),
            || format!("{sizes:?}"),
        )
    };
    let holds = |condition: bool, expected: &str, found: String| {
        require(&place, condition, || expected.into(), || found)
    };
    match &layer.op {
        Op::Convolution(op) | Op::TransposedConvolution(op) => {
            let Convolution {
                outputs, groups, ..
            } = *op;
            positive("number of outputs", &[outputs])?;
            positive("kernel", &op.kernel)?;
            positive("stride", &op.stride)?;
            positive("dilation", &op.dilation)?;
            positive("number of groups", &[groups])?;
            holds(
                outputs % groups == 0,
                "outputs that divide evenly into the groups",
                format!("{outputs} outputs in {groups} groups"),
            )
        }
        Op::InnerProduct(op) => positive("number of outputs", &[op.outputs]),
        Op::Relu(op) => holds(
            op.negative_slope.is_finite(),
            "a finite negative_slope",
            op.negative_slope.to_string(),
        ),
        Op::Pool(op) => {
            positive("kernel", &op.kernel)?;
            positive("stride", &op.stride)?;
            holds(
                op.pad[0] < op.kernel[0] && op.pad[1] < op.kernel[1],
                "padding less than the kernel, or a window could be empty",
                format!("pad {:?}, kernel {:?}", op.pad, op.kernel),
            )
        }
        Op::Lrn(op) => {
            holds(
                op.size % 2 == 1,
                "an odd size, so that the window has a middle",
                op.size.to_string(),
            )?;
            holds(
                op.alpha.is_finite() && op.alpha >= 0.0,
                "a finite alpha of at least 0",
                op.alpha.to_string(),
            )?;
            holds(
                op.k.is_finite() && op.k > 0.0,
                "a finite k above 0",
                op.k.to_string(),
            )?;
            holds(op.beta.is_finite(), "a finite beta", op.beta.to_string())
        }
        Op::BatchNorm(op) => holds(
            op.epsilon.is_finite() && op.epsilon >= 0.0,
            "a finite epsilon of at least 0",
            op.epsilon.to_string(),
        ),
        Op::Eltwise(op) => {
            let (count, inputs) = (op.coefficients.len(), layer.inputs.len());
            holds(
                count == 0 || (count == inputs && op.operation == EltwiseOperation::Sum),
                "no coefficients, or for a sum one for each input",
                format!("{count} coefficients for {inputs} inputs"),
            )?;
            holds(
                op.coefficients.iter().all(|c| c.is_finite()),
                "finite coefficients",
                format!("{:?}", op.coefficients),
            )
        }
        Op::Reshape(op) => check_shape(&place, &op.shape),
        Op::Crop(op) => positive("size", &op.size),
        Op::Softmax
        | Op::Sigmoid
        | Op::Tanh
        | Op::Scale
        | Op::Concat
        | Op::Flatten
        | Op::Dropout => Ok(()),
    }
}

fn require(
    place: &str,
    condition: bool,
    expected: impl FnOnce() -> String,
    found: impl FnOnce() -> String,
) -> Result<(), Fault> {
    if condition {
        Ok(())
    } else {
        Err(Fault::new(place, expected(), found()))
    }
}
