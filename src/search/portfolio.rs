//! The portfolio: strong tactics with priors that look at the goal. The policy that every network must beat.
//!
//! General steps only; nothing here knows a theorem. Priors are guesses of how often a tactic is the next step.

use super::policy::{Policy, Proposal};
use super::shape::{self, Entry, Shape, entries, fresh, is_proposition, moduli, number_type, shape, split_top};
use crate::lean::Goal;
use crate::lean::goal::is_inaccessible;
use crate::lean::syntax::{Kind, tokens};

/// Proposals kept for one goal.
const MOST: usize = 70;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Portfolio {
    /// Definitions of the header, to be unfolded where a goal mentions them.
    definitions: Vec<String>,
}

impl Portfolio {
    /// A portfolio that knows the definitions in a header.
    pub fn for_header(header: &str) -> Portfolio {
        let definitions = definitions(header);
        Portfolio { definitions }
    }
}

impl Policy for Portfolio {
    fn propose(&self, states: &[&[Goal]]) -> Vec<Vec<Proposal>> {
        states.iter().map(|state| state.first().map_or_else(Vec::new, |goal| propose(goal, &self.definitions))).collect()
    }
}

/// Proposals as they are gathered, with their probabilities.
struct List(Vec<(String, f64)>);

impl List {
    fn add(&mut self, probability: f64, tactic: impl Into<String>) {
        self.0.push((tactic.into(), probability));
    }
}

fn propose(goal: &Goal, definitions: &[String]) -> Vec<Proposal> {
    let mut list = List(Vec::new());
    unfolding(goal, definitions, &mut list);
    closers(&mut list);
    target_steps(goal, &mut list);
    hypothesis_steps(goal, &mut list);
    induction_steps(goal, &mut list);
    arithmetic_steps(goal, &mut list);
    names(goal, &mut list);
    let mut seen = std::collections::HashSet::new();
    list.0.retain(|(tactic, _)| seen.insert(tactic.clone()));
    list.0.sort_by(|a, b| b.1.total_cmp(&a.1));
    list.0.truncate(MOST);
    list.0.into_iter().map(|(tactic, p)| Proposal { tactic, log_prior: p.ln() }).collect()
}

/// Tactics that try to end a goal.
fn closers(list: &mut List) {
    for (p, tactic) in [
        (0.30, "rfl"),
        (0.60, "omega"),
        (0.55, "grind"),
        (0.40, "simp_all"),
        (0.30, "decide"),
        (0.20, "assumption"),
        (0.22, "simp"),
        (0.12, "decide +kernel"),
        (0.10, "simp_all\nomega"),
        (0.10, "simp at *\nomega"),
        (0.05, "simp [Nat.mul_add, Nat.add_mul, Nat.pow_succ] at *\nomega"),
        (0.04, "norm_cast at *\nomega"),
        (0.04, "exact?"),
        (0.03, "contradiction"),
        (0.03, "exfalso\ngrind"),
    ] {
        list.add(p, tactic);
    }
}

/// Steps that open the user's own definitions.
fn unfolding(goal: &Goal, definitions: &[String], list: &mut List) {
    let text = goal.to_string();
    let words: std::collections::HashSet<&str> = text.split(|c: char| !(c.is_alphanumeric() || "_.'".contains(c))).collect();
    let used: Vec<&str> = definitions.iter().map(String::as_str).filter(|d| words.contains(d)).collect();
    if used.is_empty() {
        return;
    }
    let all = used.join(", ");
    list.add(0.50, format!("grind [{all}]"));
    list.add(0.45, format!("simp_all [{all}]"));
    list.add(0.30, format!("simp [{all}]"));
    list.add(0.20, format!("simp_all [{all}]\nomega"));
    list.add(0.20, format!("simp [{all}] at *\ngrind"));
    list.add(0.10, format!("unfold {}", used.join(" ")));
}

/// Names that a header defines.
fn definitions(header: &str) -> Vec<String> {
    let found = crate::source::commands(header).unwrap_or_default();
    let bodies = found
        .iter()
        .filter(|c| ["def", "abbrev"].contains(&c.keyword.as_str()))
        .map(|c| (&header[c.range.clone()], &c.keyword));
    let name = |(body, keyword): (&str, &String)| {
        let all = tokens(body).ok()?;
        let at = all.iter().position(|t| t.kind == Kind::Name && t.text == keyword)?;
        all.get(at + 1).filter(|t| t.kind == Kind::Name).map(|t| t.text.to_owned())
    };
    bodies.filter_map(name).collect()
}

