//! Numbers within bounds: find the bounds, prove them, try every value.

use super::candidate::{Family, List};
use super::shape::{Entry, entries, fresh, is_proposition, number_type, numerals, speaks_of_a_number, split_top};
use crate::lean::Goal;
use crate::lean::goal::{is_inaccessible, mentions};

/// Most values tried one by one.
const MOST_VALUES: i64 = 120;
/// Most combinations given to the kernel to evaluate.
const MOST_COMBINATIONS: i64 = 20_000;

/// The literal bounds of a number, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    pub low: Option<i64>,
    pub high: Option<i64>,
}

impl Bounds {
    fn values(self) -> Option<(i64, i64)> {
        Some((self.low?, self.high?)).filter(|(low, high)| (0..MOST_VALUES).contains(&(high - low)))
    }
}

/// What the hypotheses say of `x`, conjunctions included; a natural number is at least zero.
pub fn bounds(goal: &Goal, x: &str, kind: &str) -> Bounds {
    let mut found = Bounds { low: (kind == "Nat").then_some(0), high: None };
    for hypothesis in &goal.hypotheses {
        let mut stack = vec![hypothesis.ty.as_str()];
        while let Some(ty) = stack.pop() {
            if let Some((left, right)) = split_top(ty, " ∧ ") {
                stack.extend([left, right]);
                continue;
            }
            let relation = |op| split_top(ty, op).map(|(l, r)| (l.trim(), r.trim()));
            // As `small op large`.
            let ordered =
                [(" < ", 1), (" ≤ ", 0)].iter().find_map(|&(op, strict)| relation(op).map(|(l, r)| (l, r, strict))).or_else(
                    || [(" > ", 1), (" ≥ ", 0)].iter().find_map(|&(op, strict)| relation(op).map(|(l, r)| (r, l, strict))),
                );
            match ordered {
                Some((low, name, strict)) if name == x => {
                    if let Ok(low) = low.parse::<i64>() {
                        found.low = found.low.max(Some(low + strict));
                    }
                }
                Some((name, high, strict)) if name == x => {
                    if let Ok(high) = high.parse::<i64>() {
                        found.high = Some(found.high.map_or(high - strict, |h| h.min(high - strict)));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// A number of the goal: name, type (`Nat` or `Int`) and what bounds it.
struct Number<'a> {
    name: &'a str,
    kind: &'static str,
    known: Bounds,
}

/// The steps of this module.
pub fn steps(goal: &Goal, list: &mut List) {
    list.begin(Family::Bounds);
    let all = entries(goal);
    let numbers: Vec<Number> = all
        .iter()
        .filter_map(|e| {
            let kind = number_type(e.ty)?;
            Some(Number { name: e.name, kind, known: bounds(goal, e.name, kind) })
        })
        .take(5)
        .collect();
    let share = 1.0 / (numbers.len().max(1) as f64).sqrt();
    for number in &numbers {
        if number.known.high.is_some() {
            try_values(goal, number, share, list);
        }
    }
    // A bound follows from what hypotheses say of numbers, and from nothing else.
    let stated = goal.hypotheses.iter().any(|h| speaks_of_a_number(&h.ty));
    let mut limits = vec![10u64, 30];
    limits.extend(numerals(goal).into_iter().filter(|n| *n < MOST_VALUES as u64).max().filter(|n| *n > 30));
    for (i, limit) in limits.into_iter().enumerate().filter(|_| stated) {
        let p = share * (1.0 - 0.2 * i as f64);
        let mut everything = Vec::new();
        for number in numbers.iter().filter(|n| n.known.high.is_none()) {
            let Some(steps) = bound(goal, number, limit + 1, &numbers) else { continue };
            for (i, step) in steps.iter().enumerate() {
                list.add(0.12 * p / (1.0 + i as f64), step.clone());
            }
            everything.extend(steps.into_iter().next().map(|step| (step, bound_name(goal, number.name))));
        }
        // All bounds, and the values at once.
        if everything.is_empty() {
            continue;
        }
        let assumed: Vec<Number> = numbers
            .iter()
            .map(|n| Number { known: Bounds { high: n.known.high.or(Some(limit as i64)), ..n.known }, ..*n })
            .collect();
        let (steps, names): (Vec<String>, Vec<String>) = everything.into_iter().unzip();
        if let Some(evaluation) = evaluation(goal, &all, &assumed, &names) {
            list.add(0.2 * p, format!("{}\n{evaluation}", steps.join("\n")));
        }
    }
    if let Some(evaluation) = evaluation(goal, &all, &numbers, &[]) {
        list.add(0.25, evaluation);
    }
}

/// Every value between known bounds; a lower bound that is not known is hoped to be zero.
fn try_values(goal: &Goal, number: &Number, share: f64, list: &mut List) {
    let &Number { name: x, kind, known } = number;
    let guess = Bounds { low: known.low.or(Some(0)), ..known };
    let Some((low, high)) = guess.values() else { return };
    let h = fresh(goal, "h", &mut Vec::new());
    let few = high - low <= 12;
    list.add(if few { 0.30 } else { 0.20 } * share, tree(x, kind, &h, low, high, "omega"));
    list.add(if few { 0.15 } else { 0.03 } * share, tree(x, kind, &h, low, high, "first | omega | grind | simp_all"));
}

/// Halves a range until one value is left. (One split into all values takes time in the cube of their number.)
pub fn tree(x: &str, kind: &str, h: &str, low: i64, high: i64, leaf: &str) -> String {
    let lemma = if kind == "Nat" { "Nat.lt_or_ge" } else { "Int.lt_or_le" };
    let literal = |v: i64| if v < 0 { format!("({v})") } else { v.to_string() };
    fn grow(
        out: &mut String,
        pad: usize,
        low: i64,
        high: i64,
        split: &dyn Fn(i64) -> String,
        end: &dyn Fn(i64) -> Vec<String>,
    ) {
        let indent = " ".repeat(pad);
        let mut line = |text: &str| out.push_str(&format!("{text}\n{indent}"));
        if low == high {
            end(low).iter().for_each(|l| line(l));
            out.truncate(out.trim_end().len());
            return;
        }
        let middle = low + (high - low) / 2 + 1;
        line(&split(middle));
        for (low, high) in [(low, middle - 1), (middle, high)] {
            out.push_str("· ");
            grow(out, pad + 2, low, high, split, end);
            out.push_str(&format!("\n{indent}"));
        }
        out.truncate(out.trim_end().len());
    }
    // In `first`, so that the first value that fails ends it: Lean goes on to the next bullet otherwise.
    let mut text = String::from("first\n| ");
    let split = |middle: i64| format!("rcases {lemma} {x} {} with {h} | {h}", literal(middle));
    let end = |value: i64| vec![format!("obtain rfl : {x} = {} := by omega", literal(value)), leaf.to_owned()];
    grow(&mut text, 2, low, high, &split, &end);
    text
}

/// Steps that show `x < limit` (for an integer without a lower bound, `-limit < x` too), best first, where an equation
/// of higher degree makes it so: beyond the limit, every monomial in the excess is positive.
fn bound(goal: &Goal, number: &Number, limit: u64, numbers: &[Number]) -> Option<Vec<String>> {
    let &Number { name: x, kind, known } = number;
    let about: Vec<&str> = goal.hypotheses.iter().map(|h| h.ty.as_str()).filter(|t| mentions(t, x)).collect();
    if !about.iter().any(|t| t.contains(['*', '^']) && t.contains(['=', '≤', '<'])) {
        return None;
    }
    let h = bound_name(goal, x);
    let assume = format!("have {h} : {x} < {limit} := by\n  apply Classical.byContradiction\n  intro hc\n");
    if let Some(base) = exponent_base(&about, x) {
        let others = numbers.iter().filter(|y| y.name != x);
        let positive = others.filter_map(|y| Some((y.name, exponent_base(&about, y.name)?)));
        let mut proof = format!("  have hp := Nat.pow_le_pow_right (show 0 < {base} by decide) (Nat.le_of_not_lt hc)\n");
        for (i, (y, base)) in positive.enumerate() {
            let lemma = format!("Nat.pow_pos (n := {y}) (show 0 < {base} by decide)");
            proof.push_str(&format!(
                "  have hm{i} := Nat.mul_le_mul hp ({lemma})\n  have hn{i} := Nat.mul_le_mul ({lemma}) hp\n"
            ));
        }
        return Some(vec![format!("{assume}{proof}  omega")]);
    }
    if kind == "Nat" {
        let shift = "  obtain ⟨t, rfl⟩ := Nat.exists_eq_add_of_le (Nat.le_of_not_lt hc)\n";
        let mut steps = vec![format!("{assume}{shift}  grind")];
        if let Some(y) = numbers.iter().find(|y| y.name != x && y.kind == "Nat") {
            steps.push(format!("{assume}{shift}  cases {} <;> grind", y.name));
        }
        return Some(steps);
    }
    let excess = "Int.sub_nonneg_of_le (Int.not_lt.mp hc)";
    let mut products =
        format!("  have hs := Int.mul_nonneg ({excess}) ({excess})\n  have ht := Int.mul_nonneg hs ({excess})\n");
    for (i, (name, strict)) in inequalities(goal).into_iter().enumerate() {
        let other = if strict { "Int.le_of_lt (Int.sub_pos_of_lt" } else { "(Int.sub_nonneg_of_le" };
        products.push_str(&format!("  have hm{i} := Int.mul_nonneg ({excess}) ({other} {name}))\n"));
    }
    let above = format!("{assume}{products}  grind");
    if known.low.is_some() {
        return Some(vec![above]);
    }
    let low = fresh(goal, &format!("h{x}"), &mut vec![h]);
    let below = format!("have {low} : -{limit} < {x} := by\n  apply Classical.byContradiction\n  intro hc\n{products}  grind");
    Some(vec![format!("{above}\n{below}"), above])
}

fn bound_name(goal: &Goal, x: &str) -> String {
    fresh(goal, &format!("h{x}"), &mut Vec::new())
}

/// Hypotheses that are one inequality: their names, and whether they are strict.
pub fn inequalities(goal: &Goal) -> Vec<(&str, bool)> {
    let single = |ty: &str, op: &str| ty.matches(op).count() == 1 && !ty.contains(['∧', '∨', '→', '∀', '∃', '↔']);
    let all = goal.hypotheses.iter().flat_map(|h| h.names.iter().map(|n| (n.as_str(), h.ty.as_str())));
    let found = all.filter(|(n, _)| !is_inaccessible(n)).filter_map(|(n, ty)| {
        [(" < ", true), (" ≤ ", false)].into_iter().find(|(op, _)| single(ty, op)).map(|(_, strict)| (n, strict))
    });
    found.take(4).collect()
}

/// The literal `b` where a text holds `b ^ x`.
fn exponent_base(texts: &[&str], x: &str) -> Option<u64> {
    texts.iter().find_map(|text| {
        let at = text
            .match_indices(&format!("^ {x}"))
            .find(|(at, found)| !text[at + found.len()..].starts_with(|c: char| c.is_alphanumeric() || "_'.".contains(c)))?;
        let base = text[..at.0].trim_end().rsplit(|c: char| !c.is_ascii_digit()).next()?;
        base.parse().ok().filter(|b| *b > 1)
    })
}

/// A tactic that evaluates a statement about bounded naturals at all of them, in the kernel. `shown`: names of bounds
/// that stand in the context when it runs, and not in the goal yet.
fn evaluation(goal: &Goal, all: &[Entry], numbers: &[Number], shown: &[String]) -> Option<String> {
    let others = all.iter().any(|e| !is_proposition(e.ty) && number_type(e.ty) != Some("Nat"));
    if numbers.is_empty() || others || goal.names().any(is_inaccessible) {
        return None;
    }
    let highs: Vec<i64> = numbers.iter().map(|n| n.known.high).collect::<Option<_>>()?;
    let combinations = highs.iter().try_fold(1i64, |n, h| n.checked_mul(h.checked_add(1)?))?;
    if combinations > MOST_COMBINATIONS {
        return None;
    }
    let mut text = String::new();
    let mut taken = shown.to_vec();
    let mut named = Vec::new();
    for (number, high) in numbers.iter().zip(highs) {
        let h = fresh(goal, "hb", &mut taken);
        text.push_str(&format!("have {h} : {} < {} := by omega\n", number.name, high + 1));
        named.push((h, number.name));
    }
    // A bound that stood there would come between a number and the bound by which Lean counts.
    let is_bound = |ty: &str| numbers.iter().any(|n| [" < ", " ≤ "].iter().any(|op| is_limit(ty, n.name, op)));
    let (limits, propositions): (Vec<&Entry>, Vec<&Entry>) =
        all.iter().filter(|e| is_proposition(e.ty)).partition(|e| is_bound(e.ty));
    let propositions: Vec<&str> = propositions.iter().map(|e| e.name).collect();
    let limits: Vec<&str> = limits.iter().map(|e| e.name).chain(shown.iter().map(String::as_str)).collect();
    if !limits.is_empty() {
        text.push_str(&format!("clear {}\n", limits.join(" ")));
    }
    if !propositions.is_empty() {
        text.push_str(&format!("revert {}\n", propositions.join(" ")));
    }
    for (h, x) in named {
        text.push_str(&format!("revert {h}\nrevert {x}\n"));
    }
    Some(format!("{text}decide +kernel"))
}

/// Whether a type is `x op literal`.
fn is_limit(ty: &str, x: &str, op: &str) -> bool {
    split_top(ty, op).is_some_and(|(left, right)| left.trim() == x && right.trim().parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bound_is_guessed_where_no_hypothesis_gives_one() {
        let made = |text: &str| {
            let mut list = List::default();
            steps(&Goal::parse(text).unwrap(), &mut list);
            list.tactics().len()
        };
        assert_eq!(made("a b : Nat\nh₁ : a ≤ b\n⊢ a + 5 ≤ b + 10"), 0);
        assert!(made("a b : Nat\nh₁ : a * a + b * b ≤ 20\n⊢ a + 5 ≤ b + 10") > 0);
    }

    #[test]
    fn bounds_are_read_from_hypotheses() {
        let goal = Goal::parse("x y : Int\nn : Nat\nh : 1 ≤ x ∧ x < 10\ng : y > -3\nk : n ≤ 7\n⊢ p").unwrap();
        assert_eq!(bounds(&goal, "x", "Int"), Bounds { low: Some(1), high: Some(9) });
        assert_eq!(bounds(&goal, "y", "Int"), Bounds { low: Some(-2), high: None });
        assert_eq!(bounds(&goal, "n", "Nat"), Bounds { low: Some(0), high: Some(7) });
    }

    #[test]
    fn a_tree_has_a_leaf_for_each_value() {
        let text = tree("m", "Int", "h", -1, 3, "omega");
        assert_eq!(text.matches("obtain rfl").count(), 5);
        assert!(text.starts_with("first\n| rcases Int.lt_or_le m 2 with h | h\n  · rcases"), "{text}");
        assert!(text.lines().skip(1).all(|l| !l.trim().is_empty()));
    }

    #[test]
    fn bases_of_exponents_are_found() {
        assert_eq!(exponent_base(&["2 ^ x * 3 ^ y = 1296"], "y"), Some(3));
        assert_eq!(exponent_base(&["2 ^ xy = 1"], "x"), None);
        assert_eq!(exponent_base(&["a ^ x = 1"], "x"), None);
    }
}
