//! Finite sums and products, sets and finite sets, least and greatest elements.

use std::sync::LazyLock;

use regex::Regex;

use super::super::shape::{Shape, shape, split_top};
use super::List;
use super::scene::{Number, Relation, Scene, argument, relation};
use crate::lean::goal::mentions;

/// The moves of this module.
pub fn add(scene: &Scene, list: &mut List) {
    sums(scene, list);
    extremes(scene, list);
    members(scene, list);
    if scene.has(&["card", "Finset.filter", "Finset.Icc", "Finset.range", "toFinset"]) {
        list.add(0.40, "rfl");
        list.add(0.40, "decide +kernel");
        list.add(0.20, "simp_arith");
        list.add(0.08, "norm_num [Finset.card_eq_of_equiv, Finset.filter]");
    }
    if scene.has(&["toFinset", "⁻¹' "]) {
        list.add(0.14, "simp [Set.preimage, Set.toFinset] at *");
        list.add(0.14, "norm_num [Set.preimage, Set.mem_singleton_iff, Finset.sum_eq_single] at *");
    }
    let sets = scene.relation().is_some_and(|(left, relation, _)| {
        let is_set = |h: &crate::lean::Hypothesis| {
            h.names.iter().any(|n| n == left) && (h.ty.starts_with("Set ") || h.ty.starts_with("Finset "))
        };
        relation == Relation::Equal && (scene.asks(&["{"]) || scene.goal.hypotheses.iter().any(is_set))
    });
    if sets {
        list.add(0.45, "ext x\nsimp");
        list.add(0.25, "ext x\nconstructor <;> intro h <;> simp_all");
        list.add(0.15, "ext x\nsimp [*]\nconstructor <;> intro h <;> nlinarith");
        list.add(0.20, "apply Set.eq_of_subset_of_subset <;> intro x hx");
    }
    if scene.asks(&[" ⊆ "]) {
        list.add(0.35, "intro x hx\nsimp_all");
        list.add(0.20, "intro x hx");
    }
}

/// Unrolled where the range is a number, by induction where it is a variable.
fn sums(scene: &Scene, list: &mut List) {
    if !scene.has(&["∑ ", "∏ ", "Finset.sum", "Finset.prod"]) {
        return;
    }
    let unroll = "Finset.sum_range_succ, Finset.prod_range_succ";
    let interval = "Finset.sum_Icc_succ_top, Finset.prod_Icc_succ_top";
    list.add(0.45, format!("norm_num [{unroll}]"));
    list.add(0.30, format!("simp [{unroll}]"));
    list.add(0.30, "decide +kernel");
    list.add(0.28, "rfl");
    list.add(0.26, format!("norm_num [{interval}, {unroll}]"));
    list.add(0.12, format!("simp_all [{unroll}]"));
    list.add(0.10, format!("norm_num [{unroll}, {interval}] at *"));
    list.add(0.08, "norm_num [Finset.sum_add_distrib, ← Finset.mul_sum, ← Finset.sum_mul, Finset.sum_sub_distrib] at *");
    list.add(0.06, "simp only [Finset.sum_add_distrib, Finset.sum_sub_distrib, ← Finset.mul_sum, ← Finset.sum_div]");
    list.add(0.05, "apply Finset.sum_le_sum\nintro i hi");
    list.add(0.04, "apply Finset.sum_congr rfl\nintro i hi");
    list.add(0.03, "rw [Finset.sum_comm]");
    list.add(0.03, "rw [Finset.sum_eq_zero]");
    let laws: Vec<&str> = scene.laws().filter(|f| f.says.contains(" = ")).map(|f| f.term.as_str()).collect();
    if !laws.is_empty() {
        list.add(0.30, format!("norm_num [{}, {unroll}]", laws.join(", ")));
        list.add(0.14, format!("simp only [{}]\nnorm_num [{unroll}]", laws.join(", ")));
        list.add(0.10, format!("simp only [{}]\ndecide +kernel", laws.join(", ")));
    }
    static RANGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:range|Icc|Ico) (?:\d+ )?(\w+)").expect("fixed"));
    let natural = |x: &str| scene.variables.iter().any(|(name, n)| *name == x && *n == Number::Nat);
    let Some(n) = RANGE.captures_iter(scene.target).map(|c| c[1].to_owned()).find(|n| natural(n)) else { return };
    let step =
        if scene.asks(&["Icc"]) { "Finset.sum_Icc_succ_top (by omega), Finset.prod_Icc_succ_top (by omega)" } else { unroll };
    let step = if scene.asks(&["∏"]) { step.split(", ").nth(1) } else { step.split(", ").next() }.unwrap_or(step);
    let bounded: Vec<&str> =
        scene.facts.iter().filter(|f| mentions(&f.says, &n) && !f.term.contains('.')).map(|f| f.term.as_str()).collect();
    let clear = if bounded.is_empty() { String::new() } else { format!("clear {}\n", bounded.join(" ")) };
    for (p, end) in [
        (0.36, "ring"),
        (0.26, "push_cast\n  field_simp\n  ring"),
        (0.18, "omega"),
        (0.14, "push_cast\n  ring"),
        (0.10, "field_simp\n  ring_nf"),
        (0.10, "nlinarith"),
    ] {
        list.add(p, format!("{clear}induction {n} with\n| zero => simp\n| succ k ih =>\n  rw [{step}, ih]\n  {end}"));
    }
    list.add(
        0.10,
        format!("{clear}induction {n} with\n| zero => simp\n| succ k ih =>\n  simp_all [{step}, pow_succ]\n  ring_nf"),
    );
    list.add(0.08, format!("induction {n} with\n| zero => norm_num\n| succ k ih => norm_num [{step}] at *"));
}