/// Steps that the target's shape asks for.
fn target_steps(goal: &Goal, list: &mut List) {
    let target = goal.target.trim();
    let mut taken = Vec::new();
    match shape(target) {
        Shape::Forall => {
            let wishes = shape::binders(target);
            let names: Vec<String> = wishes.iter().map(|w| fresh(goal, w, &mut taken)).collect();
            let names = if names.is_empty() { vec![fresh(goal, "x", &mut taken)] } else { names };
            list.add(0.85, format!("intro {}", names.join(" ")));
            if target.starts_with("∀ ") && target.contains(['≥', '≤', '<', '>', '∈']) {
                list.add(0.7, format!("intro {} {}", names.join(" "), fresh(goal, "h", &mut taken)));
            }
        }
        Shape::Implies => {
            list.add(0.85, format!("intro {}", fresh(goal, "h", &mut taken)));
            let (a, b) = (fresh(goal, "h", &mut taken), fresh(goal, "h", &mut taken));
            if split_top(target, " → ").is_some_and(|(left, _)| shape(left) == Shape::And) {
                list.add(0.6, format!("rintro ⟨{a}, {b}⟩"));
            }
        }
        Shape::Not => list.add(0.7, format!("intro {}", fresh(goal, "h", &mut taken))),
        Shape::And => {
            list.add(0.7, "constructor");
            list.add(0.3, "refine ⟨?_, ?_⟩");
            list.add(0.15, "constructor <;> grind");
        }
        Shape::Iff => list.add(0.8, "constructor"),
        Shape::Or => {
            list.add(0.25, "left");
            list.add(0.25, "right");
            if let Some((left, _)) = split_top(target, " ∨ ") {
                list.add(0.15, format!("by_cases {} : {left}", fresh(goal, "h", &mut taken)));
            }
        }
        Shape::Exists => {
            for n in 0..4 {
                list.add(0.2 / f64::from(n + 1), format!("refine ⟨{n}, ?_⟩"));
            }
            for entry in entries(goal).iter().filter(|e| !is_proposition(e.ty)).take(4) {
                list.add(0.15, format!("refine ⟨{}, ?_⟩", entry.name));
                if number_type(entry.ty).is_some() {
                    list.add(0.06, format!("refine ⟨{} + 1, ?_⟩", entry.name));
                }
            }
            list.add(0.12, "constructor");
            list.add(0.05, "exact ⟨_, rfl⟩");
            list.add(0.10, format!("apply Classical.byContradiction\nintro {}", fresh(goal, "h", &mut taken)));
        }
        Shape::Equality => {
            list.add(0.05, "funext x");
            list.add(0.04, "ext");
            list.add(0.06, "congr 1");
            list.add(0.03, "symm");
            list.add(0.05, "ac_rfl");
        }
        Shape::Other => {}
    }
    if target.contains("if ") || target.contains("match ") {
        list.add(0.5, "split");
    }
    if !matches!(shape(target), Shape::Forall | Shape::Implies | Shape::Not) {
        list.add(0.02, format!("apply Classical.byContradiction\nintro {}", fresh(goal, "h", &mut taken)));
    }
}

