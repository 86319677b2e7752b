//! Sequences given by a recurrence whose values repeat: finds the period by computing, and proves it by induction.
//!
//! The values are computed here only to know what to claim; Lean proves the claim.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::candidate::{Family, List};
use super::shape::{entries, fresh, split_top};
use crate::lean::Goal;

/// Longest period that is looked for, and how many values are computed to see it.
const LONGEST: usize = 16;
const COMPUTED: i64 = 64;
/// Largest argument of the sequence in a goal for which its value is claimed.
const LARGEST: i64 = 1_000_000;

/// A fraction in lowest terms, or nothing after an overflow or a division by zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ratio(i128, i128);

impl Ratio {
    fn new(n: i128, d: i128) -> Option<Ratio> {
        let g = gcd(n.unsigned_abs(), d.unsigned_abs());
        let g = i128::try_from(g).ok().filter(|g| *g > 0)?;
        (d != 0).then_some(Ratio(n / g * d.signum(), (d / g).abs()))
    }

    fn combine(self, op: char, other: Ratio) -> Option<Ratio> {
        let Ratio(a, b) = self;
        let Ratio(c, d) = other;
        let cross = |x: i128, y: i128| x.checked_mul(y);
        match op {
            '+' => Ratio::new(cross(a, d)?.checked_add(cross(c, b)?)?, cross(b, d)?),
            '-' => Ratio::new(cross(a, d)?.checked_sub(cross(c, b)?)?, cross(b, d)?),
            '*' => Ratio::new(cross(a, c)?, cross(b, d)?),
            '/' => Ratio::new(cross(a, d)?, cross(b, c)?),
            _ => None,
        }
    }

    /// As Lean reads it.
    fn text(self) -> String {
        match self {
            Ratio(n, 1) if n >= 0 => n.to_string(),
            Ratio(n, 1) => format!("({n})"),
            Ratio(n, d) => format!("({n} / {d})"),
        }
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A term over the sequence: `Value(i)` is its value at `n + i`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Number(i128),
    Value(i64),
    Negative(Box<Term>),
    Binary(char, Box<Term>, Box<Term>),
    Power(Box<Term>, u32),
}

impl Term {
    fn value(&self, at: &dyn Fn(i64) -> Option<Ratio>) -> Option<Ratio> {
        match self {
            Term::Number(n) => Ratio::new(*n, 1),
            Term::Value(i) => at(*i),
            Term::Negative(t) => Ratio(0, 1).combine('-', t.value(at)?),
            Term::Binary(op, a, b) => a.value(at)?.combine(*op, b.value(at)?),
            Term::Power(t, e) => (0..*e).try_fold(Ratio(1, 1), |all, _| all.combine('*', t.value(at)?)),
        }
    }

    /// With `index` for the arguments of the sequence `x`.
    fn text(&self, x: &str, index: &dyn Fn(i64) -> String) -> String {
        match self {
            Term::Number(n) => n.to_string(),
            Term::Value(i) => call(x, &index(*i)),
            Term::Negative(t) => format!("(-{})", t.text(x, index)),
            Term::Binary(op, a, b) => format!("({} {op} {})", a.text(x, index), b.text(x, index)),
            Term::Power(t, e) => format!("({} ^ {e})", t.text(x, index)),
        }
    }

