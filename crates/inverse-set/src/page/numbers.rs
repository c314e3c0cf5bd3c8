//! Numbers as the page prints them.

/// How many decimals tell a hundredth of an extent.
pub(super) fn decimals(extent: f64) -> usize {
    let text = format!("{extent:e}");
    let exponent = text
        .split_once('e')
        .and_then(|(_, e)| e.parse::<i32>().ok());
    (2 - exponent.unwrap_or(0)).clamp(0, 8) as usize
}

/// A count as people read it: `12,345`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The same of a number of things in memory.
pub(super) fn count(n: usize) -> String {
    thousands(n as u64)
}

/// A share of 0 to 1 as a percentage: two digits, or `under 0.1 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        0.0 => "none".to_owned(),
        _ if percent < 0.1 => "under 0.1 %".to_owned(),
        _ if percent < 9.95 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_of_the_extent_can_be_read() {
        for (extent, expected) in [
            (3.84, 2),
            (9.99, 2),
            (10.0, 1),
            (0.05, 4),
            (12_345.0, 0),
            (0.0, 2),
            (1e-30, 8),
        ] {
            assert_eq!(decimals(extent), expected, "{extent}");
        }
    }

    #[test]
    fn numbers_for_people() {
        let counts = [0, 999, 1000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "1,234,567"]);
        let shares = [0.0, 0.0004, 0.0471, 0.5, 1.0].map(percent);
        assert_eq!(shares, ["none", "under 0.1 %", "4.7 %", "50 %", "100 %"]);
        let parts = ["a", "b", "c"].map(str::to_owned);
        let lists = [0, 1, 2, 3].map(|n| list(&parts[..n]));
        assert_eq!(lists, ["", "a", "a and b", "a, b and c"]);
    }
}