/// Steps that take hypotheses apart or use them.
fn hypothesis_steps(goal: &Goal, list: &mut List) {
    let all = entries(goal);
    let propositions: Vec<&Entry> = all.iter().filter(|e| is_proposition(e.ty)).collect();
    let mut taken = Vec::new();
    for Entry { name, ty } in propositions.iter().rev().take(8) {
        match shape(ty) {
            Shape::And => {
                let parts = 1 + ty.matches('∧').count().min(4);
                let names: Vec<String> = (0..parts).map(|_| fresh(goal, "h", &mut taken)).collect();
                list.add(0.6, format!("obtain ⟨{}⟩ := {name}", names.join(", ")));
            }
            Shape::Or => list.add(0.6, format!("rcases {name} with {name} | {name}")),
            Shape::Exists => {
                let (w, h) = (fresh(goal, "w", &mut taken), fresh(goal, "h", &mut taken));
                list.add(0.6, format!("obtain ⟨{w}, {h}⟩ := {name}"));
            }
            Shape::Iff => list.add(0.1, format!("obtain ⟨h1, h2⟩ := {name}")),
            Shape::Not => list.add(0.12, format!("apply {name}")),
            Shape::Forall | Shape::Implies => universal(goal, name, ty, list, &mut taken),
            Shape::Equality => {
                list.add(0.10, format!("rw [{name}]"));
                list.add(0.04, format!("rw [← {name}]"));
                if let Some((left, right)) = split_top(ty, " = ") {
                    let is_variable = |t: &str| all.iter().any(|e| e.name == t.trim() && !is_proposition(e.ty));
                    if is_variable(left) || is_variable(right) {
                        list.add(0.30, format!("subst {name}"));
                    }
                }
            }
            Shape::Other => {}
        }
        list.add(0.05, format!("simp [{name}]"));
        list.add(0.03, format!("simp at {name}"));
        list.add(0.03, format!("exact {name}"));
    }
    if propositions.len() > 1 {
        let names: Vec<&str> = propositions.iter().map(|e| e.name).collect();
        list.add(0.08, format!("simp [{}]", names.join(", ")));
        // Recurrences: each value follows from earlier ones, far down.
        if propositions.iter().any(|e| e.ty.starts_with('∀')) {
            list.add(0.05, format!("set_option maxRecDepth 100000 in\nsimp [{}]", names.join(", ")));
        }
    }
    let pairs = propositions.iter().filter(|e| e.ty.contains(['<', '≤', '≥', '>', '='])).count();
    if (1..6).contains(&pairs) {
        list.add(0.03, "cases ‹_ ∨ _›");
    }
}

/// A hypothesis that speaks of all values: apply it, or look at small ones.
fn universal(goal: &Goal, name: &str, ty: &str, list: &mut List, taken: &mut Vec<String>) {
    list.add(0.10, format!("apply {name}"));
    list.add(0.06, format!("rw [{name}]"));
    let h = fresh(goal, "h", taken);
    let entries = entries(goal);
    let values = entries.iter().filter(|e| number_type(e.ty).is_some()).map(|e| e.name.to_owned()).take(3);
    for (i, value) in values.chain(["0", "1", "2"].map(str::to_owned)).enumerate() {
        list.add(0.06 / (1.0 + i as f64 * 0.5), format!("have {h} := {name} {value}"));
    }
    if ty.matches("∀").count() >= 1 {
        let many: Vec<String> = (0..4).map(|i| format!("{name} {i}")).collect();
        list.add(0.05, format!("have := {}\ngrind", many.join("\nhave := ")));
        list.add(0.03, format!("have := {}\nsimp_all\nomega", many.join("\nhave := ")));
    }
}

/// Induction and case splits on data.
fn induction_steps(goal: &Goal, list: &mut List) {
    let all = entries(goal);
    let mut taken = Vec::new();
    let ih = fresh(goal, "ih", &mut taken);
    for Entry { name: n, ty } in all.iter().filter(|e| !is_proposition(e.ty)) {
        let mentioned = if goal.target.contains(n) { 1.0 } else { 0.3 };
        match *ty {
            "Nat" | "ℕ" => {
                let k = fresh(goal, "k", &mut taken);
                list.add(0.16 * mentioned, format!("induction {n} with\n| zero => ?_\n| succ {k} {ih} => ?_"));
                list.add(0.05 * mentioned, format!("cases {n} with\n| zero => ?_\n| succ {k} => ?_"));
                list.add(0.03 * mentioned, format!("induction {n} using Nat.strongRecOn with\n| ind {k} {ih} => ?_"));
            }
            "Bool" => list.add(0.4, format!("cases {n}")),
            "Prop" => list.add(0.15, format!("by_cases h{n} : {n}")),
            ty if ty.starts_with("List ") => {
                list.add(0.3 * mentioned, format!("induction {n} with\n| nil => ?_\n| cons x xs {ih} => ?_"));
                list.add(0.08 * mentioned, format!("cases {n} with\n| nil => ?_\n| cons x xs => ?_"));
            }
            ty if ty.starts_with("Option ") => {
                list.add(0.3 * mentioned, format!("cases {n} with\n| none => ?_\n| some x => ?_"))
            }
            ty if ty.starts_with("Fin ") || ty.contains(" × ") => {
                list.add(0.15 * mentioned, format!("obtain ⟨{n}, h{n}⟩ := {n}"))
            }
            _ => {}
        }
    }
    let induced: Vec<&Entry> = all.iter().filter(|e| matches!(e.ty, "Nat" | "ℕ") && goal.target.contains(e.name)).collect();
    for n in induced.iter().take(2).map(|e| e.name) {
        // Whole small inductions, the two ends closed by arithmetic on powers.
        let end = "simp_all [Nat.pow_succ, Nat.pow_zero, Nat.mul_add, Nat.pow_mul, Nat.pow_add] <;> omega";
        list.add(0.06, format!("induction {n} with\n| zero => simp_all\n| succ k {ih} => grind [Nat.pow_succ]"));
        list.add(0.06, format!("induction {n} with\n| zero => simp_all\n| succ k {ih} => {end}"));
    }
}