    fn offsets(&self, found: &mut Vec<i64>) {
        match self {
            Term::Number(_) => {}
            Term::Value(i) => found.push(*i),
            Term::Negative(t) | Term::Power(t, _) => t.offsets(found),
            Term::Binary(_, a, b) => {
                a.offsets(found);
                b.offsets(found);
            }
        }
    }
}

/// `∀ n ≥ least, x (n + ahead) = term`.
#[derive(Debug, PartialEq, Eq)]
struct Recurrence {
    name: String,
    sequence: String,
    ahead: i64,
    least: i64,
    /// Whether the hypothesis asks for a proof of `n ≥ least`.
    bounded: bool,
    term: Term,
}

/// The steps of this module.
pub fn steps(goal: &Goal, list: &mut List) {
    list.begin(Family::Recurrence);
    for entry in entries(goal) {
        let Some(recurrence) = parse(entry.name, entry.ty) else { continue };
        if let Some(tactic) = periodic(goal, &recurrence) {
            list.add(0.3, tactic);
        }
    }
}

/// Reads a hypothesis such as `∀ (n : ℕ), n ≥ 3 → t n = (5 * t (n - 1) + 1) / (25 * t (n - 2))`.
fn parse(name: &str, ty: &str) -> Option<Recurrence> {
    static HEAD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^∀ (?:\((\w+) : (?:ℕ|Nat)\)|(\w+)( [≥>] \d+)?), ").expect("fixed"));
    static BOUND: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^(?:(\w+) (≥|>) (\d+)|(\d+) (≤|<) (\w+))\s*→\s*").expect("fixed"));
    let flat = ty.split_whitespace().collect::<Vec<_>>().join(" ");
    let head = HEAD.captures(&flat)?;
    let n = head.get(1).or(head.get(2))?.as_str();
    let mut rest = &flat[head[0].len()..];
    let (mut least, mut bounded) = (0, false);
    if let Some(bound) = BOUND.captures(rest) {
        let number: i64 = bound.get(3).or(bound.get(4))?.as_str().parse().ok()?;
        let strict = bound.get(2).or(bound.get(5)).is_some_and(|m| [">", "<"].contains(&m.as_str()));
        (least, bounded) = (number + i64::from(strict), true);
        rest = &rest[bound[0].len()..];
    }
    let (left, right) = split_top(rest, " = ")?;
    let sequence = left.split(' ').next()?.to_owned();
    let mut reader = Reader { x: &sequence, n, tokens: tokens(left) };
    let Term::Value(ahead) = reader.sum()? else { return None };
    let mut reader = Reader { x: &sequence, n, tokens: tokens(right) };
    let term = reader.sum().filter(|_| reader.tokens.is_empty())?;
    Some(Recurrence { name: name.to_owned(), sequence, ahead, least, bounded, term })
}

fn tokens(text: &str) -> Vec<String> {
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+|[\p{L}_][\p{L}\p{N}_'.]*|\S").expect("fixed"));
    let mut found: Vec<String> = TOKEN.find_iter(text).map(|m| m.as_str().to_owned()).collect();
    found.reverse();
    found
}

/// Reads terms from tokens, the next one last.
struct Reader<'a> {
    x: &'a str,
    n: &'a str,
    tokens: Vec<String>,
}

impl Reader<'_> {
    fn next_is(&self, wanted: &[&str]) -> bool {
        self.tokens.last().is_some_and(|t| wanted.contains(&t.as_str()))
    }

    fn sum(&mut self) -> Option<Term> {
        let mut all = self.product()?;
        while self.next_is(&["+", "-"]) {
            let op = self.tokens.pop()?.chars().next()?;
            all = Term::Binary(op, Box::new(all), Box::new(self.product()?));
        }
        Some(all)
    }

    fn product(&mut self) -> Option<Term> {
        let mut all = self.power()?;
        while self.next_is(&["*", "/"]) {
            let op = self.tokens.pop()?.chars().next()?;
            all = Term::Binary(op, Box::new(all), Box::new(self.power()?));
        }
        Some(all)
    }

    fn power(&mut self) -> Option<Term> {
        let base = self.atom()?;
        if !self.next_is(&["^"]) {
            return Some(base);
        }
        self.tokens.pop();
        let exponent: u32 = self.tokens.pop()?.parse().ok().filter(|e| *e <= 6)?;
        Some(Term::Power(Box::new(base), exponent))
    }

    fn atom(&mut self) -> Option<Term> {
        let token = self.tokens.pop()?;
        if token == self.x {
            return Some(Term::Value(self.index()?));
        }
        match token.as_str() {
            "(" => {
                let inner = self.sum()?;
                (self.tokens.pop()? == ")").then_some(inner)
            }
            "-" => Some(Term::Negative(Box::new(self.power()?))),
            number => number.parse().ok().map(Term::Number),
        }
    }

    /// `n`, `(n + 2)` or `(n - 1)`.
    fn index(&mut self) -> Option<i64> {
        let token = self.tokens.pop()?;
        if token == self.n {
            return Some(0);
        }
        if token != "(" || self.tokens.pop()? != self.n {
            return None;
        }
        let sign = match self.tokens.pop()?.as_str() {
            "+" => 1,
            "-" => -1,
            _ => return None,
        };
        let offset: i64 = self.tokens.pop()?.parse().ok()?;
        (self.tokens.pop()? == ")" && offset <= 20).then_some(sign * offset)
    }
}

