//! Numbers, shapes and names as people read them.

use std::fmt::Write;

/// A shape as `1x3x32x32`.
pub fn shape(axes: &[usize]) -> String {
    if axes.is_empty() { "scalar".into() } else { axes.iter().map(usize::to_string).collect::<Vec<_>>().join("x") }
}

/// The place of a row-major position in a tensor, as `[0, 3]`.
pub fn place(position: usize, shape: &[usize]) -> String {
    let (mut left, mut axes) = (position, Vec::with_capacity(shape.len()));
    for &extent in shape.iter().rev() {
        axes.push((left % extent.max(1)).to_string());
        left /= extent.max(1);
    }
    axes.reverse();
    format!("[{}]", axes.join(", "))
}

/// Six significant digits.
pub fn number(value: f64) -> String {
    if value == 0.0 || (1e-4..1e7).contains(&value.abs()) {
        let digits = if value == 0.0 { 0 } else { (5 - value.abs().log10().floor() as i32).max(0) as usize };
        let text = format!("{value:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
    } else {
        format!("{value:.5e}")
    }
}

/// A count with commas.
pub fn count(n: usize) -> String {
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

/// Bytes.
pub fn bytes(n: usize) -> String {
    match n {
        0..100_000 => format!("{} bytes", count(n)),
        100_000..100_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{} MB", count(n / 1_000_000)),
    }
}

/// Seconds.
pub fn seconds(s: f64) -> String {
    if s < 1.0 { format!("{:.0} ms", s * 1e3) } else { format!("{s:.2} s") }
}

/// All of a digest.
pub fn hex(digest: &(impl AsRef<[u8]> + ?Sized)) -> String {
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A text on one line: names come from files that anybody may have written, and must not move the cursor, make lines of their own or
/// turn the direction of writing.
pub fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().fold(String::new(), |mut plain, c| {
        if c.is_control() || turns(c) {
            plain.extend(c.escape_default())
        } else {
            plain.push(c)
        }
        plain
    })
}

/// Aligned lines of a label and a value, indented.
pub fn lines(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    rows.iter().fold(String::new(), |mut text, (label, value)| {
        let _ = writeln!(text, "  {label:width$}  {}", plain(value));
        text
    })
}

/// Plural of a counted thing.
pub fn things(n: usize, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (value, text) in
            [(0.0, "0"), (1.0, "1"), (-12.5, "-12.5"), (0.1234567, "0.123457"), (123456.7, "123457"), (1e-9, "1.00000e-9")]
        {
            assert_eq!(number(value), text);
        }
        assert_eq!(
            (count(0), count(999), count(1_000), count(1_234_567)),
            ("0".into(), "999".into(), "1,000".into(), "1,234,567".into())
        );
        assert_eq!((place(0, &[]), place(7, &[1, 2, 5])), ("[]".into(), "[0, 1, 2]".into()));
        assert_eq!((bytes(5_432), seconds(0.0123), shape(&[1, 8])), ("5,432 bytes".into(), "12 ms".into(), "1x8".into()));
    }
}