/// Steps for numbers: powers, remainders, small ranges, products.
fn arithmetic_steps(goal: &Goal, list: &mut List) {
    let all = entries(goal);
    let text = goal.to_string();
    let mut taken = Vec::new();
    let numbers: Vec<(&str, &str)> = all.iter().filter_map(|e| Some((e.name, number_type(e.ty)?))).collect();
    if text.contains('^') {
        list.add(0.10, "simp only [Nat.pow_succ, Nat.pow_zero, Nat.mul_add, Nat.pow_add, Nat.pow_mul] at *\nomega");
        list.add(0.06, "simp [Nat.pow_succ, Nat.pow_mod, Nat.mul_mod, Nat.add_mod, *]");
        list.add(0.05, "grind [Nat.pow_succ, Nat.pow_mod, Int.pow_succ]");
        list.add(0.05, "simp only [Nat.pow_succ, Int.pow_succ, Nat.pow_zero, Int.pow_zero] at *");
        list.add(0.02, "exact Nat.dvd_pow (by decide) (by omega)");
        list.add(0.02, "exact Nat.pow_dvd_pow _ (by omega)");
    }
    if text.contains("gcd") || text.contains("lcm") {
        list.add(0.10, "simp_all [Nat.gcd_comm, Nat.lcm]");
        list.add(0.05, "simp [Nat.lcm] at *");
        list.add(0.05, "grind [Nat.gcd_le_left, Nat.gcd_le_right, Nat.gcd_dvd_left, Nat.gcd_dvd_right]");
        for (m, n) in gcd_arguments(&goal.target) {
            list.add(0.08, format!("have hl := Nat.gcd_dvd_left ({m}) ({n})\nhave hr := Nat.gcd_dvd_right ({m}) ({n})"));
            list.add(0.08, format!("have hl := Nat.gcd_dvd_left ({m}) ({n})\nhave hr := Nat.gcd_dvd_right ({m}) ({n})\nexact Nat.le_of_dvd (by decide) (by have := Nat.dvd_sub (Nat.dvd_mul_left_of_dvd hl 2) hr; grind)"));
        }
    }
    if text.contains("↑") {
        list.add(0.08, "norm_cast at *");
        list.add(0.06, "push_cast at *");
        list.add(0.04, "norm_cast at *\ngrind");
    }
    for &(x, kind) in numbers.iter().take(4) {
        remainders(goal, x, kind, list, &mut taken);
        range(goal, x, kind, numbers.len(), list, &mut taken);
    }
    products(goal, &all, list);
}

