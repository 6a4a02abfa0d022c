//! Einsums with an ellipsis, which the parser takes for one axis.

use super::super::refusal::Refusal;
use super::sketch::Sketch;
use crate::graph::NodeId;
use crate::ops::{Label, several};

/// Axes that an ellipsis stands for are numbered from here, behind all letters.
const ELLIPSIS: u8 = 128;
/// Labels of one equation.
const MOST: usize = 64;
const MALFORMED: Refusal = Refusal::Form("its equation is not one of letters, `,`, `...` and `->`");

/// A term of an equation: its letters before and behind an ellipsis, if there is one.
struct Term<'e> {
    before: &'e [u8],
    behind: Option<&'e [u8]>,
}

impl<'e> Term<'e> {
    fn of(text: &'e str) -> Result<Self, Refusal> {
        let (before, behind) = text.split_once("...").map_or((text, None), |(before, behind)| (before, Some(behind)));
        let letters = |text: &str| text.bytes().all(|b| b.is_ascii_alphabetic());
        let well = letters(before) && behind.is_none_or(letters);
        well.then_some(Self { before: before.as_bytes(), behind: behind.map(str::as_bytes) }).ok_or(MALFORMED)
    }

    fn letters(&self) -> impl Iterator<Item = u8> + '_ {
        self.before.iter().chain(self.behind.unwrap_or_default()).copied()
    }

    /// Labels of a tensor whose ellipsis has so many axes: the last ones of the longest ellipsis.
    fn labels(&self, axes: usize) -> Vec<u8> {
        let ellipsis =
            (ELLIPSIS..=u8::MAX).take(axes).collect::<Vec<_>>().into_iter().rev().filter(|_| self.behind.is_some());
        self.before.iter().copied().chain(ellipsis).chain(self.behind.unwrap_or_default().iter().copied()).collect()
    }
}

/// The axes of an ellipsis are those of a broadcast; where the result is left out it has them first, and then all letters that stand once.
pub(super) fn einsum(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let equation: String = s.word("equation", "").chars().filter(|c| !c.is_whitespace()).collect();
    let (terms, result) = equation.split_once("->").map_or((&*equation, None), |(terms, result)| (terms, Some(result)));
    let terms = terms.split(',').map(Term::of).collect::<Result<Vec<_>, _>>()?;
    let (mut operands, mut longest) = (Vec::new(), 0);
    for (position, term) in terms.iter().enumerate() {
        let axes = s.shape(position)?.len().checked_sub(term.letters().count()).ok_or(MALFORMED)?;
        longest = longest.max(if term.behind.is_some() { axes } else { 0 });
        operands.push((term.labels(axes), s.operand_node(position)?));
    }
    let mut known: Vec<u8> = operands.iter().flat_map(|(labels, _)| labels).copied().collect();
    known.sort_unstable();
    known.dedup();
    if s.has(terms.len()) || known.len() > MOST {
        return Err(MALFORMED);
    }
    let once = {
        let mut letters: Vec<u8> = terms.iter().flat_map(Term::letters).collect();
        letters.sort_unstable();
        let all = letters.clone();
        letters.retain(|letter| all.iter().filter(|other| *other == letter).count() == 1);
        letters
    };
    let out = match result {
        Some(result) => Term::of(result)?,
        None => Term { before: &[], behind: Some(&once) },
    };
    if out.behind.is_none() && longest > 0 {
        return Err(Refusal::Form("a result without the ellipsis that its operands have is not supported"));
    }
    // Labels count from 0.
    let label = |label: &u8| known.binary_search(label).ok().and_then(|n| u8::try_from(n).ok()).map(Label).ok_or(MALFORMED);
    let all = |labels: &[u8]| labels.iter().map(label).collect::<Result<Vec<_>, _>>();
    let out = out.labels(longest);
    if (1..out.len()).any(|n| out[..n].contains(&out[n])) {
        return Err(Refusal::Form("a label twice in the result is not supported"));
    }
    let operands = operands.iter().map(|(labels, x)| Ok((all(labels)?, *x))).collect::<Result<Vec<_>, Refusal>>()?;
    Ok(vec![several(s.graph, s.name(), &operands, &all(&out)?)?])
}
