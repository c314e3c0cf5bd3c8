//! Finding layers and units by what people call them.

use engine::{Network, Shape};
use netfile::{Label, NetworkFile};

use super::{Shown, Unit};
use crate::UnitName;

/// The shape of a classifier's layer; the message suggests the nearest names.
pub(crate) fn find_layer<'a>(
    name: &str,
    file: &NetworkFile,
    network: &'a Network,
) -> Result<&'a Shape, String> {
    let description = file.description();
    let names = || description.layers.iter().map(|layer| layer.name.as_str());
    match network.node(name) {
        Some(node) if names().any(|layer| layer == name) => Ok(network.shape(node)),
        _ => Err(format!(
            "{} has no layer {name:?}{}",
            Shown(&description.name),
            did_you_mean(name, names())
        )),
    }
}

/// The unit of a layer of the given shape; `labels` are empty or one for each
/// unit.
pub(super) fn find_unit(
    name: &UnitName,
    layer: &str,
    shape: &Shape,
    labels: &[Label],
) -> Result<Unit, String> {
    let (unit, place) = match *name {
        UnitName::Number(index) => return find_number(index, layer, shape),
        UnitName::Name(ref name) => {
            return find_number(find_label(name, layer, labels)?, layer, shape);
        }
        UnitName::Position { channel, y, x } => (Unit::Position { channel, y, x }, [channel, y, x]),
        UnitName::Max(channel) => (Unit::Max { channel }, [channel, 0, 0]),
        UnitName::Mean(channel) => (Unit::Mean { channel }, [channel, 0, 0]),
    };
    if shape.dims().len() != 3 {
        return Err(format!(
            "{layer} has {} units and no planes; name a unit by its number, as in {layer}:{}",
            shape.len(),
            place[0]
        ));
    }
    for ((axis, &size), index) in ["channels", "rows", "columns"]
        .iter()
        .zip(shape.dims())
        .zip(place)
    {
        if index >= size {
            return Err(format!(
                "{layer} has {size} {axis}, 0 to {}; found {index}",
                size - 1
            ));
        }
    }
    Ok(unit)
}

/// A unit by its number. In a layer of planes a single number would mean a
/// channel to one person and a position to the next, so it is refused.
fn find_number(index: usize, layer: &str, shape: &Shape) -> Result<Unit, String> {
    match *shape.dims() {
        [_, h, w] if h * w > 1 => Err(format!(
            "a unit of {layer} ({shape}) is a channel at a row and a column, or a whole channel; try {layer}:{index}@max, {layer}:{index}@mean or {layer}:{index}@{},{}",
            h / 2,
            w / 2
        )),
        _ if index < shape.len() => Ok(Unit::Unit { index }),
        _ => Err(format!(
            "{layer} has {} units, 0 to {}; found {index}",
            shape.len(),
            shape.len() - 1
        )),
    }
}

/// The number of the one unit that a name means: by id, by the whole label, by
/// one of its synonyms; the first of these that fits decides.
fn find_label(name: &str, layer: &str, labels: &[Label]) -> Result<usize, String> {
    if labels.is_empty() {
        return Err(format!(
            "{layer} has no labels; name a unit by its number, as in {layer}:3"
        ));
    }
    let fits: [fn(&Label, &str) -> bool; 4] = [
        |label, name| label.id == name,
        |label, name| label.name == name,
        |label, name| same(&label.name, name),
        |label, name| synonyms(label).any(|synonym| same(synonym, name)),
    ];
    for fits in fits {
        let units: Vec<usize> = (0..labels.len())
            .filter(|&unit| fits(&labels[unit], name))
            .collect();
        match units[..] {
            [] => {}
            [unit] => return Ok(unit),
            _ => return Err(ambiguous(name, layer, labels, &units)),
        }
    }
    let names = labels.iter().flat_map(synonyms);
    Err(format!(
        "{layer} has no unit with the label or id {name:?}{}",
        did_you_mean(name, names)
    ))
}

/// Most candidates that a message lists.
const MOST_CANDIDATES: usize = 8;

fn ambiguous(name: &str, layer: &str, labels: &[Label], units: &[usize]) -> String {
    let listed = units.iter().take(MOST_CANDIDATES).map(|&unit| {
        let Label { id, name } = &labels[unit];
        format!("{layer}:{unit} ({}, id {})", Shown(name), Shown(id))
    });
    let listed: Vec<String> = listed.collect();
    let more = match units.len().saturating_sub(MOST_CANDIDATES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{name:?} may mean {}{more}; name one by its number or id",
        listed.join(" or ")
    )
}

fn synonyms(label: &Label) -> impl Iterator<Item = &str> {
    label.name.split(',').map(str::trim)
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// `; did you mean "a" or "b"?` with at most three candidates: those that
/// contain the name, then those that few typing errors turn into it. Empty
/// where none comes close.
fn did_you_mean<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 3;
    let name = name.to_lowercase();
    let most_errors = (name.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &str)> = Vec::new();
    for candidate in candidates {
        let lower = candidate.to_lowercase();
        let errors = match lower.contains(&name) {
            true => 0,
            false => edit_distance(&name, &lower),
        };
        if errors <= most_errors && !near.iter().any(|&(_, other)| other == candidate) {
            near.push((errors, candidate));
        }
    }
    near.sort_by_key(|&(errors, _)| errors);
    let near: Vec<String> = near
        .iter()
        .take(MOST)
        .map(|(_, name)| format!("{name:?}"))
        .collect();
    match near.as_slice() {
        [] => String::new(),
        [only] => format!("; did you mean {only}?"),
        [first @ .., last] => format!("; did you mean {} or {last}?", first.join(", ")),
    }
}

/// Fewest insertions, deletions and replacements of characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_typing_errors() {
        for (a, b, errors) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("fc9", "fc8", 1),
            ("ankel", "ankle", 2),
            ("kitten", "sitting", 3),
            ("größe", "grosse", 3),
        ] {
            assert_eq!(edit_distance(a, b), errors, "{a} {b}");
        }
    }

    #[test]
    fn suggests_what_comes_near() {
        let candidates = ["conv1", "fc6", "fc7", "fc8", "Ankle boot"];
        for (name, suggestion) in [
            ("fc9", r#"; did you mean "fc6", "fc7" or "fc8"?"#),
            ("boot", r#"; did you mean "Ankle boot"?"#),
            ("ANKEL BOOT", r#"; did you mean "Ankle boot"?"#),
            ("volcano", ""),
        ] {
            assert_eq!(
                did_you_mean(name, candidates.into_iter()),
                suggestion,
                "{name}"
            );
        }
    }
}
