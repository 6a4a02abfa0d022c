//! Values of options that are more than a text or a number.

/// What a value on the command line must be, and is not.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unread {
    /// Extents of axes.
    #[error("expected positive numbers separated by `x`, such as 1x3x32x32")]
    Shape,
    /// No threads.
    #[error("proving needs at least one thread; leave the option out to use all cores")]
    NoThread,
    /// A number of threads.
    #[error("expected a number from 1 to {MOST_THREADS}")]
    Threads,
    /// More than the whole.
    #[error("expected a part of at most 1: for {0} % give {part}", part = .0 / 100.0)]
    Percent(f64),
    /// A part of a whole.
    #[error("expected a positive number of at most 1, such as 0.05 for 5 %")]
    Part,
}

/// Extents of an input's axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(pub Vec<usize>);

pub(super) fn shape(text: &str) -> Result<Shape, Unread> {
    let axis = |part: &str| part.parse::<usize>().ok().filter(|&n| n > 0);
    let axes: Option<Vec<usize>> = text.split('x').map(axis).collect();
    let fits = |axes: &Vec<usize>| axes.iter().try_fold(1usize, |n, &a| n.checked_mul(a)).is_some();
    axes.filter(fits).map(Shape).ok_or(Unread::Shape)
}

/// More threads than any machine has.
const MOST_THREADS: usize = 1024;

pub(super) fn threads(text: &str) -> Result<usize, Unread> {
    match text.parse::<usize>() {
        Ok(0) => Err(Unread::NoThread),
        Ok(n) if n <= MOST_THREADS => Ok(n),
        _ => Err(Unread::Threads),
    }
}

/// A part of a whole.
pub(super) fn part(text: &str) -> Result<f64, Unread> {
    match text.parse::<f64>() {
        Ok(n) if n > 0.0 && n <= 1.0 => Ok(n),
        Ok(n) if n > 1.0 && n.is_finite() => Err(Unread::Percent(n)),
        _ => Err(Unread::Part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_one() {
        assert_eq!((part("0.05"), part("1")), (Ok(0.05), Ok(1.0)));
        assert!(part("5").is_err_and(|why| why.to_string().contains("for 5 % give 0.05")));
        for bad in ["0", "-1", "nan", "inf", "x"] {
            assert!(part(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shapes() {
        assert_eq!(shape("1x3x32"), Ok(Shape(vec![1, 3, 32])));
        for bad in ["", "1x", "0x3", "-1", "1,3", "99999999999x99999999999"] {
            assert!(shape(bad).is_err(), "{bad}");
        }
    }
}
