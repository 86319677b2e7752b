//! Laws that the header's functions may have, conjectured by the shape of their types and proved by small inductions, before the goal
//! is looked at: units, what constructors do, commutativity, associativity, distributivity, functions that undo themselves, sizes of
//! results, accumulators. A person proves such lemmas first; a search that meets only its own goal has no reason to.
//!
//! Theory exploration as in HipSpec (Claessen, Johansson, Rosén and Smallbone 2013, «Automating Inductive Proofs Using Theory
//! Exploration»), with a fixed list of shapes instead of all terms: what is false fails quickly, in its base case more often than not.

use super::candidate::{Family, List};
use super::ground;
use super::header::{Definition, Header};
use super::signs::Sign;
use super::unfold::used;
use super::view::View;

/// Functions that laws are made of, laws of one goal, and those of one step: what it takes to prove them must fit into its budget.
const FUNCTIONS: usize = 8;
const MOST: usize = 48;
const TOGETHER: usize = 12;
/// Steps of `simp` in one law's proof: what is false may lead it in circles, and an error by depth ends all that is tried.
const STEPS: usize = 300;
/// How hypotheses are called that were found here, with the law's number: a goal with some of them goes on behind the last one.
const NAME: &str = "law";

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

/// A law: its variables with their types, those first that an induction may be on, and its equation.
struct Law {
    variables: Vec<(&'static str, String)>,
    inductive: usize,
    left: String,
    right: String,
    /// Its proof wants operations in another order: `grind` is tried, too.
    shuffles: bool,
    /// It holds by what its left side is short for.
    defined: bool,
    /// Some instances without variables, which Lean computes first; empty where no values are known.
    instances: Vec<String>,
}

impl Law {
    /// What a sign stands for.
    fn of(sign: &Sign) -> Law {
        let Sign { symbol, ty, function } = sign;
        let is_value = symbol.chars().all(char::is_numeric);
        let (left, right) = match is_value {
            true => (format!("({symbol} : {ty})"), function.clone()),
            false => (format!("((a : {ty}) {symbol} b)"), format!("({function} a b)")),
        };
        let variables = if is_value { Vec::new() } else { vec![("a", ty.clone()), ("b", ty.clone())] };
        Law { variables, inductive: 0, left, right, shuffles: false, defined: true, instances: Vec::new() }
    }

    /// As a hypothesis, if a small induction proves it.
    fn have(&self, number: usize, names: &[&str]) -> String {
        if self.defined {
            let variables: Vec<&str> = self.variables.iter().map(|(name, _)| *name).collect();
            let all = if variables.is_empty() { String::new() } else { format!("∀ {}, ", variables.join(" ")) };
            return format!("have {NAME}{number} : {all}{} = {} := by first | (intros; rfl) | fail", self.left, self.right);
        }
        let binders: Vec<String> = self.variables.iter().map(|(name, ty)| binder(name, ty)).collect();
        let (all, opened) = (self.variables.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" "), names.join(", "));
        let mut begins = vec![format!("intro {0}; induction {0}", self.variables[0].0)];
        if self.inductive > 1 {
            begins.push(format!("intro {all}; induction {}", self.variables[self.inductive - 1].0));
        }
        let simplified =
            begins.iter().map(|begin| format!("({begin} <;> simp_all (maxSteps := {STEPS}) [{opened}] <;> intros <;> omega)"));
        let searched = begins.iter().filter(|_| self.shuffles).map(|begin| format!("({begin} <;> grind [{opened}])"));
        // `<;>` in the last way of all goes on behind an error, which stays; in other ways it ends them.
        let ways: Vec<String> = simplified.chain(searched).chain(["fail".to_owned()]).collect();
        let (binders, ways) = (binders.join(" "), ways.join(" | "));
        let proved = format!("have {NAME}{number} : ∀ {binders}, {} = {} := by first | {ways}", self.left, self.right);
        if self.instances.is_empty() {
            return proved;
        }
        let each = format!("by first | rfl | (simp (maxSteps := {STEPS}) [{opened}] <;> fail) | fail");
        let (instances, computed) = (self.instances.join(" ∧ "), vec![each; self.instances.len()].join(", "));
        format!("have {NAME}{number} : {instances} := ⟨{computed}⟩; clear {NAME}{number}; {proved}")
    }
}

