//! Laws of some functions, by the shapes of their types, and a small proof for each.

use super::ground;
use super::header::{Definition, Header};
use super::signs::Sign;
use super::view::View;

/// Laws of one goal.
const MOST: usize = 48;
/// Steps of `simp` in one law's proof: what is false may lead it in circles, and an error by depth ends all that is tried.
const STEPS: usize = 300;
/// How hypotheses are called that are found so, with the law's number: a goal with some of them goes on behind the last one.
pub const NAME: &str = "law";

/// A law: its variables with their types, those first that an induction may be on, and its equation.
pub struct Law {
    variables: Vec<(&'static str, String)>,
    inductive: usize,
    pub left: String,
    pub right: String,
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
    pub fn have(&self, number: usize, names: &[&str]) -> String {
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
pub fn laws(view: &View, header: &Header, functions: &[&Definition], signs: &[&Sign]) -> Vec<Law> {
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

    /// Functions of the header from some types to another.
    fn from(&self, arguments: &[&str], result: &str) -> Vec<Function<'h>> {
        between(self.functions, arguments, result)
    }

    /// Functions of two values of a type that give a third: those of the header, and signs.
    fn operations(&self, ty: &str) -> Vec<Function<'h>> {
        let sign = match ty {
            "Nat" | "ℕ" => Some(Function::Sign("+")),
            list if list.starts_with("List ") => Some(Function::Sign("++")),
            _ => None,
        };
        self.from(&[ty, ty], ty).into_iter().chain(sign).collect()
    }

    /// Values that constructors give: without arguments, and around one value of the type itself.
    fn constructors(&self, ty: &str) -> (Vec<String>, Vec<String>) {
        match ty {
            "Nat" | "ℕ" => return (vec!["0".to_owned()], vec!["(a + 1)".to_owned()]),
            list if list.starts_with("List ") => return (vec!["[]".to_owned()], Vec::new()),
            _ => {}
        }
        let Some(own) = self.header.type_of(ty) else { return (Vec::new(), Vec::new()) };
        let plain = own.constructors.iter().filter(|c| c.signature.arguments.is_empty()).map(|c| c.name.clone());
        let around = own.constructors.iter().filter(|c| c.signature.arguments == [ty]).map(|c| format!("({} a)", c.name));
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
        let before = between(&self.functions[..place], &[ty, ty], ty);
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
        for turn in self.from(&[ty], ty) {
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
            let whole = k.of(if flipped { &["b", "a"] } else { &["a", "b"] });
            for h in self.from(&[value], kept) {
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
        for turn in self.from(&[second], second) {
            let (turned, plain) = (k.of(&["p", &turn.of(&["a"])]), k.of(&["p", "a"]));
            let right = if second == result { turn.of(&[&plain]) } else { plain };
            self.law(&[a, p], turned, right);
        }
        if second == result {
            self.law(&[a, p, q], k.of(&["p", &k.of(&["q", "a"])]), k.of(&["q", &k.of(&["p", "a"])]));
            self.law(&[a, p], k.of(&["p", &k.of(&["p", "a"])]), k.of(&["p", "a"]));
            // Sizes.
            for m in self.from(&[second], "Nat") {
                let (left, plain) = (m.of(&[&k.of(&["p", "a"])]), m.of(&["a"]));
                self.law(&[a, p], left.clone(), plain.clone());
                self.law(&[a, p], left, format!("{plain} + 1"));
            }
        }
    }
}

/// Those of some functions from some types to another.
fn between<'h>(functions: &[&'h Definition], arguments: &[&str], result: &str) -> Vec<Function<'h>> {
    let fits = |f: &&&Definition| f.signature.arguments == arguments && f.signature.result == result;
    functions.iter().filter(fits).map(|f| Function::Own(f)).collect()
}
