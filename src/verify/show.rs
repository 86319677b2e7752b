//! Differences between compiled constants, in words that a reader of the two files understands.

use anyhow::Result;

use super::meaning::World;
use crate::library::Kind;
use crate::library::olean::Field;
use crate::library::olean::whole::{Level, Term};

/// Longest term that is printed, in characters.
const LONGEST: usize = 240;
/// Deepest part of a term that is printed.
const DEEPEST: usize = 24;

/// A kind with its article.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Axiom => "an axiom",
        Kind::Definition => "a definition",
        Kind::Theorem => "a theorem",
        Kind::Opaque => "an opaque constant",
        Kind::Quotient => "a quotient",
        Kind::Inductive => "an inductive type",
        Kind::Constructor => "a constructor",
        Kind::Recursor => "a recursor",
    }
}

/// A name as its file has it: what is private carries the file's name inside Lean.
pub fn user_name(name: &str) -> &str {
    name.strip_prefix("_private.").and_then(|rest| rest.split_once(".0.")).map_or(name, |(_, own)| own)
}

/// Text that reaches a terminal: control characters and those that hide or turn text are written out.
///
/// ```
/// assert_eq!(qstar::verify::printable("a\u{1b}[2J"), "a\\u{1b}[2J");
/// ```
pub fn printable(text: &str) -> String {
    let odd = |c: char| (c.is_control() && c != '\n' && c != '\t') || crate::lean::guard::hides(c);
    text.chars().map(|c| if odd(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// The first place where a constant of the original and its namesake differ, the original's side first.
///
/// # Errors
/// When a file is broken.
pub fn difference(original: &mut World<'_>, candidate: &mut World<'_>, name: &str) -> Result<String> {
    let (Some(ours), Some(theirs)) = (original.own(name).cloned(), candidate.own(name).cloned()) else {
        return Ok("it is in one of the two files only".into());
    };
    if ours.kind != theirs.kind {
        return Ok(format!("{} there, {} here", kind(ours.kind), kind(theirs.kind)));
    }
    if ours.universes.len() != theirs.universes.len() {
        return Ok(format!("{} universe parameters there, {} here", ours.universes.len(), theirs.universes.len()));
    }
    let pairs = [(Some(ours.ty), Some(theirs.ty)), (ours.value, theirs.value)];
    for (a, b) in pairs.into_iter().filter_map(|(a, b)| Some((a?, b?))) {
        if let Some((a, b)) = apart(original, candidate, a, b)? {
            let changed = match (original.file_mut().term(a)?, candidate.file_mut().term(b)?) {
                // The names are equal and what they mean is not.
                (Term::Constant(x, _), Term::Constant(y, _)) if x == y => {
                    return Ok(format!("`{}` means something else here", user_name(&x)));
                }
                _ => (term(original, a)?, term(candidate, b)?),
            };
            return Ok(format!("`{}` there, `{}` here", changed.0, changed.1));
        }
    }
    Ok("something that it reaches differs".into())
}

/// The outermost parts of two terms that differ though what stands around them is equal.
fn apart(original: &mut World<'_>, candidate: &mut World<'_>, a: usize, b: usize) -> Result<Option<(usize, usize)>> {
    let (mut a, mut b) = (a, b);
    loop {
        let (x, y) = (original.file_mut().term(a)?, candidate.file_mut().term(b)?);
        match (&x, &y) {
            (Term::Metadata(inner), _) => {
                a = *inner;
                continue;
            }
            (_, Term::Metadata(inner)) => {
                b = *inner;
                continue;
            }
            _ => {}
        }
        let parts = |t: &Term| -> Option<Vec<usize>> {
            Some(match *t {
                Term::Apply(p, q) | Term::Lambda(_, p, q) | Term::Pi(_, p, q) => vec![p, q],
                Term::Let(_, p, q, r) => vec![p, q, r],
                Term::Project(_, _, p) => vec![p],
                _ => return None,
            })
        };
        if std::mem::discriminant(&x) != std::mem::discriminant(&y) {
            return Ok(Some((a, b)));
        }
        let (Some(p), Some(q)) = (parts(&x), parts(&y)) else { return Ok(Some((a, b))) };
        let mut next = None;
        for (&p, &q) in p.iter().zip(&q) {
            if original.loose_meaning(p)? != candidate.loose_meaning(q)? {
                next = Some((p, q));
                break;
            }
        }
        match next {
            Some(found) => (a, b) = found,
            None => return Ok(None),
        }
    }
}

/// A term in Lean's way, without notations; cut off where it is long.
pub fn term(world: &mut World<'_>, at: usize) -> Result<String> {
    let mut text = String::new();
    write(world, at, &mut Vec::new(), DEEPEST, &mut text)?;
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).collect::<String>() + "…";
    }
    Ok(printable(&text))
}

fn write(world: &mut World<'_>, at: usize, bound: &mut Vec<String>, depth: usize, text: &mut String) -> Result<()> {
    if depth == 0 || text.len() > 4 * LONGEST {
        text.push('…');
        return Ok(());
    }
    match world.file_mut().term(at)? {
        Term::Bound(index) => {
            let place = bound.len().checked_sub(1 + usize::try_from(index)?);
            text.push_str(place.map_or("_", |p| &bound[p]));
        }
        Term::Free(name) => text.push_str(&name),
        Term::Sort(level) => match level {
            Field::Small(_) => text.push_str("Prop"),
            level => match world.file_mut().level(level)? {
                Level::Succ(Field::Small(_)) => text.push_str("Type"),
                _ => text.push_str("Sort _"),
            },
        },
        Term::Constant(name, _) => text.push_str(user_name(&name)),
        Term::Apply(function, argument) => {
            text.push('(');
            let mut spine = vec![argument];
            let mut head = function;
            while let Term::Apply(f, a) = world.file_mut().term(head)? {
                spine.push(a);
                head = f;
            }
            write(world, head, bound, depth - 1, text)?;
            for argument in spine.into_iter().rev() {
                text.push(' ');
                write(world, argument, bound, depth - 1, text)?;
            }
            text.push(')');
        }
        node @ (Term::Lambda(..) | Term::Pi(..)) => {
            let sign = if matches!(node, Term::Pi(..)) { '∀' } else { 'λ' };
            let (Term::Lambda(name, ty, body) | Term::Pi(name, ty, body)) = node else { return Ok(()) };
            text.push_str(&format!("({sign} {name} : "));
            write(world, ty, bound, depth - 1, text)?;
            text.push_str(", ");
            bound.push(name);
            write(world, body, bound, depth - 1, text)?;
            bound.pop();
            text.push(')');
        }
        Term::Let(name, _, value, body) => {
            text.push_str(&format!("(let {name} := "));
            write(world, value, bound, depth - 1, text)?;
            text.push_str("; ");
            bound.push(name);
            write(world, body, bound, depth - 1, text)?;
            bound.pop();
            text.push(')');
        }
        Term::Number(bytes) if bytes.len() <= 8 => {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(&bytes);
            text.push_str(&u64::from_le_bytes(word).to_string());
        }
        Term::Number(bytes) => text.push_str(&format!("a number of {} bytes", bytes.len())),
        Term::Text(string) => text.push_str(&format!("{string:?}")),
        Term::Metadata(inner) => write(world, inner, bound, depth, text)?,
        Term::Project(_, field, value) => {
            write(world, value, bound, depth - 1, text)?;
            text.push_str(&format!(".{}", field + 1));
        }
    }
    Ok(())
}
