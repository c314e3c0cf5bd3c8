//! The layers of a net in the newest form (upgrade_proto.cpp).

mod padding;
mod v0;
mod v1;

use crate::message::Message;
use crate::{Error, Version};

/// Takes the layers out of a net and upgrades them.
///
/// # Errors
///
/// Where there are none, or of more than one version.
pub(crate) fn take_layers(net: &mut Message) -> Result<(Vec<Message>, Version), Error> {
    let old = net.all("layers").next().map(|field| field.position);
    let new = net.all("layer").next().map(|field| field.position);
    match (old, new) {
        (None, None) => Err(Error::new(
            "the net",
            "layers (fields layer or layers)",
            "none",
        )),
        (Some(old), Some(new)) => Err(Error::new(
            old,
            "layers of one version",
            format!("field layers here and field layer at {new}"),
        )),
        (None, Some(_)) => Ok((net.take_messages("layer"), Version::V2)),
        (Some(_), None) => {
            let layers = net.take_messages("layers");
            match layers.iter().any(v0::is_v0) {
                true => Ok((v0::upgrade(layers)?, Version::V0)),
                false => Ok((v1::upgrade(layers), Version::V1)),
            }
        }
    }
}
