/// An integer in decimal, octal (`017`) or hexadecimal (`0x1f`).
pub(super) fn integer(text: &str) -> Option<i128> {
    let hexadecimal = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    let octal = text.strip_prefix('0').filter(|digits| !digits.is_empty());
    match (hexadecimal, octal) {
        (Some(digits), _) => i128::from_str_radix(digits, 16),
        (None, Some(digits)) => i128::from_str_radix(digits, 8),
        (None, None) => text.parse(),
    }
    .ok()
}

/// A number that may have a fraction, an exponent and a final `f`.
pub(super) fn float(text: &str) -> Option<f32> {
    let digits = text.strip_suffix(['f', 'F']).unwrap_or(text);
    let plain = digits
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    // Protobuf reads a double and rounds it.
    digits
        .parse()
        .ok()
        .filter(|_| plain)
        .map(|value: f64| value as f32)
}

/// `inf`, `infinity` or `nan`, in any case.
pub(super) fn word(text: &str) -> Option<f32> {
    match text.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => Some(f32::INFINITY),
        "nan" => Some(f32::NAN),
        _ => None,
    }
}
