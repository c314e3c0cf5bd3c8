//! Which layers exist in phase TEST (net.cpp, FilterNet).
//!
//! A layer's own `phase` field is no rule: a net that was saved while it was
//! trained says TRAIN in each of its layers.

use crate::Error;
use crate::message::Message;
use crate::schema::TEST;

/// Whether a layer exists in phase TEST, at level 0 and without stages.
///
/// # Errors
///
/// Where it has both include and exclude rules.
pub(crate) fn exists(layer: &Message) -> Result<bool, Error> {
    let included = layer.all("include").next();
    let excluded = layer.all("exclude").next();
    match (included, excluded) {
        (Some(_), Some(exclude)) => Err(Error::new(
            exclude.position,
            "either include rules or exclude rules",
            "both",
        )),
        (Some(_), None) => Ok(layer.messages("include").any(is_met)),
        _ => Ok(!layer.messages("exclude").any(is_met)),
    }
}

fn is_met(rule: &Message) -> bool {
    let integer = |name| rule.integer(name);
    integer("phase").is_none_or(|phase| phase == TEST)
        && integer("min_level").is_none_or(|level| level <= 0)
        && integer("max_level").is_none_or(|level| level >= 0)
        && rule.all("stage").next().is_none()
}
