//! What only Lean can tell of a statement: whether it elaborates, and what usually means that it says something else
//! than it should. All statements of one header are asked about together.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::header::{Finding, Kind, Severity, look};
use crate::lean::syntax::{Kind as Sort, Token, tokens};
use crate::lean::{Batch, Candidate, Goal, Hole, Pool, Verdict};
use crate::problem::Problem;
use crate::source::Statement;

/// Budget of one statement's elaboration, in Lean's `maxHeartbeats`.
const HEARTBEATS: u64 = 200_000;
/// Budget of one try to find a contradiction.
const TRY: u64 = 8_000;
/// What may find that hypotheses contradict each other, whatever is to be shown.
const TRIES: &[&str] = &["exfalso\nomega", "exfalso\nsimp_all", "exfalso\ngrind"];
/// Why a `lemma` cannot be accepted where nobody has brought the word.
pub const LEMMA_UNKNOWN: &str =
    "Lean does not know the word `lemma` here: it is Mathlib's; write `theorem`, or import Mathlib where it is there";

/// What Lean says of a statement.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Of `skip` in the place of its proof: goals, when the statement elaborates.
    pub verdict: Verdict,
    pub warnings: Vec<Finding>,
}

/// Asks about statements that stand behind the same header.
pub async fn inspect(pool: &Pool, header: &str, problems: &[&Problem]) -> Vec<Seen> {
    let mut before = header.to_owned();
    let universes: BTreeSet<String> = problems
        .iter()
        .map(|p| p.statement.universe_command())
        .flat_map(|c| c.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    if !universes.is_empty() {
        before.push_str(&format!("\nuniverse {}\n", universes.into_iter().collect::<Vec<_>>().join(" ")));
    }
    let ask = async |candidates: Vec<Candidate>| pool.check(Batch { header: before.trim_end().into(), candidates }).await;
    let verdicts = ask(problems.iter().map(|p| probe(Hole::whole(&p.statement.as_example()))).collect()).await;
    let mut seen: Vec<Seen> = verdicts.into_iter().map(|verdict| Seen { verdict, warnings: Vec::new() }).collect();

    let lemmas: Vec<(usize, Candidate)> =
        problems.iter().enumerate().filter_map(|(i, p)| Some((i, lemma_probe(&p.statement)?))).collect();
    let known = ask(lemmas.iter().map(|(_, c)| c.clone()).collect()).await;
    for ((i, _), verdict) in lemmas.iter().zip(known) {
        if lemma_is_unknown(&verdict) {
            seen[*i].verdict = Verdict::Failed(LEMMA_UNKNOWN.into());
        }
    }

    let good: Vec<usize> = (0..seen.len()).filter(|&i| matches!(seen[i].verdict, Verdict::Goals(_))).collect();
    // Lean prints which type a numeral has when it is asked to.
    let typed = |p: &Problem| Hole::whole(&format!("set_option pp.numericTypes true in\n{}", p.statement.as_example()));
    let shown = ask(good.iter().map(|&i| probe(typed(problems[i]))).collect()).await;
    // An axiom, or a macro over what tries, would have a hand in it.
    let bent = look(header, "").iter().any(|f| matches!(f.kind, Kind::Axiom | Kind::Sorry | Kind::Syntax));
    let tries: Vec<(usize, Candidate)> = good
        .iter()
        .filter(|_| !bent)
        .filter(|&&i| matches!(&seen[i].verdict, Verdict::Goals(goals) if goals.iter().any(|g| !g.hypotheses.is_empty())))
        .flat_map(|&i| {
            let hole = Arc::new(Hole::whole(&problems[i].statement.as_example()));
            let each = move |t: &&str| (i, Candidate::new(hole.clone(), (*t).to_owned(), TRY));
            TRIES.iter().map(each).collect::<Vec<_>>()
        })
        .collect();
    let tried = ask(tries.iter().map(|(_, c)| c.clone()).collect()).await;
    let contradictory: BTreeSet<usize> =
        tries.iter().zip(tried).filter(|(_, v)| *v == Verdict::Closed).map(|((i, _), _)| *i).collect();
    for (&i, shown) in good.iter().zip(&shown) {
        let Verdict::Goals(goals) = &seen[i].verdict else { continue };
        let mut warnings: Vec<Finding> = auto_bound(problems[i], goals).into_iter().collect();
        if contradictory.contains(&i) {
            let text = "the hypotheses contradict each other: anything follows".to_owned();
            warnings.push(Finding { kind: Kind::Contradiction, severity: Severity::Warned, text });
        }
        if let Verdict::Goals(goals) = shown {
            warnings.extend(goals.iter().flat_map(|g| arithmetic(&g.to_string())).take(1));
        }
        seen[i].warnings = warnings;
    }
    seen
}

fn probe(hole: Hole) -> Candidate {
    Candidate::new(Arc::new(hole), "skip".to_owned(), HEARTBEATS)
}

/// The question whether `lemma` is a command here; `None` for statements without the word. A copy without name does
/// not tell.
pub fn lemma_probe(statement: &Statement) -> Option<Candidate> {
    let words = tokens(&statement.text).unwrap_or_default();
    let keyword = words.iter().map(|t| t.text).find(|t| ["theorem", "lemma", "example"].contains(t));
    (keyword == Some("lemma")).then(|| probe(Hole { scoped: true, ..Hole::whole(&statement.text) }))
}

/// Whether the answer to [`lemma_probe`] is that Lean finds no command there.
pub fn lemma_is_unknown(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Failed(message) if message.contains("expected command") || message.contains("'lemma'"))
}

