//! Neurons and ranges as a person writes them: `LAYER:UNIT[=LO..HI]`.
//!
//! ```text
//! fc8:9              a unit by number, in its usual range
//! fc8:volcano=50..60           by label or WordNet id
//! fc8:"T-shirt/top"=c25..c75   between two quantiles over the label's own images
//! conv5:3@max=p75..p95         a channel's greatest value, quantiles over all images
//! conv5:3@2,1=8..              a channel at row 2, column 1, without an upper end
//! ```

use std::str::FromStr;

use crate::Error;

/// A neuron and its range, parsed but not yet looked up in a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// The layer's name.
    pub layer: String,
    /// Which unit of the layer.
    pub unit: UnitName,
    /// Lower and upper end, at least one of them not open; `None` where no
    /// range was written.
    pub range: Option<[Bound; 2]>,
}

/// How a unit is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitName {
    /// By its number, from 0.
    Number(usize),
    /// By its label, one of the label's synonyms, or its WordNet id.
    Name(String),
    /// A channel at a position of its plane, `CHANNEL@Y,X`.
    Position {
        /// Channel, from 0.
        channel: usize,
        /// Row, from 0.
        y: usize,
        /// Column, from 0.
        x: usize,
    },
    /// The greatest value of a channel, `CHANNEL@max`.
    Max(usize),
    /// The mean of a channel, `CHANNEL@mean`.
    Mean(usize),
}

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Nothing bounds the activation on this side.
    Open,
    /// An activation.
    Value(f64),
    /// `p25`: a quantile over all images, as a percentage.
    Percentile(f64),
    /// `c25`: a quantile over the images of the unit's own label, as a
    /// percentage.
    LabelPercentile(f64),
}

impl FromStr for Expression {
    type Err = Error;

    /// # Errors
    /// [`Error::Request`] says what cannot be understood and shows an example.
    fn from_str(text: &str) -> Result<Expression, Error> {
        parse(text).map_err(|what| complaint(text, &what))
    }
}

/// Why a part of an expression cannot be understood, without the whole.
type Complaint = String;

/// An expression in parts, as they are written.
pub(crate) struct Parts<'a> {
    pub layer: &'a str,
    pub unit: Written<'a>,
    /// What follows `=`.
    pub range: Option<&'a str>,
}

/// What stands for a unit.
pub(crate) enum Written<'a> {
    /// A label in quotes: it is nothing but that.
    Quoted(String),
    Plain(&'a str),
}

impl Parts<'_> {
    /// # Errors
    /// [`Error::Request`] as where an [`Expression`] is parsed.
    pub(crate) fn of(text: &str) -> Result<Parts<'_>, Error> {
        split(text).map_err(|what| complaint(text, &what))
    }
}

/// What is wrong with a neuron that is written like this.
pub(crate) fn complaint(text: &str, what: &str) -> Error {
    Error::Request(format!("neuron {text:?}: {what}"))
}

fn parse(text: &str) -> Result<Expression, Complaint> {
    let Parts { layer, unit, range } = split(text)?;
    let unit = match unit {
        Written::Quoted(label) => UnitName::Name(label),
        Written::Plain(unit) => parse_unit(unit)?,
    };
    Ok(Expression {
        layer: layer.to_owned(),
        unit,
        range: range.map(parse_range).transpose()?,
    })
}

fn split(text: &str) -> Result<Parts<'_>, Complaint> {
    let (layer, rest) = text
        .split_once(':')
        .ok_or("expected LAYER:UNIT[=LO..HI], as in fc8:9=5..8")?;
    let (layer, rest) = (layer.trim(), rest.trim());
    if layer.is_empty() {
        return Err("the layer before the colon is missing, as in fc8:9".into());
    }
    let (unit, range) = if rest.starts_with('"') {
        split_quoted(rest)?
    } else {
        split_unquoted(rest)?
    };
    Ok(Parts { layer, unit, range })
}

/// A label in double quotes, then what follows `=`.
fn split_quoted(text: &str) -> Result<(Written<'_>, Option<&str>), Complaint> {
    let mut label = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                let rest = text[at + 1..].trim();
                let range = match rest.strip_prefix('=') {
                    Some(range) => Some(range),
                    None if rest.is_empty() => None,
                    None => {
                        return Err(format!("expected =LO..HI after the label, found {rest:?}"));
                    }
                };
                if label.is_empty() {
                    return Err("the label in quotes is empty".into());
                }
                return Ok((Written::Quoted(label), range));
            }
            '\\' => match characters.next() {
                Some((_, escaped)) => label.push(escaped),
                None => break,
            },
            other => label.push(other),
        }
    }
    Err("the label's closing quote is missing".into())
}