/// Splits on the remainder of `x`, for every modulus in sight.
fn remainders(goal: &Goal, x: &str, kind: &str, list: &mut List, taken: &mut Vec<String>) {
    for m in moduli(goal) {
        let h = fresh(goal, "h", taken);
        let cases: Vec<String> = (0..m).map(|r| format!("{x} % {m} = {r}")).collect();
        let names = vec![h.as_str(); m as usize].join(" | ");
        let split = format!("rcases (by omega : {}) with {names}", cases.join(" ∨ "));
        let p = 0.16 / f64::from(m).sqrt();
        if m <= 8 {
            list.add(p * 0.5, split.clone());
        }
        list.add(
            p,
            format!(
                "{split} <;> simp [{kind}.pow_succ, {kind}.mul_{r}, {kind}.add_{r}, {kind}.sub_{r}, {h}]",
                r = if kind == "Int" { "emod" } else { "mod" }
            )
            .replace(", Nat.sub_mod", ""),
        );
        list.add(p * 0.8, format!("{split} <;> grind"));
        if kind == "Nat" {
            // Exponents: x = m * q + r, and powers of m-th powers.
            let q = fresh(goal, "q", taken);
            list.add(
                p * 0.5,
                format!(
                    "obtain ⟨{q}, {h}⟩ : ∃ q, {} := ⟨{x} / {m}, by omega⟩",
                    (0..m).map(|r| format!("{x} = {m} * q + {r}")).collect::<Vec<_>>().join(" ∨ ")
                ),
            );
            let base = format!(
                "obtain ⟨{q}, {h}⟩ : ∃ q, {} := ⟨{x} / {m}, by omega⟩\nrcases {h} with {}",
                (0..m).map(|r| format!("{x} = {m} * q + {r}")).collect::<Vec<_>>().join(" ∨ "),
                vec!["rfl"; m as usize].join(" | ")
            );
            list.add(p * 0.6, format!("{base} <;> simp_all [Nat.pow_add, Nat.pow_mul, Nat.mul_mod, Nat.pow_mod, Nat.add_mod, Nat.dvd_iff_mod_eq_zero] <;> omega"));
        }
    }
}

/// Bounds a number by something small and tries each value.
fn range(goal: &Goal, x: &str, kind: &str, numbers: usize, list: &mut List, taken: &mut Vec<String>) {
    let h = fresh(goal, "h", taken);
    let share = 1.0 / numbers as f64;
    let low = if kind == "Int" { format!(" ∧ 0 ≤ {x}") } else { String::new() };
    let nonlinear = goal.hypotheses.iter().any(|e| e.ty.contains(['*', '^', '%']) || e.ty.contains("gcd"));
    for (n, p) in [(4u32, 0.05), (10, 0.09), (25, 0.03)] {
        let values: Vec<String> = (0..=n).map(|v| format!("{x} = {v}")).collect();
        let names = vec!["rfl"; n as usize + 1].join(" | ");
        let split = format!("rcases (by omega : {}) with {names}", values.join(" ∨ "));
        let p = p * share * if nonlinear { 1.5 } else { 0.5 };
        list.add(p, format!("{split} <;> first | omega | grind | simp_all"));
        if n <= 10 {
            list.add(p * 0.5, split.clone());
        }
        if nonlinear {
            let bounded = format!("have {h} : {x} ≤ {n}{low} := by grind\n{split} <;> first | omega | grind | simp_all");
            list.add(p * 0.6, bounded);
            let contradiction = "apply Classical.byContradiction\n  intro hc";
            let step = if kind == "Nat" {
                format!(
                    "have {h} : {x} ≤ {n} := by\n  {contradiction}\n  have := Nat.mul_le_mul (show {m} ≤ {x} by omega) (show {m} ≤ {x} by omega)\n  grind",
                    m = n + 1
                )
            } else {
                format!("have {h} : {x} ≤ {n} ∧ -{n} ≤ {x} := by\n  {contradiction}\n  have := Int.mul_le_mul_self\n  grind")
            };
            list.add(p * 0.6, format!("{step}\n{split} <;> first | omega | grind | simp_all"));
        }
    }
}

/// Products of differences that hypotheses say are not negative: what a linear procedure misses.
fn products(goal: &Goal, all: &[Entry], list: &mut List) {
    if !goal.to_string().contains(['*', '^']) {
        return;
    }
    let integers: Vec<&Entry> = all.iter().filter(|e| number_type(e.ty) == Some("Int")).collect();
    let bounds: Vec<(&str, &str, &str)> = all
        .iter()
        .filter_map(|e| {
            let (op, strict) = [(" < ", true), (" ≤ ", false)].into_iter().find(|(op, _)| e.ty.matches(op).count() == 1)?;
            let (low, high) = split_top(e.ty, op)?;
            Some((e.name, low, high)).filter(|_| strict || !low.is_empty())
        })
        .take(4)
        .collect();
    if !integers.is_empty() {
        for (i, (a, ..)) in bounds.iter().enumerate() {
            for (b, ..) in &bounds[i..] {
                list.add(0.04, format!("have := Int.mul_pos (Int.sub_pos_of_lt {a}) (Int.sub_pos_of_lt {b})\ngrind"));
                list.add(0.03, format!("have := Int.mul_nonneg (Int.sub_nonneg_of_le {a}) (Int.sub_nonneg_of_le {b})\ngrind"));
            }
        }
    }
}