fn binder(name: &str, ty: &str) -> String {
    if ty.is_empty() { name.to_owned() } else { format!("({name} : {ty})") }
}

/// A function of a law: one of the header, or a sign of the library.
#[derive(Clone, Copy)]
enum Function<'h> {
    Own(&'h Definition),
    Sign(&'static str),
}

impl Function<'_> {
    fn of(&self, arguments: &[&str]) -> String {
        match self {
            Function::Own(definition) => format!("({} {})", definition.name, arguments.join(" ")),
            Function::Sign(sign) => format!("({})", arguments.join(&format!(" {sign} "))),
        }
    }
}

/// What laws are made of.
struct Theory<'h, 'v> {
    view: &'v View<'v>,
    header: &'h Header,
    functions: &'v [&'h Definition],
    laws: Vec<Law>,
}

/// The laws of some functions, each behind those that its proof may want; first of all what signs stand for.
fn laws(view: &View, header: &Header, functions: &[&Definition], signs: &[&Sign]) -> Vec<Law> {
    let defined = signs.iter().map(|sign| Law::of(sign)).collect();
    let mut theory = Theory { view, header, functions, laws: defined };
    for (place, function) in functions.iter().enumerate() {
        match &function.signature.arguments[..] {
            [a] => theory.of_one(function, a),
            [a, b] if a == b && *a == function.signature.result => theory.of_two(place, a),
            [a, b] => theory.along(function, a, b),
            _ => {}
        }
    }
    theory.laws.truncate(MOST);
    theory.laws
}