/// A unit up to the last `=` that a range follows: labels may contain `=`.
fn split_unquoted(text: &str) -> Result<(Written<'_>, Option<&str>), Complaint> {
    let range_at = |&at: &usize| text[at + 1..].contains("..");
    let equals = || text.match_indices('=').map(|(at, _)| at);
    let (unit, range) = match equals().rev().find(range_at) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    if range.is_none()
        && let Some(at) = equals().next_back()
        && parse_bound(&text[at + 1..]).is_ok()
    {
        return Err("a range has two ends, as in =5..8; one may be left open, as in =8..".into());
    }
    Ok((Written::Plain(unit.trim()), range))
}

fn parse_unit(text: &str) -> Result<UnitName, Complaint> {
    if text.is_empty() {
        return Err("the unit after the colon is missing, as in fc8:9 or fc8:volcano".into());
    }
    if let Some(number) = parse_number(text) {
        return number.map(UnitName::Number);
    }
    let pooled = text
        .split_once('@')
        .and_then(|(channel, place)| Some((parse_number(channel)?, place)));
    let Some((channel, place)) = pooled else {
        return Ok(UnitName::Name(text.to_owned()));
    };
    let channel = channel?;
    match place {
        "max" => return Ok(UnitName::Max(channel)),
        "mean" => return Ok(UnitName::Mean(channel)),
        _ => {}
    }
    let position = place
        .split_once(',')
        .and_then(|(y, x)| Some((parse_number(y)?, parse_number(x)?)));
    match position {
        Some((y, x)) => Ok(UnitName::Position {
            channel,
            y: y?,
            x: x?,
        }),
        None => Err(format!(
            "after the channel comes max, mean or a position, as in {channel}@max or {channel}@2,1; found {place:?}"
        )),
    }
}

/// `None` where the text is no number at all.
pub(crate) fn parse_number(text: &str) -> Option<Result<usize, Complaint>> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| {
        text.parse()
            .map_err(|_| format!("the number {text} is too large"))
    })
}

fn parse_range(text: &str) -> Result<[Bound; 2], Complaint> {
    let (lo, hi) = text
        .split_once("..")
        .ok_or_else(|| format!("expected the range as LO..HI, found {text:?}"))?;
    match [parse_bound(lo)?, parse_bound(hi)?] {
        [Bound::Open, Bound::Open] => {
            Err("the range is open at both ends; give at least one of them, as in 8..".into())
        }
        range => Ok(range),
    }
}

fn parse_bound(text: &str) -> Result<Bound, Complaint> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Bound::Open);
    }
    let (bound, number): (fn(f64) -> Bound, &str) = match text.split_at_checked(1) {
        Some(("p", level)) => (Bound::Percentile, level),
        Some(("c", level)) => (Bound::LabelPercentile, level),
        _ => (Bound::Value, text),
    };
    let number = number.parse().map_err(|_| {
        format!("the end {text:?} is neither a number nor a quantile such as p25 or c75")
    })?;
    match bound(number) {
        Bound::Value(value) if !value.is_finite() => Err(format!(
            "the end {text:?} is not a finite number; leave an end open instead, as in 8.. or ..2"
        )),
        Bound::Percentile(level) | Bound::LabelPercentile(level)
            if !(0.0..=100.0).contains(&level) =>
        {
            Err(format!(
                "the quantile {text:?} does not lie between 0 and 100"
            ))
        }
        bound => Ok(bound),
    }
}

#[cfg(test)]
mod tests {
    use super::Bound::{LabelPercentile, Open, Percentile, Value};
    use super::*;

    fn name(text: &str) -> UnitName {
        UnitName::Name(text.into())
    }

