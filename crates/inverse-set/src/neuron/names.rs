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
    Err(format!(
        "{layer} has no unit with the label or id {name:?}{}",
        did_you_mean_label(name, labels.iter())
    ))
}

/// The numbers of the units whose label contains a text, in whichever case;
/// where none does, of those whose id does. An id has parts that many share,
/// which nobody means who looks for a name.
pub(crate) fn search(text: &str, labels: &[Label]) -> Vec<usize> {
    let text = text.to_lowercase();
    let found = |part: fn(&Label) -> &str| -> Vec<usize> {
        let contains = |&unit: &usize| part(&labels[unit]).to_lowercase().contains(&text);
        (0..labels.len()).filter(contains).collect()
    };
    let by_name = found(|label| &label.name);
    match by_name.is_empty() {
        true => found(|label| &label.id),
        false => by_name,
    }
}

/// [`did_you_mean`] of labels and their synonyms, each of which may also be
/// meant by one of its words.
pub(crate) fn did_you_mean_label<'a>(
    name: &str,
    labels: impl Iterator<Item = &'a Label> + Clone,
) -> String {
    let whole = labels.flat_map(synonyms);
    let words = whole.clone().flat_map(|name| {
        let words = name.split_whitespace();
        words.map(move |word| (word, name))
    });
    suggestion(name, whole.map(|name| (name, name)).chain(words))
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

fn synonyms(label: &Label) -> impl Iterator<Item = &str> + Clone {
    label.name.split(',').map(str::trim)
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// `; did you mean "a" or "b"?` with at most three candidates: those that
/// contain the name, then those that few typing errors turn into it. Empty
/// where none comes close.
///
/// ```
/// let commands = ["sample", "levels", "scan"];
/// let tip = inverse_set::did_you_mean("sampel", commands.into_iter());
/// assert_eq!(tip, "; did you mean \"sample\"?");
/// ```
pub fn did_you_mean<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    suggestion(name, candidates.map(|candidate| (candidate, candidate)))
}

/// [`did_you_mean`] of pairs: what a name is compared with, and what is
/// suggested if it comes near.
fn suggestion<'a>(name: &str, candidates: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    const MOST: usize = 3;
    let name = name.to_lowercase();
    let most_errors = (name.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &str)> = Vec::new();
    for (candidate, suggested) in candidates {
        let lower = candidate.to_lowercase();
        let errors = match lower.contains(&name) {
            true => 0,
            false => edit_distance(&name, &lower),
        };
        if errors <= most_errors && !near.iter().any(|&(_, other)| other == suggested) {
            near.push((errors, suggested));
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

/// Fewest insertions, deletions, replacements and exchanges of neighbours, no
/// character taking part in two of them (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let [a, b]: [Vec<char>; 2] = [a, b].map(|text| text.chars().collect());
    // Row `i` has the distances of the first `i` characters of `a` to every
    // beginning of `b`.
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let above = &rows[i - 1];
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
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
            ("ankel", "ankle", 1),
            ("rleu6", "relu6", 1),
            ("ca", "abc", 3),
            ("kitten", "sitting", 3),
            ("größe", "grosse", 3),
        ] {
            assert_eq!(edit_distance(a, b), errors, "{a} {b}");
        }
    }

    fn label(id: &str, name: &str) -> Label {
        Label {
            id: id.into(),
            name: name.into(),
        }
    }

    #[test]
    fn finds_units_by_a_part_of_label_or_id() {
        let labels = [
            label("n01", "Ankle boot"),
            label("n02", "boat, Großboot"),
            label("N10", "Bag"),
        ];
        for (text, units) in [
            ("BOOT", &[0, 1][..]),
            ("großb", &[1]),
            ("n1", &[2]),
            ("n", &[0]),
            ("n0", &[0, 1]),
            ("t, g", &[1]),
            ("shoe", &[]),
        ] {
            assert_eq!(search(text, &labels), units, "{text}");
        }
    }

    #[test]
    fn a_word_suggests_the_whole_label() {
        let labels = [label("n01", "Ankle boot"), label("n02", "boat, liner ship")];
        for (name, suggestion) in [
            ("ankel", r#"; did you mean "Ankle boot"?"#),
            ("boott", r#"; did you mean "Ankle boot"?"#),
            ("shipp", r#"; did you mean "liner ship"?"#),
            ("volcano", ""),
        ] {
            assert_eq!(
                did_you_mean_label(name, labels.iter()),
                suggestion,
                "{name}"
            );
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
