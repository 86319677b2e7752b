//! Laws that the header's functions may have, conjectured by the shape of their types and proved by small inductions, before the goal
//! is looked at: units, what constructors do, commutativity, associativity, distributivity, functions that undo themselves, sizes of
//! results, accumulators. A person proves such lemmas first; a search that meets only its own goal has no reason to.
//!
//! Theory exploration as in HipSpec (Claessen, Johansson, Rosén and Smallbone 2013, «Automating Inductive Proofs Using Theory
//! Exploration»), with a fixed list of shapes instead of all terms: what is false fails quickly, in its base case more often than not.

use super::candidate::{Family, List};
use super::header::{Definition, Header};
use super::signs::Sign;
use super::theory::{Law, NAME, laws};
use super::unfold::used;
use super::view::View;

/// Functions that laws are made of.
const FUNCTIONS: usize = 8;
/// Laws of one step: what it takes to prove them must fit into its budget.
const TOGETHER: usize = 12;

/// The steps of this module.
pub fn steps(view: &View, header: &Header, list: &mut List) {
    if view.is_in_induction() {
        return;
    }
    let signs = signs(view, header);
    let functions = functions(header, &view.goal.target, &signs);
    if !functions.iter().any(|f| f.recursive) {
        return;
    }
    let laws = laws(view, header, &functions, &signs);
    let names: Vec<&str> = functions.iter().map(|f| f.name.as_str()).collect();
    list.begin(Family::Conjecture);
    let known = view.facts.iter().filter_map(|f| f.name.strip_prefix(NAME)?.parse::<usize>().ok()).max();
    // Of laws with the same left side at most one holds, as a rule; another one would lead `simp` in circles beside it.
    let groups: Vec<(usize, &[Law])> = laws.chunk_by(|a, b| a.left == b.left).enumerate().collect();
    let new = groups.get(known.map_or(0, |last| last + 1)..).unwrap_or_default();
    // Where laws were found, the next ones are what they were found for.
    let weights = if known.is_some() { [0.40, 0.10] } else { [0.30, 0.10] };
    for (p, some) in weights.into_iter().zip(new.chunks(TOGETHER)) {
        let tried = some.iter().map(|(number, laws)| {
            let each: Vec<String> = laws.iter().map(|law| format!("({})", law.have(*number, &names))).collect();
            format!("try first | {}", each.join(" | "))
        });
        list.add_with(p, tried.collect::<Vec<_>>().join("\n"), &names);
    }
}

/// Signs of the header that stand in a target with values of their type.
fn signs<'h>(view: &View, header: &'h Header) -> Vec<&'h Sign> {
    let stands = |sign: &Sign| view.goal.target.split_whitespace().any(|word| word.trim_matches(['(', ')']) == sign.symbol);
    header.signs.iter().filter(|sign| stands(sign) && view.data.iter().any(|e| e.ty == sign.ty)).collect()
}

/// Functions that a target speaks of, by their names or by signs, and those that these call, in the order of the file.
fn functions<'h>(header: &'h Header, target: &str, signs: &[&'h Sign]) -> Vec<&'h Definition> {
    let by_name = used(header, target).into_iter().map(|d| d.name.as_str());
    let mut names: Vec<&str> = by_name.chain(signs.iter().map(|s| s.function.as_str())).collect();
    let mut at = 0;
    while let Some(name) = names.get(at).copied() {
        let called = header.definitions.iter().filter(|d| d.name == name).flat_map(|d| &d.calls);
        called.for_each(|called| {
            if !names.contains(&called.as_str()) {
                names.push(called)
            }
        });
        at += 1;
    }
    header.definitions.iter().filter(|d| names.contains(&d.name.as_str())).take(FUNCTIONS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    const HEADER: &str = "
inductive Num where
  | nought
  | next (n : Num)
def plus : Num → Num → Num
  | a, .nought => a
  | a, .next b => .next (plus a b)
def times : Num → Num → Num
  | _, .nought => .nought
  | a, .next b => plus (times a b) a
def rev : List α → List α
  | [] => []
  | x :: xs => rev xs ++ [x]
def revOnto : List α → List α → List α
  | [], acc => acc
  | x :: xs, acc => revOnto xs (x :: acc)
inductive Tree where
  | leaf
  | node (l : Tree) (n : Nat) (r : Tree)
def mirror : Tree → Tree
  | .leaf => .leaf
  | .node l n r => .node (mirror r) n (mirror l)
def size : Tree → Nat
  | .leaf => 0
  | .node l _ r => size l + 1 + size r
";

    fn equations(goal: &str) -> Vec<String> {
        let (header, goal) = (Header::read(HEADER), Goal::parse(goal).unwrap());
        let view = View::behind(&header, &goal);
        let signs = signs(&view, &header);
        laws(&view, &header, &functions(&header, &goal.target, &signs), &signs)
            .into_iter()
            .map(|law| format!("{} = {}", law.left, law.right))
            .collect()
    }

    #[test]
    fn laws_are_made_by_the_types_of_functions() {
        let of_times = equations("a b : Num\n⊢ times a b = times b a");
        for wanted in [
            "(plus Num.nought a) = a",
            "(plus (Num.next a) b) = (Num.next (plus a b))",
            "(plus a b) = (plus b a)",
            "(times a Num.nought) = Num.nought",
            "(times (Num.next a) b) = (plus (times a b) b)",
            "(times a (plus b c)) = (plus (times a b) (times a c))",
        ] {
            assert!(of_times.iter().any(|law| law == wanted), "{wanted} is missing in {of_times:#?}");
        }
        assert!(equations("t : Tree\n⊢ size (mirror t) = size t").contains(&"(size (mirror a)) = (size a)".to_owned()));
        assert!(equations("a : Num\n⊢ a = a").is_empty());
    }

    #[test]
    fn a_goal_with_laws_goes_on_behind_the_last_one() {
        let header = Header::read(HEADER);
        let made = |goal: &str| {
            let goal = Goal::parse(goal).unwrap();
            let mut list = List::default();
            steps(&View::behind(&header, &goal), &header, &mut list);
            list.tactics().first().map_or(String::new(), |t| t.split(" :").next().unwrap_or("").to_owned())
        };
        assert_eq!(made("a b : Num\n⊢ times a b = times b a"), "try first | (have law0");
        assert_eq!(
            made("a b : Num\nlaw3 : ∀ (a : Num), plus Num.nought a = a\n⊢ times a b = times b a"),
            "try first | (have law4"
        );
        assert_eq!(made("a b : Num\nlaw99 : ∀ (a : Num), plus Num.nought a = a\n⊢ times a b = times b a"), "");
        assert_eq!(made("a b : Num\nih : times a b = times b a\n⊢ times a b = times b a"), "");
    }
}
