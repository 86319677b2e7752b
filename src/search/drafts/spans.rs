//! Where proofs stand in the text of a step: behind `by`, in the place of a `sorry`, behind the arrows of alternatives.
//!
//! Text only, by tokens and columns.

use crate::lean::syntax::{Kind, Token};

/// What stands between an alternative and its block.
pub(super) const ARROW: &str = "=>";

/// A proof inside a step.
pub(super) struct Span {
    /// Where the hole begins that takes its place: at `by`, which goes with it.
    pub hole: usize,
    pub start: usize,
    pub end: usize,
}

pub(super) fn column(text: &str, at: usize) -> usize {
    text[..at].rsplit('\n').next().unwrap_or("").chars().count()
}

pub(super) fn begins_line(text: &str, at: usize) -> bool {
    text[..at].rsplit('\n').next().unwrap_or("").trim().is_empty()
}

pub(super) fn is_gap(token: &Token) -> bool {
    token.kind == Kind::Name && matches!(token.text, "sorry" | "admit")
}

/// The first arrow from a token on, wherever the cut into tokens puts its end.
pub(super) fn arrow(text: &str, code: &[Token], from: usize) -> Option<usize> {
    (from..code.len()).find(|&i| text[code[i].start..].starts_with(ARROW))
}

/// Where proofs stand in a step: after `by`, and `sorry` in the place of a term.
pub(super) fn proofs(text: &str, code: &[Token]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (i, token) in code.iter().enumerate() {
        if spans.last().is_some_and(|span| token.start < span.end) {
            continue;
        }
        if is_gap(token) {
            spans.push(Span { hole: token.start, start: token.start, end: token.end() });
        } else if token.text == "by"
            && let Some(first) = code.get(i + 1)
        {
            spans.push(Span { hole: token.start, start: first.start, end: end_of_block(text, code, i + 1) });
        }
    }
    spans
}

/// Where the block that begins with a token ends: at a token further left at the beginning of a line, at a bracket that
/// was open before it, or at a comma outside of brackets.
fn end_of_block(text: &str, code: &[Token], first: usize) -> usize {
    let column = column(text, code[first].start);
    let alone = begins_line(text, code[first].start);
    let (mut depth, mut end) = (0usize, code[first].start);
    for token in &code[first..] {
        let left = begins_line(text, token.start) && self::column(text, token.start) < column;
        // Behind `by` on the same line, what stands below it further right goes on with it only when it is far enough.
        if token.start > code[first].start && left && (alone || depth == 0) {
            break;
        }
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 0 => break,
            Kind::Close => depth -= 1,
            _ if depth == 0 && matches!(token.text, "," | "⟩") => break,
            _ => {}
        }
        end = token.end();
    }
    end
}

/// The blocks behind `=>` of alternatives that begin their lines.
pub(super) fn alternatives(text: &str, code: &[Token]) -> Vec<Span> {
    let bars: Vec<usize> = (0..code.len()).filter(|&i| code[i].text == "|" && begins_line(text, code[i].start)).collect();
    let Some(&first) = bars.first() else { return Vec::new() };
    let left = column(text, code[first].start);
    let bars: Vec<usize> = bars.into_iter().filter(|&i| column(text, code[i].start) == left).collect();
    let mut spans = Vec::new();
    for (n, &bar) in bars.iter().enumerate() {
        let next = bars.get(n + 1).map_or(code.len(), |&i| i);
        let Some(arrow) = arrow(text, &code[..next], bar) else { continue };
        let body = code[arrow].start + ARROW.len();
        if let Some(first) = code[arrow..next].iter().find(|t| t.start >= body) {
            spans.push(Span { hole: first.start, start: first.start, end: code[next - 1].end() });
        }
    }
    spans
}