/// `IsLeast S a`, `IsGreatest S a`: in the set, and a bound.
fn extremes(scene: &Scene, list: &mut List) {
    if scene.asks(&["IsLeast", "IsGreatest"]) {
        list.add(0.50, "constructor\n· norm_num\n· intro n hn\n  norm_num at hn\n  omega");
        list.add(0.35, "refine ⟨by norm_num, fun n hn => ?_⟩");
        list.add(0.30, "constructor\n· simp\n· rintro n ⟨h₁, h₂⟩\n  nlinarith");
        list.add(0.25, "constructor\n· decide\n· intro n hn\n  by_contra h\n  push_neg at h\n  interval_cases n <;> simp_all");
        list.add(0.20, "constructor\n· simp [Nat.ModEq]\n· intro n hn\n  simp [Nat.ModEq] at hn\n  omega");
        list.add(0.12, "norm_num [IsLeast, IsGreatest, lowerBounds, upperBounds]");
    }
    if scene.asks(&["lowerBounds", "upperBounds"]) {
        list.add(0.40, "intro n hn\nsimp at hn\nomega");
        list.add(0.25, "intro n hn\nnorm_num at hn\nnlinarith");
        list.add(0.20, "intro n hn");
        list.add(0.10, "simp only [lowerBounds, upperBounds, Set.mem_setOf_eq]\nrintro n hn");
    }
    for fact in scene.facts.iter().filter(|f| f.says.starts_with("IsLeast") || f.says.starts_with("IsGreatest")).take(2) {
        let term = argument(&fact.term);
        list.add(0.10, format!("have h₁ := {term}.1\nhave h₂ := {term}.2\nsimp_all [lowerBounds, upperBounds]"));
    }
    if scene.facts.iter().any(|f| f.says.starts_with("IsLeast") || f.says.starts_with("IsGreatest")) {
        list.add(0.24, "norm_num [IsLeast, IsGreatest, lowerBounds, upperBounds] at *");
        list.add(0.14, "simp only [IsLeast, IsGreatest, lowerBounds, upperBounds, Set.mem_setOf_eq] at *\nomega");
    }
}

