//! A written proof cut into steps by its layout: tactic blocks, bullets, alternatives, `have … := by`, `calc`.
//!
//! Text only: what a piece does is for Lean to say. A cut that is wrong costs a check, no more.

use std::sync::Arc;

use super::spans::{ARROW, Span, alternatives, arrow, begins_line, column, is_gap, proofs};
use crate::lean::syntax::{Kind, Token, tokens};

/// Names that the cut makes up for facts that have none.
const FACT: &str = "fact";
/// Steps that look at all goals, or at others than the first: they stay with the step before them.
const OF_ALL: &[&str] =
    &["all_goals", "any_goals", "rotate_left", "rotate_right", "swap", "pick_goal", "on_goal", "case'", "iterate", "repeat"];
/// Steps that take `?_` in the place of a proof.
const OPEN: &[&str] = &["have", "refine", "refine'", "exact", "apply", "calc"];
/// Steps whose alternatives are blocks of their own.
const BRANCHING: &[&str] = &["induction", "cases", "match"];
/// Blocks within blocks: deeper ones stay whole.
const DEEPEST: usize = 24;
/// What stands in the place of a proof that comes later.
const HOLE: &str = "?_";

/// A step as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    /// Its first line in the proof, from 0, and how many it has.
    pub line: usize,
    pub lines: usize,
    /// A `sorry` stands in it.
    pub gap: bool,
    pub form: Form,
}

/// What a step is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    Plain,
    /// `sorry`: the goal is left to others.
    Gap,
    /// `· …`, `next … => …`: the block works on the first goal.
    Bullet {
        names: Vec<String>,
        block: Block,
    },
    /// `case tag … => …`: the block works on the goal of that name.
    Case {
        tag: String,
        names: Vec<String>,
        block: Block,
    },
    /// Proofs stand inside it: with holes in their place it is a step, and they belong to its goals.
    Open {
        opener: String,
        blocks: Vec<(usize, Block)>,
        holes: usize,
    },
}

pub type Block = Vec<Arc<Piece>>;

/// Cuts a tactic block. A text that cannot be cut is one piece.
pub fn cut(proof: &str) -> Block {
    block(proof, At { line: 0, depth: 0 })
}