    #[test]
    fn understands() {
        let position = UnitName::Position {
            channel: 3,
            y: 2,
            x: 1,
        };
        for (text, layer, unit, range) in [
            ("fc8:9", "fc8", UnitName::Number(9), None),
            (
                "fc8:volcano=50..60",
                "fc8",
                name("volcano"),
                Some([Value(50.0), Value(60.0)]),
            ),
            (
                r#"fc8:"T-shirt/top"=c25..c75"#,
                "fc8",
                name("T-shirt/top"),
                Some([LabelPercentile(25.0), LabelPercentile(75.0)]),
            ),
            (
                "fc8:T-shirt/top=c25..c75",
                "fc8",
                name("T-shirt/top"),
                Some([LabelPercentile(25.0), LabelPercentile(75.0)]),
            ),
            (
                " fc8 : Ankle boot = 8.5 .. 1.2e1 ",
                "fc8",
                name("Ankle boot"),
                Some([Value(8.5), Value(12.0)]),
            ),
            (
                "fc8:9=-3..-1",
                "fc8",
                UnitName::Number(9),
                Some([Value(-3.0), Value(-1.0)]),
            ),
            (
                "fc8:9=8..",
                "fc8",
                UnitName::Number(9),
                Some([Value(8.0), Open]),
            ),
            (
                "fc8:9=..2",
                "fc8",
                UnitName::Number(9),
                Some([Open, Value(2.0)]),
            ),
            (
                "fc8:9=5..p95",
                "fc8",
                UnitName::Number(9),
                Some([Value(5.0), Percentile(95.0)]),
            ),
            ("conv5:3@2,1", "conv5", position, None),
            (
                "conv5:3@max=p75..p95",
                "conv5",
                UnitName::Max(3),
                Some([Percentile(75.0), Percentile(95.0)]),
            ),
            (
                "conv5:3@mean=p2.5..",
                "conv5",
                UnitName::Mean(3),
                Some([Percentile(2.5), Open]),
            ),
            ("conv2/3x3:0", "conv2/3x3", UnitName::Number(0), None),
            ("fc8:a=b", "fc8", name("a=b"), None),
            (
                "fc8:a=b=1..2",
                "fc8",
                name("a=b"),
                Some([Value(1.0), Value(2.0)]),
            ),
            (r#"fc8:"9""#, "fc8", name("9"), None),
            (r#"fc8:"a=1..2""#, "fc8", name("a=1..2"), None),
            (
                r#"fc8:"say \"so\" \\"=1..2"#,
                "fc8",
                name(r#"say "so" \"#),
                Some([Value(1.0), Value(2.0)]),
            ),
            ("fc8:Größe: 5", "fc8", name("Größe: 5"), None),
            ("fc8:a@max", "fc8", name("a@max"), None),
        ] {
            let expected = Expression {
                layer: layer.into(),
                unit,
                range,
            };
            assert_eq!(text.parse::<Expression>().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn refuses() {
        for (text, complaint) in [
            ("", "expected LAYER:UNIT"),
            ("fc8", "expected LAYER:UNIT"),
            (":9", "layer before the colon is missing"),
            ("fc8:", "unit after the colon is missing"),
            ("fc8:=1..2", "unit after the colon is missing"),
            ("fc8:9=5", "two ends, as in =5..8"),
            ("fc8:9=", "two ends"),
            ("fc8:9=c25", "two ends"),
            ("fc8:9=..", "open at both ends"),
            ("fc8:9=a..b", "neither a number nor a quantile"),
            ("fc8:9=1..=2", "neither a number nor a quantile"),
            ("fc8:9=1..2..3", "neither a number nor a quantile"),
            ("fc8:9=é..2", "neither a number nor a quantile"),
            ("fc8:9=nan..2", "not a finite number"),
            ("fc8:9=0..inf", "not a finite number"),
            ("fc8:9=0..1e999", "not a finite number"),
            ("fc8:9=p101..", "between 0 and 100"),
            ("fc8:9=cnan..", "between 0 and 100"),
            ("fc8:9=c-1..", "between 0 and 100"),
            ("fc8:99999999999999999999", "too large"),
            ("conv5:3@median", "max, mean or a position"),
            ("conv5:3@1", "max, mean or a position"),
            ("conv5:3@1,-1", "max, mean or a position"),
            (r#"fc8:"boot"#, "closing quote is missing"),
            (r#"fc8:"boot\"#, "closing quote is missing"),
            (r#"fc8:"""#, "empty"),
            (r#"fc8:"boot"1..2"#, "expected =LO..HI after the label"),
            (r#"fc8:"boot"=5"#, "expected the range as LO..HI"),
            ("fc8:a\nb=5", "two ends"),
        ] {
            let message = text.parse::<Expression>().unwrap_err().to_string();
            assert!(message.contains(complaint), "{text}: {message}");
            assert_eq!(message.lines().count(), 1, "{text}: {message}");
        }
    }
}