/// A finite set given by what is in it (`∀ n, n ∈ S ↔ …`) is a filter of a range, or the divisors of a number.
fn members(scene: &Scene, list: &mut List) {
    static LAW: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^∀ \(?(\w+)(?: : [^),]+)?\)?, (\w+) ∈ (\w+) ↔ (.+)$").expect("fixed"));
    for fact in &scene.facts {
        let says = fact.says.replace('\n', " ");
        let Some(law) = LAW.captures(&says).filter(|law| law[1] == law[2]) else { continue };
        let (x, set, condition) = (&law[1], &law[3], law[4].trim());
        let known = |p: f64, is: String, proof: &str, list: &mut List| {
            let shown = format!("have hS : {set} = {is} := by\n  ext {x}\n  {}", proof.replace("LAW", &fact.term));
            list.add(p, format!("{shown}\nrw [hS]\nrfl"));
            list.add(p * 0.8, format!("{shown}\nrw [hS]\ndecide +kernel"));
            list.add(p * 0.3, format!("{shown}\nsubst hS\nsimp"));
        };
        if let Some((_, divided)) = split_top(condition, " ∣ ").filter(|(left, _)| left.trim() == x) {
            known(0.34, format!("Nat.divisors {}", argument(divided)), "rw [LAW, Nat.mem_divisors]; norm_num", list);
        }
        let whole = scene.goal.hypotheses.iter().find(|h| h.names.iter().any(|n| *n == *set)).map(|h| h.ty.as_str());
        let bound = limit(x, condition);
        match whole {
            Some("Finset ℕ") => {
                let bound = bound.unwrap_or(100);
                let is = format!("Finset.filter (fun {x} => {condition}) (Finset.range {bound})");
                known(
                    0.26,
                    is,
                    "simp only [LAW, Finset.mem_filter, Finset.mem_range]; constructor <;> intro h <;> first | omega | nlinarith | simp_all",
                    list,
                );
            }
            Some("Finset ℤ") => {
                let bound = bound.unwrap_or(50);
                let is = format!("Finset.filter (fun {x} => {condition}) (Finset.Icc (-{bound}) {bound})");
                known(
                    0.26,
                    is,
                    "simp only [LAW, Finset.mem_filter, Finset.mem_Icc]; constructor <;> intro h <;> first | omega | nlinarith | simp_all",
                    list,
                );
            }
            _ => {}
        }
        list.add(0.10, format!("simp only [{}] at *", fact.term));
    }
}

/// A number below which all members lie, if the condition says one.
fn limit(x: &str, condition: &str) -> Option<u64> {
    let mut rest = condition;
    let mut parts = Vec::new();
    while shape(rest) == Shape::And
        && let Some((left, right)) = split_top(rest, " ∧ ")
    {
        parts.push(left);
        rest = right;
    }
    parts.push(rest);
    parts.into_iter().find_map(|part| match relation(part)? {
        (left, Relation::Less, right) if left == x => right.parse::<u64>().ok(),
        (left, Relation::AtMost, right) if left == x => right.parse::<u64>().ok().map(|n| n + 1),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::first;

    #[test]
    fn sums_and_sets_have_their_moves() {
        let has = |goal: &str, tactic: &str| {
            assert!(first(goal, 12).iter().any(|t| t.starts_with(tactic)), "{tactic}: {:#?}", first(goal, 12))
        };
        has("⊢ (∑ k ∈ Finset.range 11, k) % 9 = 1", "norm_num [Finset.sum_range_succ, Finset.prod_range_succ]");
        has(
            "n : ℕ\n⊢ ∑ k ∈ Finset.range n, (2 * k + 1) = n ^ 2",
            "induction n with\n| zero => simp\n| succ k ih =>\n  rw [Finset.sum_range_succ, ih]\n  ring",
        );
        has(
            "S : Finset ℕ\nh : ∀ (n : ℕ), n ∈ S ↔ n ∣ 36\n⊢ ∑ k ∈ S, k = 91",
            "have hS : S = Nat.divisors 36 := by\n  ext n\n  rw [h, Nat.mem_divisors]; norm_num",
        );
        has(
            "S : Finset ℕ\nh : ∀ (x : ℕ), x ∈ S ↔ 0 < x ∧ x < 50\n⊢ S.card = 49",
            "have hS : S = Finset.filter (fun x => 0 < x ∧ x < 50) (Finset.range 50)",
        );
        has("⊢ IsLeast {x : ℕ | 30 * x ≡ 42 [MOD 47]} 39", "constructor\n· norm_num\n· intro n hn");
        has("⊢ 39 ∈ lowerBounds {x | 30 * x % 47 = 42}", "intro n hn");
        has("S : Set ℝ\n⊢ S = {x | x = 1}", "ext x");
    }
}