/// Every text that a search would try of a written proof, beside the whole of it.
///
/// ```
/// use qstar::search::pieces;
/// assert_eq!(pieces("have h : p := by\n  simp\nexact h"), ["have h : p := by\n  simp", "have h : p := ?_", "simp", "exact h"]);
/// ```
pub fn pieces(proof: &str) -> Vec<String> {
    fn walk(block: &Block, found: &mut Vec<String>) {
        for piece in block {
            found.push(piece.text.clone());
            match &piece.form {
                Form::Plain | Form::Gap => {}
                Form::Bullet { block, .. } | Form::Case { block, .. } => walk(block, found),
                Form::Open { opener, blocks, .. } => {
                    found.push(opener.clone());
                    blocks.iter().for_each(|(_, block)| walk(block, found));
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(&cut(proof), &mut found);
    found
}

/// Where a text stands in the whole: its first line, and how many blocks are around it.
#[derive(Clone, Copy)]
struct At {
    line: usize,
    depth: usize,
}

/// Cuts the lines of a block.
fn block(text: &str, at: At) -> Block {
    if at.depth > DEEPEST {
        return vec![Arc::new(plain(text, at.line))];
    }
    let At { line, .. } = at;
    let Ok(all) = tokens(text) else { return vec![Arc::new(plain(text, line))] };
    let code: Vec<&Token> = all.iter().filter(|t| t.kind != Kind::Comment).collect();
    let Some(first) = code.first() else { return Vec::new() };
    let column = column(text, first.start);
    let mut starts: Vec<usize> = Vec::new();
    let mut depth = 0usize;
    for token in &code {
        if depth == 0 && begins_line(text, token.start) && self::column(text, token.start) <= column && !continues(text, token)
        {
            starts.push(token.start);
        }
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if starts.first() != Some(&first.start) {
        starts.insert(0, first.start);
    }
    // What looks at all goals cannot be tried at one of them.
    let of_all = |start: &usize| OF_ALL.contains(&word(&text[*start..]));
    let first_start = first.start;
    starts.retain(|start| *start == first_start || !of_all(start));
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let spans: Vec<(usize, usize)> = starts.iter().copied().zip(ends).collect();
    let mut pieces = Vec::new();
    for (start, end) in spans {
        // Comments before the next step are its own.
        let end = code.iter().rfind(|t| t.start < end).map_or(end, |t| t.end());
        let line = line + text[..start].matches('\n').count();
        pieces.extend(piece(&level(text, start, end), At { line, ..at }));
    }
    pieces.into_iter().map(Arc::new).collect()
}

/// Whether a token at the left goes on with the step before it.
fn continues(text: &str, token: &Token) -> bool {
    matches!(
        token.text,
        "|" | "<" | "<;>" | "else" | "then" | "using" | "at" | "with" | "_" | ")" | "]" | "}" | "⟩" | "," | ":="
    ) || text[token.start..].starts_with("<;>")
}

/// The first word of a text.
fn word(text: &str) -> &str {
    text.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or("")
}

/// A span moved to the left by the column of its first character.
fn level(text: &str, start: usize, end: usize) -> String {
    let column = column(text, start);
    let mut lines = text[start..end].lines();
    let mut out = lines.next().unwrap_or("").trim_end().to_owned();
    for line in lines {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        out.push('\n');
        out.push_str(line[blanks.min(column)..].trim_end());
    }
    out
}

fn plain(text: &str, line: usize) -> Piece {
    Piece { text: text.to_owned(), line, lines: text.lines().count().max(1), gap: false, form: Form::Plain }
}

/// One step, or two: what it is made of.
fn piece(text: &str, at: At) -> Vec<Piece> {
    let line = at.line;
    let Ok(all) = tokens(text) else { return vec![plain(text, line)] };
    let code: Vec<Token> = all.into_iter().filter(|t| t.kind != Kind::Comment).collect();
    let gap = code.iter().any(is_gap);
    let head = word(text);
    let make = |form| Piece { gap, form, ..plain(text, line) };
    if code.len() == 1 && gap {
        return vec![make(Form::Gap)];
    }
    if let Some(rest) = ["· ", "·\n", ". "].iter().find_map(|mark| text.strip_prefix(mark)) {
        let start = text.len() - rest.len();
        return vec![make(Form::Bullet { names: Vec::new(), block: inner(text, start, text.len(), at) })];
    }
    if let ("case" | "next", Some(arrow)) = (head, arrow(text, &code, 0)) {
        let names: Vec<String> = code[1..arrow].iter().map(|t| t.text.to_owned()).collect();
        let block = inner(text, code[arrow].start + ARROW.len(), text.len(), at);
        return vec![match names.split_first() {
            Some((tag, names)) if head == "case" => make(Form::Case { tag: tag.clone(), names: names.to_vec(), block }),
            _ => make(Form::Bullet { names, block }),
        }];
    }
    if head == "obtain"
        && let Some(pieces) = obtain(text, &code, at)
    {
        return pieces;
    }
    let spans = if BRANCHING.contains(&head) {
        alternatives(text, &code)
    } else if OPEN.contains(&head) {
        proofs(text, &code)
    } else {
        Vec::new()
    };
    vec![if spans.is_empty() { make(Form::Plain) } else { make(open(text, head, &spans, at)) }]
}

/// Cuts a part of a step.
fn inner(text: &str, start: usize, end: usize, at: At) -> Block {
    // The part keeps its column, so that its first line and the others stay together.
    let pad = " ".repeat(column(text, start));
    let line = at.line + text[..start].matches('\n').count();
    block(&format!("{pad}{}", &text[start..end]), At { line, depth: at.depth + 1 })
}

/// `obtain P : T := by …` as a fact and what is taken from it.
fn obtain(text: &str, code: &[Token], at: At) -> Option<Vec<Piece>> {
    let assign = code.windows(2).find(|w| w[0].text == ":=" && (w[1].text == "by" || is_gap(&w[1])))?[0].start;
    let mut depth = 0usize;
    let colon = code.iter().find(|t| {
        match t.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ if matches!(t.text, "⟨") => depth += 1,
            _ if matches!(t.text, "⟩") => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && t.text == ":" && t.start < assign
    })?;
    let pattern = text["obtain".len()..colon.start].trim();
    let fact = format!("have {FACT} {}", &text[colon.start..]);
    let mut pieces = piece(&fact, at);
    pieces.push(plain(&format!("obtain {pattern} := {FACT}"), at.line));
    Some(pieces)
}

/// A step with holes in the place of its proofs.
fn open(text: &str, head: &str, spans: &[Span], place: At) -> Form {
    let mut opener = String::new();
    let mut blocks = Vec::new();
    let (mut at, mut holes) = (0, 0);
    for &Span { hole, start, end } in spans {
        let kept = &text[at..hole];
        holes += kept.matches(HOLE).count();
        opener.push_str(kept);
        opener.push_str(HOLE);
        blocks.push((holes, inner(text, start, end, place)));
        holes += 1;
        at = end;
    }
    let rest = &text[at..];
    holes += rest.matches(HOLE).count();
    opener.push_str(rest);
    let opener = if head == "exact" { opener.replacen("exact", "refine", 1) } else { opener };
    Form::Open { opener: opener.trim_end().to_owned(), blocks, holes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    /// The cut as a tree.
    fn shown(block: &Block, indent: usize) -> String {
        let mut out = String::new();
        for piece in block {
            let pad = " ".repeat(indent);
            let first = piece.text.lines().next().unwrap_or("");
            let more = if piece.text.contains('\n') { " …" } else { "" };
            let _ = match &piece.form {
                Form::Plain => writeln!(out, "{pad}{}: {first}{more}", piece.line),
                Form::Gap => writeln!(out, "{pad}{}: gap", piece.line),
                Form::Bullet { names, block } => {
                    writeln!(out, "{pad}{}: bullet {names:?}\n{}", piece.line, shown(block, indent + 2))
                }
                Form::Case { tag, names, block } => {
                    writeln!(out, "{pad}{}: case {tag} {names:?}\n{}", piece.line, shown(block, indent + 2))
                }
                Form::Open { opener, blocks, holes } => {
                    let _ = writeln!(out, "{pad}{}: open {} ({holes})", piece.line, opener.replace('\n', "⏎"));
                    for (place, block) in blocks {
                        let _ = write!(out, "{pad} {place}\n{}", shown(block, indent + 2));
                    }
                    Ok(())
                }
            };
        }
        out.lines().filter(|l| !l.trim().is_empty()).map(|l| format!("{l}\n")).collect()
    }

    #[test]
    fn proofs_are_cut_by_their_layout() {
        let proof = "\
intro n h
-- a remark
have h1 : n + 0 = n := by
  simp only [
    Nat.add_zero]
  done
have h2 : 1 = 1 := rfl
constructor
· exact h1
· have h3 : n = n := by rfl
  exact h3
all_goals simp
exact foo (by omega) ?_ (by
  intro x
  simp)";
        insta::assert_snapshot!(shown(&cut(proof), 0), @r"
        0: intro n h
        2: open have h1 : n + 0 = n := ?_ (1)
         0
          3: simp only [ …
          5: done
        6: have h2 : 1 = 1 := rfl
        7: constructor
        8: bullet []
          8: exact h1
        9: bullet []
          9: open have h3 : n = n := ?_ (1)
           0
            9: rfl
          10: exact h3 …
        12: open refine foo (?_) ?_ (?_) (3)
         0
          12: omega
         2
          13: intro x
          14: simp
        ");
    }

    #[test]
    fn alternatives_and_calculations_are_blocks() {
        let proof = "\
induction n with
| zero => simp
| succ n ih =>
  rw [ih]
  cases h with
  | inl a => exact a
  | inr b =>
    sorry
calc a = b := by rw [h]
  _ = c := by
    simp
    omega
  _ = d := h3
case pos x y =>
  exact x
next => skip
obtain ⟨x, hx⟩ : ∃ x : Nat, x = n := by
  exact ⟨n, rfl⟩
match n with
| 0 => rfl
| k + 1 => omega
sorry";
        insta::assert_snapshot!(shown(&cut(proof), 0), @r#"
        0: open induction n with⏎| zero => ?_⏎| succ n ih =>⏎  ?_ (2)
         0
          1: simp
         1
          3: rw [ih]
          4: open cases h with⏎| inl a => ?_⏎| inr b =>⏎  ?_ (2)
           0
            5: exact a
           1
            7: gap
        8: open calc a = b := ?_⏎  _ = c := ?_⏎  _ = d := h3 (2)
         0
          8: rw [h]
         1
          10: simp
          11: omega
        13: case pos ["x", "y"]
          14: exact x
        15: bullet []
          15: skip
        16: open have fact : ∃ x : Nat, x = n := ?_ (1)
         0
          17: exact ⟨n, rfl⟩
        16: obtain ⟨x, hx⟩ := fact
        18: open match n with⏎| 0 => ?_⏎| k + 1 => ?_ (2)
         0
          19: rfl
         1
          20: omega
        21: gap
        "#);
    }

    #[test]
    fn any_text_can_be_cut() {
        for text in [
            "",
            "   ",
            "\n\n",
            "by",
            "· ",
            "·",
            "have h := by",
            "exact (",
            "/- open",
            "case =>",
            "|",
            "\"open",
            "obtain ⟨x : T := by y",
            "calc",
            "sorry sorry",
        ] {
            let _ = cut(text);
        }
    }

    proptest::proptest! {
        #[test]
        fn cutting_never_panics(text in "(have |by|:=|\n|  |· |case |=> |\\| |x |\\(|\\)|⟨|⟩|sorry|calc |, |/-|-/|--|\"|exact |obtain |: |match |with)*") {
            let _ = cut(&text);
        }
    }
}