/// Arguments of the first `gcd` in a text, when they are in brackets or single words.
fn gcd_arguments(text: &str) -> Vec<(String, String)> {
    static GCD: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
        regex::Regex::new(r"(?:^|[\s(])(?:Nat\.)?gcd (\([^()]*\)|\S+) (\([^()]*\)|\S+)|\(([^()]*)\)\.gcd (\([^()]*\)|\S+)")
            .expect("fixed")
    });
    let strip = |m: regex::Match| m.as_str().trim_start_matches('(').trim_end_matches(')').to_owned();
    GCD.captures_iter(text)
        .filter_map(|c| Some((strip(c.get(1).or(c.get(3))?), strip(c.get(2).or(c.get(4))?))))
        .take(1)
        .collect()
}

/// Names for hypotheses that have none that can be written.
fn names(goal: &Goal, list: &mut List) {
    let hidden: Vec<&str> = goal.names().filter(|n| is_inaccessible(n)).collect();
    if hidden.is_empty() {
        return;
    }
    let mut taken = Vec::new();
    let names: Vec<String> = hidden
        .iter()
        .map(|n| n.trim_end_matches(|c: char| !c.is_alphanumeric()).trim_end_matches('✝'))
        .map(|n| fresh(goal, n.split(['✝', '.']).next().filter(|n| !n.is_empty()).unwrap_or("h"), &mut taken))
        .collect();
    list.add(0.35, format!("rename_i {}", names.join(" ")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::guard;

    fn tactics(goal: &str) -> Vec<String> {
        let goal = Goal::parse(goal).unwrap();
        Portfolio::default().propose(&[&[goal]]).remove(0).into_iter().map(|p| p.tactic).collect()
    }

    #[test]
    fn proposals_fit_the_goal() {
        assert!(tactics("⊢ ∀ (n : Nat), n = n").contains(&"intro n".to_owned()));
        assert!(tactics("p q : Prop\nh : p ∧ q\n⊢ q").iter().any(|t| t.starts_with("obtain ⟨h1, h2⟩ := h")));
        assert!(tactics("n : Nat\n⊢ 3 ∣ n").iter().any(|t| t.starts_with("induction n with")));
        assert!(tactics("a✝ : p\n⊢ p").contains(&"rename_i a".to_owned()));
    }

    #[test]
    fn definitions_of_the_header_are_unfolded() {
        let portfolio = Portfolio::for_header("/-- doc -/\ndef sumTo : Nat → Nat\n  | 0 => 0\n  | n + 1 => sumTo n\n");
        let goal = Goal::parse("n : Nat\n⊢ sumTo n = 0").unwrap();
        assert!(portfolio.propose(&[&[goal]])[0].iter().any(|p| p.tactic == "grind [sumTo]"));
    }

    #[test]
    fn every_proposal_passes_the_guard() {
        for goal in [
            "x y : Int\nh : 0 < y\ng : y < x\n⊢ x * y % 7 = 1",
            "n✝ : Nat\nih : ∃ k, k = n✝\nf : Nat → Nat\nhf : ∀ n ≥ 3, f n = f (n - 1)\nl : List Nat\n⊢ ∃ x, f x ^ 2 = gcd (x + 1) (2 * x) ∧ p",
        ] {
            for tactic in tactics(goal) {
                assert_eq!(guard::check(&tactic), Ok(()), "{tactic}");
            }
        }
    }

    #[test]
    fn priors_fall_and_are_probabilities() {
        let goal = Goal::parse("n : Nat\nh : n % 4 = 3\n⊢ n ^ 2 % 4 = 1").unwrap();
        let all = Portfolio::default().propose(&[&[goal]]).remove(0);
        assert!(all.windows(2).all(|w| w[0].log_prior >= w[1].log_prior) && all[0].log_prior < 0.0 && all.len() <= MOST);
    }
}
