//! Induction and case splits on data.

use super::List;
use super::shape::{Entry, entries, fresh, is_proposition};
use crate::lean::Goal;
use crate::lean::goal::mentions;

/// Each variable's induction and cases, and small inductions whose ends are closed in one step.
pub fn steps(goal: &Goal, list: &mut List) {
    let all = entries(goal);
    let mut taken = Vec::new();
    let ih = fresh(goal, "ih", &mut taken);
    for Entry { name: n, ty } in all.iter().filter(|e| !is_proposition(e.ty)) {
        let mentioned = if mentions(&goal.target, n) { 1.0 } else { 0.3 };
        match *ty {
            "Nat" | "ℕ" => {
                let k = fresh(goal, "k", &mut taken);
                list.add(0.12 * mentioned, format!("induction {n} with\n| zero => ?_\n| succ {k} {ih} => ?_"));
                list.add(0.05 * mentioned, format!("cases {n} with\n| zero => ?_\n| succ {k} => ?_"));
                list.add(0.02 * mentioned, format!("induction {n} using Nat.strongRecOn with\n| ind {k} {ih} => ?_"));
                if mentioned == 1.0 {
                    whole(goal, n, &k, &ih, list);
                }
            }
            "Bool" => list.add(0.4, format!("cases {n}")),
            "Prop" => list.add(0.15, format!("by_cases h{n} : {n}")),
            ty if ty.starts_with("List ") => {
                list.add(0.3 * mentioned, format!("induction {n} with\n| nil => ?_\n| cons x xs {ih} => ?_"));
                list.add(0.08 * mentioned, format!("cases {n} with\n| nil => ?_\n| cons x xs => ?_"));
            }
            ty if ty.starts_with("Option ") => {
                list.add(0.3 * mentioned, format!("cases {n} with\n| none => ?_\n| some x => ?_"));
            }
            ty if ty.starts_with("Fin ") || ty.contains(" × ") => {
                list.add(0.15 * mentioned, format!("obtain ⟨{n}, h{n}⟩ := {n}"));
            }
            _ => {}
        }
    }
}

/// Whole small inductions, for targets with powers or recurrences: the ends by linear arithmetic on expanded powers.
fn whole(goal: &Goal, n: &str, k: &str, ih: &str, list: &mut List) {
    let expand = "simp only [Nat.mul_add, Nat.pow_add, Nat.pow_succ] at *";
    list.add(0.10, format!("induction {n} with\n| zero => simp_all\n| succ {k} {ih} => {expand}; omega"));
    list.add(0.06, format!("induction {n} with\n| zero => simp_all\n| succ {k} {ih} => cases {k} <;> {expand} <;> omega"));
    list.add(0.05, format!("induction {n} with\n| zero => simp_all\n| succ {k} {ih} => grind [Nat.pow_succ]"));
    if goal.target.contains("^ (") || goal.target.contains(&format!("^ {n}")) {
        let hint = format!("have := Nat.lt_pow_self (n := {k} + 1) (show 1 < 2 by decide)");
        list.add(0.05, format!("induction {n} with\n| zero => simp_all\n| succ {k} {ih} =>\n  {hint}\n  grind"));
    }
}
