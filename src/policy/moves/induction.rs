//! Induction: on data, along what varies, strong, on what a hypothesis says, and small ones whose ends are closed at once.

use super::candidate::{Family, List, settled};
use super::header::Header;
use super::shape::{Entry, Shape, fresh, shape};
use super::unfold::used;
use super::view::View;

/// Data on which an induction is tried.
const MOST: usize = 5;
/// Values of which two are taken apart together.
const LOCKED: usize = 3;

/// The steps of this module.
pub fn steps(view: &View, header: &Header, list: &mut List) {
    list.begin(Family::Induction);
    let text = view.goal.to_string();
    let opened: Vec<&str> = used(header, &text).into_iter().map(|d| d.name.as_str()).collect();
    let mut taken = Vec::new();
    let ih = fresh(view.goal, "ih", &mut taken);
    for Entry { name: n, ty } in view.objects().take(MOST) {
        let share = if view.in_target(n) { 1.0 } else { 0.3 };
        match *ty {
            "Nat" | "ℕ" => {
                let k = fresh(view.goal, "k", &mut taken);
                let with = format!(" with\n| zero => ?_\n| succ {k} {ih} => ?_");
                list.add(0.08 * share, format!("induction {n}{with}"));
                list.add(0.02 * share, format!("induction {n} using Nat.strongRecOn with\n| ind {k} {ih} => ?_"));
                list.add(
                    0.01 * share,
                    format!(
                        "induction {n} using Nat.strongRecOn with\n| ind {k} {ih} => {}",
                        settled(&format!("cases {k}"), &[])
                    ),
                );
                if view.in_target(n) {
                    whole(view, n, &k, &ih, list);
                    ends(view, n, &with, 0.12, &opened, list);
                }
            }
            ty if ty.starts_with("List ") => {
                let with = format!(" with\n| nil => ?_\n| cons x xs {ih} => ?_");
                list.add(0.2 * share, format!("induction {n}{with}"));
                if view.in_target(n) {
                    let p = if view.is_appended(n) { 0.06 } else { 0.3 };
                    ends(view, n, &with, p, &opened, list);
                }
            }
            _ => {
                if header.type_of(ty).is_some_and(|own| own.recursive) && view.in_target(n) {
                    list.add(0.2, format!("induction {n}"));
                    ends(view, n, "", 0.4, &opened, list);
                }
            }
        }
    }
    for step in lockstep(view) {
        list.add_settled(0.10, step, &opened);
    }
    along_hypotheses(view, header, list);
}

/// Inductions on one value of the target with a case split on another one, for what takes both apart at once: places in lists,
/// two lists.
pub fn lockstep(view: &View) -> Vec<String> {
    let is_kind = |ty: &str| ty.starts_with("List ") || ["Nat", "ℕ"].contains(&ty);
    let is_taken = |e: &&Entry| view.in_target(e.name) && is_kind(e.ty) && !view.is_appended(e.name);
    let data: Vec<&Entry> = view.objects().filter(is_taken).take(LOCKED).collect();
    let lists = data.iter().filter(|e| e.ty.starts_with("List "));
    let pairs = lists.flat_map(|list| data.iter().filter(|other| other.name != list.name).map(|other| (list.name, other.name)));
    pairs.map(|(list, other)| format!("induction {list} generalizing {other} <;> cases {other}")).collect()
}

/// An induction whose cases are closed as far as may be, with what else varies generalised or not.
fn ends(view: &View, n: &str, with: &str, p: f64, opened: &[&str], list: &mut List) {
    let others: Vec<&str> = view.data.iter().map(|e| e.name).filter(|m| *m != n && view.in_target(m)).take(4).collect();
    let mut begins = vec![(format!("induction {n}"), 1.0)];
    if !others.is_empty() {
        begins.push((format!("induction {n} generalizing {}", others.join(" ")), 0.8));
    }
    if others.len() > 1 {
        begins.extend(others.iter().map(|other| (format!("induction {n} generalizing {other}"), 0.3)));
    }
    for (begin, share) in begins {
        let step = format!("{begin}{with}");
        list.add_settled(p * share, &step, opened);
        list.add(0.2 * p * share, step);
    }
}

/// Whole small inductions, for targets with powers or recurrences: the ends by linear arithmetic on expanded powers.
fn whole(view: &View, n: &str, k: &str, ih: &str, list: &mut List) {
    let target = &view.goal.target;
    let expand = "simp only [Nat.mul_add, Nat.pow_add, Nat.pow_succ] at *";
    list.add(0.10, format!("induction {n} with\n| zero => simp_all\n| succ {k} {ih} => {expand}; omega"));
    list.add(0.06, format!("induction {n} with\n| zero => simp_all\n| succ {k} {ih} => cases {k} <;> {expand} <;> omega"));
    list.add(0.05, format!("induction {n} with\n| zero => simp_all\n| succ {k} {ih} => grind [Nat.pow_succ]"));
    if target.contains("^ (") || target.contains(&format!("^ {n}")) {
        let hint = format!("have := Nat.lt_pow_self (n := {k} + 1) (show 1 < 2 by decide)");
        list.add(0.05, format!("induction {n} with\n| zero => simp_all\n| succ {k} {ih} =>\n  {hint}\n  grind"));
    }
}

/// Induction on how an inductive predicate came about, where it may be one of the library; for those of the header see `predicate`.
fn along_hypotheses(view: &View, header: &Header, list: &mut List) {
    const ORDERS: [char; 6] = ['<', '≤', '>', '≥', '∣', '='];
    for Entry { name, ty } in view.newest_facts().filter(|f| shape(f.ty) == Shape::Other).take(3) {
        if !ty.contains(ORDERS) && ty.contains([' ', '.']) && header.type_of(ty).is_none() {
            list.add(0.06, format!("induction {name}"));
            list.add_settled(0.06, format!("induction {name}"), &[]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    #[test]
    fn inductions_take_along_what_varies() {
        let header = Header::default();
        let goal = Goal::parse("l k : List Nat\nh : l.Sublist k\ng : l.length ≤ 2\nb : p\n⊢ l.length ≤ k.length").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &header, &mut list);
        let made = list.tactics();
        assert!(made.contains(&"induction h") && !made.contains(&"induction g"), "{made:#?}");
        let header = Header::read(
            "inductive Tree where\n  | leaf\n  | node (l r : Tree)\ndef size : Tree → Nat\n  | .leaf => 0\n  | .node l r => size l + size r\n",
        );
        let goal = Goal::parse("t : Tree\nxs : List Nat\nk : Nat\n⊢ size t + xs.length = k").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &header, &mut list);
        let made = list.ways();
        for wanted in [
            "induction t <;> grind [size]",
            "induction xs generalizing t k with\n| nil => ?_\n| cons x xs ih => ?_\nall_goals simp_all [size]",
            "induction k with\n| zero => ?_\n| succ k1 ih => ?_",
            "induction xs generalizing k <;> cases k <;> simp_all [size]",
        ] {
            assert!(made.iter().any(|tactic| tactic == wanted), "{wanted} is missing in {made:#?}");
        }
    }
}
