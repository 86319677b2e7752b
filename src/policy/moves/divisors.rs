//! Numbers that divide a literal, and numbers whose bound a linear procedure finds: value by value.

use super::bounds::{bounds, tree};
use super::candidate::{Family, List};
use super::shape::{fresh, split_top};
use super::terms::{self, Kind};
use super::view::View;

/// Largest literal whose divisors are enumerated.
const LARGEST: i64 = 250;
/// Bounds that are hoped for.
const HOPED: [i64; 2] = [6, 24];
const LEAVES: &[&str] = &["omega", "first | omega | simp_all | grind"];

/// The steps of this module.
pub fn steps(view: &View, list: &mut List) {
    list.begin(Family::Bounds);
    for fact in &view.facts {
        for (x, literal, proof) in divisors(view, fact.name, fact.ty) {
            let mut taken = Vec::new();
            let (bound, h) = (fresh(view.goal, "hle", &mut taken), fresh(view.goal, "h", &mut taken));
            for (rank, leaf) in LEAVES.iter().enumerate() {
                let values = tree(&x, "Nat", &h, 0, literal, leaf);
                list.add(0.15 / (1.0 + rank as f64), format!("have {bound} := Nat.le_of_dvd (by omega) {proof}\n{values}"));
            }
        }
    }
    linear(view, list);
}

/// Variables that divide a literal by what a hypothesis says, with the literal and a proof: `x ∣ 12`, `x * y = 12`.
fn divisors(view: &View, name: &str, ty: &str) -> Vec<(String, i64, String)> {
    let literal = |text: &str| text.trim().parse::<i64>().ok().filter(|n| (1..=LARGEST).contains(n));
    let number = |text: &str| view.numbers().any(|(n, kind)| n == text.trim() && kind == "Nat");
    if let Some((x, n)) = split_top(ty, " ∣ ") {
        return literal(n).filter(|_| number(x)).map(|n| (x.trim().to_owned(), n, name.to_owned())).into_iter().collect();
    }
    let Some((left, right)) = split_top(ty, " = ") else { return Vec::new() };
    let Some(n) = literal(right) else { return Vec::new() };
    let Some(product) = terms::parse(left).filter(|t| t.kind == Kind::Binary("*")) else { return Vec::new() };
    let [a, b] = &product.parts[..] else { return Vec::new() };
    let mut found = Vec::new();
    if number(a.text) {
        found.push((a.text.to_owned(), n, format!("(Dvd.intro _ {name})")));
    }
    if number(b.text) && a.text != b.text {
        found.push((b.text.to_owned(), n, format!("(Dvd.intro_left _ {name})")));
    }
    found
}

/// Natural numbers without a literal bound, where hypotheses are linear: a small bound may follow.
fn linear(view: &View, list: &mut List) {
    if !view.facts.iter().any(|f| f.ty.contains(['<', '≤', '=', '%'])) {
        return;
    }
    let open = view.numbers().filter(|(x, kind)| *kind == "Nat" && bounds(view.goal, x, kind).high.is_none());
    for (x, kind) in open.filter(|(x, _)| view.facts.iter().any(|f| crate::lean::goal::mentions(f.ty, x))).take(2) {
        let mut taken = Vec::new();
        let (bound, h) = (fresh(view.goal, "hlt", &mut taken), fresh(view.goal, "h", &mut taken));
        for (rank, hoped) in HOPED.into_iter().enumerate() {
            let values = tree(x, kind, &h, 0, hoped, LEAVES[1]);
            list.add(0.02 / (1.0 + rank as f64), format!("have {bound} : {x} < {} := by omega\n{values}", hoped + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::{Goal, guard};

    #[test]
    fn divisors_of_literals_are_enumerated() {
        let goal = Goal::parse("d x y : Nat\nh : d ∣ 12\ng : x * y = 6\n⊢ d ≠ 5").unwrap();
        let mut list = List::default();
        steps(&View::new(&goal), &mut list);
        let made = list.tactics();
        assert!(made.iter().any(|t| t.starts_with("have hle := Nat.le_of_dvd (by omega) h\nfirst")), "{made:#?}");
        assert!(made.iter().any(|t| t.starts_with("have hle := Nat.le_of_dvd (by omega) (Dvd.intro _ g)")));
        assert!(made.iter().any(|t| t.contains("(Dvd.intro_left _ g)") && t.contains("obtain rfl : y = 6")));
        assert!(made.iter().any(|t| t.starts_with("have hlt : d < 7 := by omega")));
        for tactic in made {
            assert_eq!(guard::check(tactic), Ok(()), "{tactic}");
        }
    }
}