/// Values that hypotheses give: index, value, name.
fn known(goal: &Goal, x: &str) -> BTreeMap<i64, (Ratio, String)> {
    static EQUATION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(\S+) (\d+) = (-?\d+)(?: / (\d+))?$").expect("fixed"));
    let mut found = BTreeMap::new();
    for entry in entries(goal) {
        let Some(c) = EQUATION.captures(entry.ty).filter(|c| &c[1] == x) else { continue };
        let denominator = c.get(4).map_or(Ok(1), |d| d.as_str().parse());
        if let (Ok(index), Ok(n), Ok(d)) = (c[2].parse(), c[3].parse(), denominator)
            && let Some(value) = Ratio::new(n, d)
        {
            found.insert(index, (value, entry.name.to_owned()));
        }
    }
    found
}

/// The proof of the period, and the values that the target speaks of.
fn periodic(goal: &Goal, r: &Recurrence) -> Option<String> {
    let given = known(goal, &r.sequence);
    let low = *given.keys().next()?;
    let mut offsets = Vec::new();
    r.term.offsets(&mut offsets);
    let order = r.ahead - offsets.iter().min()?;
    if order < 1 || offsets.iter().any(|o| *o >= r.ahead) || !(low..low + order).all(|i| given.contains_key(&i)) {
        return None;
    }
    let mut values: BTreeMap<i64, Ratio> = given.range(low..).map(|(i, (v, _))| (*i, *v)).collect();
    for index in low..low + COMPUTED {
        if !values.contains_key(&index) {
            let n = index - r.ahead;
            if n < r.least || n + offsets.iter().min()? < low {
                return None;
            }
            let value = r.term.value(&|i| values.get(&(n + i)).copied())?;
            values.insert(index, value);
        }
    }
    let value = |i: i64| values[&i];
    let period = (1..=LONGEST as i64).find(|p| (low..low + COMPUTED - p).all(|i| value(i) == value(i + p)))?;
    let arguments = arguments(&goal.target, &r.sequence);
    if arguments.is_empty() || arguments.iter().any(|a| *a < low) {
        return None;
    }
    Some(script(goal, r, low, period, &value, &given, &arguments))
}

/// A function's application as people write it.
fn call(x: &str, argument: &str) -> String {
    if argument.contains(' ') { format!("{x} ({argument})") } else { format!("{x} {argument}") }
}