/// Names in the goal that no binder of the statement and no `variable` of the header brings.
fn auto_bound(problem: &Problem, goals: &[Goal]) -> Option<Finding> {
    let signature = tokens(problem.statement.signature()).unwrap_or_default();
    let header = tokens(&problem.header).unwrap_or_default();
    let mut bound = binders(&signature);
    for (i, _) in header.iter().enumerate().filter(|(_, t)| t.text == "variable") {
        bound.extend(binders(&header[i + 1..]));
    }
    let names = goals.iter().take(1).flat_map(|g| &g.hypotheses).flat_map(|h| &h.names);
    let new: Vec<String> =
        names.filter(|n| !bound.contains(n.as_str()) && !n.contains('✝') && *n != "this").map(|n| format!("`{n}`")).collect();
    let text = format!("{} is bound by Lean itself, for it is declared nowhere: is it misspelt?", new.join(", "));
    (!new.is_empty()).then_some(Finding { kind: Kind::AutoBound, severity: Severity::Warned, text })
}

/// The names that brackets before the first `:` outside of them bring.
fn binders<'a>(code: &[Token<'a>]) -> BTreeSet<&'a str> {
    let (mut found, mut depth, mut naming) = (BTreeSet::new(), 0usize, false);
    for token in code.iter().filter(|t| t.kind != Sort::Comment) {
        match token.kind {
            Sort::Open => {
                naming = depth == 0 || naming;
                depth += 1;
            }
            Sort::Close => depth = depth.saturating_sub(1),
            Sort::Symbol if depth == 0 => break,
            Sort::Symbol if token.text == ":" => naming = false,
            Sort::Name if naming || depth == 0 => {
                found.insert(token.text);
            }
            _ => {}
        }
    }
    found
}

/// Division and subtraction of natural numbers with a literal in them, in a goal whose numerals show their types.
fn arithmetic(goal: &str) -> Option<Finding> {
    // Lean prints the quotient of two literals in a bracket of its own.
    static QUOTIENT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\((\d+) / (\d+) : (Nat|ℕ)\)").expect("fixed"));
    let goal = &QUOTIENT.replace_all(goal, "($1 : $3) / ($2 : $3)");
    static OPERATION: LazyLock<Regex> = LazyLock::new(|| {
        let literal = r"\((\d+) : (?:Nat|ℕ)\)";
        Regex::new(&format!(r"(?:{literal}|[\w.'✝)\]]+) ([-/]) (?:{literal}|[\w.'✝(\[]+)")).expect("fixed")
    });
    let number = |text: &str| text.parse::<u128>().ok();
    OPERATION.captures_iter(goal).find_map(|found| {
        let (a, b) = (found.get(1).map(|m| m.as_str()), found.get(3).map(|m| m.as_str()));
        let divides = &found[2] == "/";
        match (a.map(number), b.map(number)) {
            (None, None) => return None,
            // What comes out is what it should be.
            (Some(Some(a)), Some(Some(b))) if divides && b > 0 && a % b == 0 || !divides && a >= b => return None,
            _ => {}
        }
        let what = if divides {
            "division of natural numbers drops the remainder"
        } else {
            "subtraction of natural numbers stops at 0"
        };
        let part = found[0].replace(" : Nat)", ")").replace(" : ℕ)", ")");
        let text = format!("{what}: `{}`", LITERAL.replace_all(&part, "$1"));
        Some(Finding { kind: Kind::Arithmetic, severity: Severity::Warned, text })
    })
}

static LITERAL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\((\d+)\)").expect("fixed"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nothing_declares_are_found() {
        let warned = |header: &str, statement: &str, goal: &str| {
            let problem = Problem::from_statement(header, statement).unwrap();
            auto_bound(&problem, &[Goal::parse(goal).unwrap()]).map(|f| f.text)
        };
        let goal = "x : Nat\nf : Nat → Nat\nh : f x = x\n⊢ f (f x) = x";
        let found = warned("", "theorem t (f : Nat → Nat) (h : f x = x) : f (f x) = x", goal).unwrap();
        assert!(found.starts_with("`x` is bound"), "{found}");
        assert_eq!(warned("variable (x : Nat)", "theorem t (f : Nat → Nat) (h : f x = x) : f (f x) = x", goal), None);
        assert_eq!(warned("", "theorem t {x : Nat} (f : Nat → Nat) (h : f x = x) : f (f x) = x", goal), None);
        assert_eq!(
            warned("", "theorem t (α : Type) [inst : Add α] (a b : α) : a = b", "α : Type\ninst : Add α\na b : α\n⊢ a = b"),
            None
        );
    }

    #[test]
    fn arithmetic_that_rounds_is_found() {
        for (goal, part) in [
            ("⊢ (3 : Nat) / (5 : Nat) = (0 : Nat)", Some("`3 / 5`")),
            ("⊢ (3 / 5 : ℕ) = (0 : ℕ)", Some("`3 / 5`")),
            ("⊢ (6 / 3 : Nat) = (2 : Nat)", None),
            ("n : ℕ\n⊢ n - (1 : ℕ) < n", Some("`n - 1`")),
            ("n : ℕ\n⊢ (1 : ℕ) / n = (0 : ℕ)", Some("`1 / n`")),
            ("⊢ (6 : Nat) / (3 : Nat) = (2 : Nat)", None),
            ("⊢ (3 : ℝ) / (5 : ℝ) = (0 : ℝ)", None),
            ("a b : Nat\n⊢ a - b ≤ a", None),
            ("⊢ (5 : Nat) - (3 : Nat) = (2 : Nat)", None),
            ("⊢ (3 : Nat) - (5 : Nat) = (0 : Nat)", Some("`3 - 5`")),
        ] {
            let found = arithmetic(goal).map(|f| f.text);
            assert_eq!(found.is_some(), part.is_some(), "{goal}: {found:?}");
            assert!(found.is_none_or(|f| f.ends_with(part.unwrap())), "{goal}");
        }
    }
}