impl<'h> Theory<'h, '_> {
    fn law(&mut self, variables: &[(&'static str, &str)], left: String, right: String) {
        let inductive = |ty: &str| {
            ["Nat", "ℕ"].contains(&ty) || ty.starts_with("List ") || self.header.type_of(ty).is_some_and(|t| t.recursive)
        };
        let (mut first, last): (Vec<(&'static str, &str)>, Vec<_>) = variables.iter().partition(|(_, ty)| inductive(ty));
        let count = first.len();
        if count == 0 {
            return;
        }
        first.extend(last);
        let shuffles = count > 1 && self.header.type_of(first[0].1).is_some();
        let instances = self.instances(&first, &format!("{left} = {right}"));
        let variables = first.into_iter().map(|(name, ty)| (name, self.known(ty))).collect();
        self.laws.push(Law { variables, inductive: count, left, right, shuffles, defined: false, instances });
    }

    /// An equation with values for its variables, each of another size; empty where values of a type are not known.
    fn instances(&self, variables: &[(&'static str, &str)], equation: &str) -> Vec<String> {
        let instance = |first: usize| {
            let size = |place: usize| (first + place) % ground::DEEPEST + 1;
            let value = |(place, &(name, ty)): (usize, &(&'static str, &str))| {
                Some((name, ground::value(self.header, ty, size(place))?))
            };
            let values: Vec<(&str, String)> = variables.iter().enumerate().map(value).collect::<Option<_>>()?;
            Some(ground::at(equation, &values))
        };
        (0..ground::DEEPEST).map_while(instance).collect()
    }

    /// A type as it can be written at the goal: left to Lean where it speaks of a variable that is not there.
    fn known(&self, ty: &str) -> String {
        let names = ty.split(|c: char| !(c.is_alphanumeric() || "_'.".contains(c))).filter(|n| !n.is_empty());
        let variable = |name: &str| name.starts_with(|c: char| c.is_alphabetic() && !c.is_uppercase() || "αβγδσι".contains(c));
        let free = |name: &str| variable(name) && !self.view.goal.names().any(|n| n == name);
        if names.into_iter().any(free) { String::new() } else { ty.to_owned() }
    }

    /// Functions of two values of a type that give a third: those of the header, and signs.
    fn operations(&self, ty: &str) -> Vec<Function<'h>> {
        let signs: &[&'static str] = match ty {
            "Nat" | "ℕ" => &["+"],
            list if list.starts_with("List ") => &["++"],
            _ => &[],
        };
        let own =
            self.functions.iter().filter(|f| f.signature.arguments.iter().all(|a| a == ty) && f.signature.arguments.len() == 2);
        let own = own.filter(|f| f.signature.result == ty).map(|f| Function::Own(f));
        own.chain(signs.iter().map(|sign| Function::Sign(sign))).collect()
    }

    /// Functions of one value that give one of the same type.
    fn turns(&self, ty: &str) -> Vec<Function<'h>> {
        let turns = |f: &&&Definition| f.signature.arguments == [ty] && f.signature.result == ty;
        self.functions.iter().filter(turns).map(|f| Function::Own(f)).collect()
    }

    /// Values that constructors give: without arguments, and around one value of the type itself.
    fn constructors(&self, ty: &str) -> (Vec<String>, Vec<String>) {
        match ty {
            "Nat" | "ℕ" => return (vec!["0".to_owned()], vec!["(a + 1)".to_owned()]),
            list if list.starts_with("List ") => return (vec!["[]".to_owned()], Vec::new()),
            _ => {}
        }
        let Some(own) = self.header.type_of(ty) else { return (Vec::new(), Vec::new()) };
        let arguments = |c: &super::header::Constructor| c.signature.arguments.clone();
        let plain = own.constructors.iter().filter(|c| arguments(c).is_empty()).map(|c| c.name.clone());
        let around = own.constructors.iter().filter(|c| arguments(c) == [ty]).map(|c| format!("({} a)", c.name));
        (plain.collect(), around.collect())
    }

    /// `f : T → T → T`.
    fn of_two(&mut self, place: usize, ty: &str) {
        let f = Function::Own(self.functions[place]);
        let (plain, around) = self.constructors(ty);
        let (a, b, c) = (("a", ty), ("b", ty), ("c", ty));
        for e in &plain {
            for (left, others) in [(f.of(&[e, "a"]), ["a", e]), (f.of(&["a", e]), ["a", e])] {
                others.into_iter().for_each(|right| self.law(&[a], left.clone(), right.to_owned()));
            }
        }
        let before: Vec<Function> =
            self.functions[..place].iter().filter(|g| is_operation(g, ty)).map(|g| Function::Own(g)).collect();
        for s in &around {
            let shifted = |of: &str| s.replace(" a)", &format!(" {of})")).replace("(a ", &format!("({of} "));
            let (whole, behind) = (f.of(&["a", "b"]), shifted("b"));
            self.law(&[a, b], f.of(&[s, "b"]), shifted(&whole));
            self.law(&[a, b], f.of(&["a", &behind]), shifted(&whole));
            for g in &before {
                self.law(&[a, b], f.of(&[s, "b"]), g.of(&[&whole, "b"]));
                self.law(&[a, b], f.of(&["a", &behind]), g.of(&[&whole, "a"]));
            }
        }
        // Lists have an order.
        let turns = !ty.starts_with("List ");
        if turns {
            self.law(&[a, b], f.of(&["a", "b"]), f.of(&["b", "a"]));
        }
        // A product is associative because it distributes over sums.
        for g in &before {
            let (sum, parts) = (g.of(&["b", "c"]), g.of(&[&f.of(&["a", "b"]), &f.of(&["a", "c"])]));
            self.law(&[a, b, c], f.of(&["a", &sum]), parts);
            let (sum, parts) = (g.of(&["a", "b"]), g.of(&[&f.of(&["a", "c"]), &f.of(&["b", "c"])]));
            self.law(&[a, b, c], f.of(&[&sum, "c"]), parts);
        }
        self.law(&[a, b, c], f.of(&[&f.of(&["a", "b"]), "c"]), f.of(&["a", &f.of(&["b", "c"])]));
        if turns {
            self.law(&[a, b, c], f.of(&["a", &f.of(&["b", "c"])]), f.of(&["b", &f.of(&["a", "c"])]));
        }
    }

    /// `h : S → T`.
    fn of_one(&mut self, function: &'h Definition, ty: &str) {
        let (h, result) = (Function::Own(function), function.signature.result.as_str());
        let (a, b) = (("a", ty), ("b", ty));
        for f in self.operations(ty) {
            let (whole, x, y) = (h.of(&[&f.of(&["a", "b"])]), h.of(&["a"]), h.of(&["b"]));
            for g in self.operations(result) {
                self.law(&[a, b], whole.clone(), g.of(&[&x, &y]));
                if result.starts_with("List ") || ty == result {
                    self.law(&[a, b], whole.clone(), g.of(&[&y, &x]));
                }
            }
        }
        for turn in self.turns(ty) {
            if ty != result {
                self.law(&[a], h.of(&[&turn.of(&["a"])]), h.of(&["a"]));
            }
        }
        if ty == result {
            self.law(&[a], h.of(&[&h.of(&["a"])]), "a".to_owned());
            self.law(&[a], h.of(&[&h.of(&["a"])]), h.of(&["a"]));
        }
    }

    /// `k : P → S → T`: a function with a parameter, or with an accumulator.
    fn along(&mut self, function: &'h Definition, first: &str, second: &str) {
        let (k, result) = (Function::Own(function), function.signature.result.as_str());
        // An accumulator: what is in it is put behind, or before, what the plain function gives.
        for (value, kept, flipped) in [(first, second, false), (second, first, true)] {
            if kept != result {
                continue;
            }
            let plain = |f: &&&Definition| f.signature.arguments == [value] && f.signature.result == kept;
            let plain: Vec<Function> = self.functions.iter().filter(plain).map(|f| Function::Own(f)).collect();
            let whole = k.of(if flipped { &["b", "a"] } else { &["a", "b"] });
            for h in &plain {
                for g in self.operations(kept) {
                    self.law(&[("a", value), ("b", kept)], whole.clone(), g.of(&[&h.of(&["a"]), "b"]));
                    self.law(&[("a", value), ("b", kept)], whole.clone(), g.of(&["b", &h.of(&["a"])]));
                }
            }
        }
        let (p, q, a, b) = (("p", first), ("q", first), ("a", second), ("b", second));
        for f in self.operations(second) {
            for g in self.operations(result) {
                let parts = g.of(&[&k.of(&["p", "a"]), &k.of(&["p", "b"])]);
                self.law(&[a, b, p], k.of(&["p", &f.of(&["a", "b"])]), parts);
            }
        }
        for turn in self.turns(second) {
            let (turned, plain) = (k.of(&["p", &turn.of(&["a"])]), k.of(&["p", "a"]));
            let right = if second == result { turn.of(&[&plain]) } else { plain };
            self.law(&[a, p], turned, right);
        }
        if second == result {
            self.law(&[a, p, q], k.of(&["p", &k.of(&["q", "a"])]), k.of(&["q", &k.of(&["p", "a"])]));
            self.law(&[a, p], k.of(&["p", &k.of(&["p", "a"])]), k.of(&["p", "a"]));
            // Sizes.
            let size = |f: &&&Definition| f.signature.arguments == [second] && f.signature.result == "Nat";
            for m in self.functions.iter().filter(size).map(|f| Function::Own(f)).collect::<Vec<_>>() {
                let (left, plain) = (m.of(&[&k.of(&["p", "a"])]), m.of(&["a"]));
                self.law(&[a, p], left.clone(), plain.clone());
                self.law(&[a, p], left, format!("{plain} + 1"));
            }
        }
    }
}

fn is_operation(function: &Definition, ty: &str) -> bool {
    function.signature.arguments == [ty, ty] && function.signature.result == ty
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