/// Numerals to which the sequence is applied in a text.
fn arguments(text: &str, x: &str) -> Vec<i64> {
    let Ok(call) = Regex::new(&format!(r"(?:^|[^\w.'])(?:{}) (\d+)", regex::escape(x))) else { return Vec::new() };
    let mut found: Vec<i64> = call.captures_iter(text).filter_map(|c| c[1].parse().ok()).filter(|n| *n <= LARGEST).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn script(
    goal: &Goal,
    r: &Recurrence,
    low: i64,
    period: i64,
    value: &dyn Fn(i64) -> Ratio,
    given: &BTreeMap<i64, (Ratio, String)>,
    arguments: &[i64],
) -> String {
    const CLOSE: &str = "first | rfl | decide | grind | omega | decide +kernel";
    let x = &r.sequence;
    let mut taken = Vec::new();
    let mut name = |wish: &str| fresh(goal, wish, &mut taken);
    let (all, k, ih, e, b) = (name("per"), name("k"), name("ih"), name("e"), name("b"));
    let asked = if r.bounded { " (by omega)" } else { "" };
    let mut text = String::new();
    // One value from those before it; `index` writes a place, `fact` names the equation of a place.
    let derive = |text: &mut String, pad: &str, at: i64, index: &dyn Fn(i64) -> String, fact: &dyn Fn(i64) -> String| {
        let n = at - r.ahead;
        let equation = r.term.text(x, &|i| index(n + i));
        let mut offsets = Vec::new();
        r.term.offsets(&mut offsets);
        offsets.sort_unstable();
        offsets.dedup();
        let facts: Vec<String> = offsets.iter().map(|i| fact(n + i)).collect();
        let (left, instance) = (call(x, &index(at)), call(&r.name, &index(n)));
        text.push_str(&format!("{pad}have {e} : {left} = {equation} := {instance}{asked}\n"));
        text.push_str(&format!("{pad}have {b}{at} : {left} = {} := by\n", value(at).text()));
        text.push_str(&format!("{pad}  rw [{e}, {}]\n{pad}  {CLOSE}\n", facts.join(", ")));
    };
    let own = |i: i64| given.get(&i).map_or_else(|| format!("{b}{i}"), |(_, name)| name.clone());
    for at in (low..low + period).filter(|i| !given.contains_key(i)) {
        derive(&mut text, "", at, &|i| i.to_string(), &own);
    }
    let claim: Vec<String> = (low..low + period).map(|i| format!("{x} ({period} * {k} + {i}) = {}", value(i).text())).collect();
    text.push_str(&format!("have {all} : ∀ {k} : Nat, {} := by\n  intro {k}\n", claim.join(" ∧ ")));
    let facts: Vec<String> = (low..low + period).map(own).collect();
    text.push_str(&format!("  induction {k} with\n  | zero => exact ⟨{}⟩\n  | succ {k} {ih} =>\n", facts.join(", ")));
    let step = |i: i64| format!("{b}{i}");
    let names: Vec<String> = (low..low + period).map(step).collect();
    text.push_str(&format!("    obtain ⟨{}⟩ := {ih}\n", names.join(", ")));
    for at in low + period..low + 2 * period {
        // The values one period on are those of this one.
        derive(&mut text, "    ", at, &|i| format!("{period} * {k} + {i}"), &step);
    }
    let next: Vec<String> = (low + period..low + 2 * period).map(step).collect();
    text.push_str(&format!("    rw [show {period} * ({k} + 1) = {period} * {k} + {period} by omega]\n"));
    text.push_str(&format!("    exact ⟨{}⟩\n", next.join(", ")));
    let mut found = Vec::new();
    for &n in arguments {
        let (q, place) = ((n - low) / period, (n - low) % period);
        let first = if place + 1 < period { ".1" } else { "" };
        let path = format!("({all} {q}){}{first}", ".2".repeat(place as usize));
        let path = if period == 1 { format!("{all} {q}") } else { path };
        let fact = format!("{b}at{n}");
        text.push_str(&format!("have {fact} : {x} {n} = {} := {path}\n", value(low + place).text()));
        found.push(fact);
    }
    let found = found.join(", ");
    text.push_str(&format!(
        "first | omega | (rw [{found}]; first | rfl | decide +kernel) | (simp only [{found}]; {CLOSE}) | grind"
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recurrences_are_read() {
        let r = parse("h", "∀ (n : ℕ), n ≥ 3 → t n = (5 * t (n - 1) + 1) / (25 * t (n - 2))").unwrap();
        assert_eq!((r.sequence.as_str(), r.ahead, r.least, r.bounded), ("t", 0, 3, true));
        let r = parse("h", "∀ (n : Nat), a (n + 2) = a (n + 1) - a n").unwrap();
        assert_eq!((r.ahead, r.least, r.bounded), (2, 0, false));
        assert_eq!(r.term.text("a", &|i| i.to_string()), "(a 1 - a 0)");
        assert!(parse("h", "∀ (n : Nat), f (f n) = n").is_none());
    }

    #[test]
    fn a_period_is_found_and_proved() {
        let goal =
            Goal::parse("a : Nat → Int\nh0 : a 0 = 1\nh1 : a 1 = 3\nh : ∀ (n : Nat), a (n + 2) = a (n + 1) - a n\n⊢ a 602 = 2");
        let goal = goal.unwrap();
        let mut list = List::default();
        steps(&goal, &mut list);
        let tactic = list.tactics()[0];
        // 1, 3, 2, -1, -3, -2, 1, …
        assert!(
            tactic.contains("a (6 * k + 3) = (-1)") && tactic.contains("have bat602 : a 602 = 2 := (per 100).2.2.1"),
            "{tactic}"
        );
        assert_eq!(crate::lean::guard::check(tactic), Ok(()));
        let grows = Goal::parse("a : Nat → Int\nh0 : a 0 = 1\nh : ∀ (n : Nat), a (n + 1) = 2 * a n\n⊢ a 9 = 512").unwrap();
        let mut list = List::default();
        steps(&grows, &mut list);
        assert!(list.tactics().is_empty());
    }
}
