use crate::message::{Message, Position, Value};

/// Layers in the newest form; parameters keep their names.
pub(super) fn upgrade(mut layers: Vec<Message>) -> Vec<Message> {
    layers.iter_mut().for_each(upgrade_layer);
    layers
}

fn upgrade_layer(layer: &mut Message) {
    let number = layer.integer("type");
    layer.take("type");
    if let Some(number) = number {
        move_transformation(layer, number);
        let name = Value::Text(type_name(number));
        layer.push("type", name, Position::Byte(0));
    }
}

/// What data layers once held themselves (UpgradeNetDataTransformation);
/// like there, it overrides what the layer holds in the newer place.
fn move_transformation(layer: &mut Message, number: i64) {
    let source = match number {
        5 => "data_param",
        12 => "image_data_param",
        24 => "window_data_param",
        _ => return,
    };
    for field in layer.take(source) {
        layer.push("transform_param", field.value, field.position);
    }
}

/// The type string for an enumerator of V1LayerParameter.LayerType.
fn type_name(number: i64) -> String {
    let known = TYPES.iter().find(|(known, _)| *known == number);
    known.map_or_else(
        || format!("V1LayerParameter.LayerType {number}"),
        |(_, name)| (*name).to_owned(),
    )
}

const TYPES: &[(i64, &str)] = &[
    (0, ""),
    (1, "Accuracy"),
    (2, "BNLL"),
    (3, "Concat"),
    (4, "Convolution"),
    (5, "Data"),
    (6, "Dropout"),
    (7, "EuclideanLoss"),
    (8, "Flatten"),
    (9, "HDF5Data"),
    (10, "HDF5Output"),
    (11, "Im2col"),
    (12, "ImageData"),
    (13, "InfogainLoss"),
    (14, "InnerProduct"),
    (15, "LRN"),
    (16, "MultinomialLogisticLoss"),
    (17, "Pooling"),
    (18, "ReLU"),
    (19, "Sigmoid"),
    (20, "Softmax"),
    (21, "SoftmaxWithLoss"),
    (22, "Split"),
    (23, "TanH"),
    (24, "WindowData"),
    (25, "Eltwise"),
    (26, "Power"),
    (27, "SigmoidCrossEntropyLoss"),
    (28, "HingeLoss"),
    (29, "MemoryData"),
    (30, "ArgMax"),
    (31, "Threshold"),
    (32, "DummyData"),
    (33, "Slice"),
    (34, "MVN"),
    (35, "AbsVal"),
    (36, "Silence"),
    (37, "ContrastiveLoss"),
    (38, "Exp"),
    (39, "Deconvolution"),
];
