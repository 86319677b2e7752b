//! `linear_combination`: the goal as a sum of multiples of the hypotheses, with coefficients found by elimination. It holds in
//! every commutative ring, ordered or not, and its check is a `ring`.

use std::collections::BTreeMap;

use num_rational::Ratio;
use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedSub, One, Signed, Zero};

use super::List;
use super::scene::{Number, Relation, Scene, relation};

type Rational = Ratio<i128>;
/// Atoms, by number, each with its power.
type Monomial = Vec<(usize, u32)>;
type Polynomial = BTreeMap<Monomial, Rational>;

/// Equations that are combined, and unknown coefficients of a system.
const EQUATIONS: usize = 6;
const UNKNOWNS: usize = 40;
/// Highest power that is multiplied out, and terms of a polynomial.
const POWER: u32 = 8;
const TERMS: usize = 200;

/// The move of this module, where it can be found.
pub fn add(scene: &Scene, list: &mut List) {
    if scene.number == Number::Nat {
        return;
    }
    if let Some(combination) = combination(scene) {
        list.add(0.52, format!("linear_combination {combination}"));
    }
    // Both sides of a conjunction.
    if scene.target.contains(" ∧ ") {
        let sides: Option<Vec<String>> =
            scene.target.split(" ∧ ").map(|side| Some(format!("linear_combination {}", solve(scene, side)?))).collect();
        if let Some(sides) = sides.filter(|s| s.len() <= 4) {
            let holes = vec!["?_"; sides.len()].join(", ");
            list.add(0.45, format!("refine ⟨{holes}⟩\n· {}", sides.join("\n· ")));
        }
    }
}

fn combination(scene: &Scene) -> Option<String> {
    solve(scene, scene.target)
}

/// Coefficients for an equation: constants first, then multiples of the variables.
fn solve(scene: &Scene, target: &str) -> Option<String> {
    let mut atoms = Atoms { names: Vec::new(), field: scene.number.is_field() };
    let difference = |text: &str, atoms: &mut Atoms| -> Option<Polynomial> {
        let (left, Relation::Equal, right) = relation(text)? else { return None };
        subtract(&atoms.read(left)?, &atoms.read(right)?)
    };
    let goal = difference(target, &mut atoms)?;
    let mut equations: Vec<(String, Polynomial)> = Vec::new();
    for fact in &scene.facts {
        if equations.len() < EQUATIONS
            && let Some(read) = difference(&fact.says, &mut atoms)
            && !read.is_empty()
        {
            equations.push((fact.term.clone(), read));
        }
    }
    if let Some(unit) = atoms.names.iter().position(|a| a == "Complex.I" || a == "I") {
        let square = Polynomial::from([(vec![(unit, 2)], Rational::one()), (Vec::new(), Rational::one())]);
        equations.push(("Complex.I_sq".to_owned(), square));
    }
    if goal.is_empty() || equations.is_empty() {
        return None;
    }
    let ones = vec![Vec::new()];
    let linear: Vec<Monomial> = (0..atoms.names.len()).map(|atom| vec![(atom, 1)]).collect();
    let wide: Vec<Monomial> = ones.iter().cloned().chain(linear).collect();
    [ones, wide].iter().find_map(|multipliers| {
        let columns: Vec<(usize, &Monomial)> =
            (0..equations.len()).flat_map(|e| multipliers.iter().map(move |m| (e, m))).collect();
        if columns.len() > UNKNOWNS {
            return None;
        }
        let products: Option<Vec<Polynomial>> = columns
            .iter()
            .map(|(e, m)| multiply(&equations[*e].1, &Polynomial::from([((*m).clone(), Rational::one())])))
            .collect();
        let found = eliminate(&products?, &goal)?;
        let terms = columns.iter().zip(&found).filter(|(_, c)| !c.is_zero());
        let mut written = String::new();
        for ((equation, monomial), coefficient) in terms {
            let sign = match (written.is_empty(), coefficient.is_negative()) {
                (true, true) => "-",
                (true, false) => "",
                (false, true) => " - ",
                (false, false) => " + ",
            };
            let mut factors = Vec::new();
            if !coefficient.abs().is_one() {
                let c = coefficient.abs();
                factors.push(if c.is_integer() {
                    c.to_integer().to_string()
                } else {
                    format!("({} / {})", c.numer(), c.denom())
                });
            }
            factors.extend(monomial.iter().map(|(atom, _)| super::scene::argument(&atoms.names[*atom])));
            factors.push(equations[*equation].0.clone());
            written.push_str(&format!("{sign}{}", factors.join(" * ")));
        }
        (!written.is_empty()).then_some(written)
    })
}

/// Coefficients with which the columns add up to the goal.
fn eliminate(columns: &[Polynomial], goal: &Polynomial) -> Option<Vec<Rational>> {
    let mut monomials: Vec<&Monomial> = columns.iter().chain([goal]).flat_map(|p| p.keys()).collect();
    monomials.sort();
    monomials.dedup();
    let at = |p: &Polynomial, m: &Monomial| p.get(m).copied().unwrap_or_else(Rational::zero);
    let mut rows: Vec<Vec<Rational>> =
        monomials.iter().map(|m| columns.iter().chain([goal]).map(|p| at(p, m)).collect()).collect();
    let width = columns.len();
    let (mut row, mut pivots) = (0, Vec::new());
    for column in 0..width {
        let Some(found) = (row..rows.len()).find(|&r| !rows[r][column].is_zero()) else { continue };
        rows.swap(row, found);
        let pivot = rows[row][column];
        for value in &mut rows[row] {
            *value = value.checked_div(&pivot)?;
        }
        let base = rows[row].clone();
        for (_, other) in rows.iter_mut().enumerate().filter(|(r, other)| *r != row && !other[column].is_zero()) {
            let factor = other[column];
            for (value, of_base) in other.iter_mut().zip(&base) {
                *value = value.checked_sub(&of_base.checked_mul(&factor)?)?;
            }
        }
        pivots.push(column);
        row += 1;
    }
    if rows[row..].iter().any(|r| !r[width].is_zero()) {
        return None;
    }
    let mut found = vec![Rational::zero(); width];
    pivots.iter().enumerate().for_each(|(r, &column)| found[column] = rows[r][width]);
    Some(found)
}

fn combine(a: &Polynomial, b: &Polynomial, factor: Rational) -> Option<Polynomial> {
    let mut sum = a.clone();
    for (monomial, coefficient) in b {
        let entry = sum.entry(monomial.clone()).or_insert_with(Rational::zero);
        *entry = entry.checked_add(&coefficient.checked_mul(&factor)?)?;
    }
    sum.retain(|_, c| !c.is_zero());
    (sum.len() <= TERMS).then_some(sum)
}

fn subtract(a: &Polynomial, b: &Polynomial) -> Option<Polynomial> {
    combine(a, b, -Rational::one())
}

fn multiply(a: &Polynomial, b: &Polynomial) -> Option<Polynomial> {
    let mut product = Polynomial::new();
    for (left, c) in a {
        for (right, d) in b {
            let mut monomial: BTreeMap<usize, u32> = left.iter().copied().collect();
            right.iter().for_each(|(atom, power)| *monomial.entry(*atom).or_default() += power);
            let entry = product.entry(monomial.into_iter().collect()).or_insert_with(Rational::zero);
            *entry = entry.checked_add(&c.checked_mul(d)?)?;
        }
        if product.len() > TERMS {
            return None;
        }
    }
    product.retain(|_, c| !c.is_zero());
    Some(product)
}

/// What is no sum, product or power stays whole.
struct Atoms {
    names: Vec<String>,
    /// Division by a number is multiplication.
    field: bool,
}

impl Atoms {
    /// Reads a term as a polynomial; `None` for what is none.
    fn read(&mut self, text: &str) -> Option<Polynomial> {
        let mut reader = Reader { rest: text.trim(), atoms: self };
        let read = reader.sum()?;
        reader.rest.trim().is_empty().then_some(read)
    }

    fn atom(&mut self, name: &str) -> Polynomial {
        let at = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        Polynomial::from([(vec![(at, 1)], Rational::one())])
    }
}

struct Reader<'t, 'a> {
    rest: &'t str,
    atoms: &'a mut Atoms,
}

impl<'t> Reader<'t, '_> {
    fn sign(&mut self, sign: char) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.starts_with(sign);
        if found {
            self.rest = &rest[sign.len_utf8()..];
        }
        found
    }

    fn sum(&mut self) -> Option<Polynomial> {
        let mut sum = self.product()?;
        loop {
            if self.sign('+') {
                sum = combine(&sum, &self.product()?, Rational::one())?;
            } else if self.sign('-') {
                sum = subtract(&sum, &self.product()?)?;
            } else {
                return Some(sum);
            }
        }
    }

    fn product(&mut self) -> Option<Polynomial> {
        let mut product = self.factor()?;
        loop {
            if self.sign('*') {
                product = multiply(&product, &self.factor()?)?;
            } else if self.atoms.field && self.sign('/') {
                let by = self.factor()?;
                let number = match by.iter().next() {
                    Some((monomial, c)) if by.len() == 1 && monomial.is_empty() => *c,
                    _ => return None,
                };
                product = multiply(&product, &Polynomial::from([(Vec::new(), Rational::one().checked_div(&number)?)]))?;
            } else {
                return Some(product);
            }
        }
    }

    fn factor(&mut self) -> Option<Polynomial> {
        if self.sign('-') {
            return subtract(&Polynomial::new(), &self.factor()?);
        }
        let base = self.application()?;
        if !self.sign('^') {
            return Some(base);
        }
        let rest = self.rest.trim_start();
        let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let power: u32 = rest[..length].parse().ok().filter(|power| *power <= POWER)?;
        self.rest = &rest[length..];
        (0..power).try_fold(Polynomial::from([(Vec::new(), Rational::one())]), |product, _| multiply(&product, &base))
    }

    /// A number, what stands in brackets, or an atom: a name with its arguments.
    fn application(&mut self) -> Option<Polynomial> {
        let start = self.rest.trim_start();
        self.rest = start;
        let word = self.word()?;
        if word.starts_with('(') && !self.argument_follows() {
            return self.atoms.read(word[1..].strip_suffix(')')?);
        }
        if let Ok(number) = word.parse::<i128>()
            && !self.argument_follows()
        {
            let number = Rational::from_integer(number);
            return Some(if number.is_zero() { Polynomial::new() } else { Polynomial::from([(Vec::new(), number)]) });
        }
        while self.argument_follows() {
            self.rest = self.rest.trim_start();
            self.word()?;
        }
        let name = start[..start.len() - self.rest.len()].trim();
        // Operators that are no part of a polynomial.
        (!name.contains(['∑', '∏', '∣', '%', '⁻', '!', '|', '∘', '⌊', '⌈', '⟨'])).then(|| self.atoms.atom(name))
    }

    fn argument_follows(&self) -> bool {
        let rest = self.rest.trim_start();
        rest.len() < self.rest.len() && rest.starts_with(|c: char| c == '(' || c == '↑' || c.is_alphanumeric() || c == '_')
    }

    /// One word, or a bracket with what it holds.
    fn word(&mut self) -> Option<&'t str> {
        let rest = self.rest;
        let first = rest.chars().next()?;
        let length = match first {
            '(' => {
                let mut depth = 0;
                let close = rest.char_indices().find(|(_, c)| {
                    depth += i32::from(*c == '(') - i32::from(*c == ')');
                    depth == 0
                });
                close?.0 + 1
            }
            '↑' | '√' => {
                self.rest = &rest[first.len_utf8()..];
                let inner = self.word()?;
                first.len_utf8() + inner.len()
            }
            c if c.is_alphanumeric() || c == '_' || c == 'π' => {
                rest.find(|c: char| !(c.is_alphanumeric() || "_.'₀₁₂₃₄₅₆₇₈₉".contains(c))).unwrap_or(rest.len())
            }
            _ => return None,
        };
        self.rest = &rest[length..];
        Some(&rest[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::Goal;

    fn found(goal: &str) -> Option<String> {
        combination(&Scene::new(&Goal::parse(goal).unwrap()))
    }

    #[test]
    fn coefficients_are_found() {
        assert_eq!(found("x e : ℂ\nh₀ : x + e = 7\nh₁ : 2 * x + e = 3\n⊢ e = 11").as_deref(), Some("2 * h₀ - h₁"));
        assert_eq!(found("a b : ℝ\nh : 3 * a + 2 * b = 12\ng : a = 4\n⊢ b = 0").as_deref(), Some("(1 / 2) * h - (3 / 2) * g"));
        let goal = "x y : ℝ\nh : x + y = 7\ng : x - y = 3\n⊢ x ^ 2 - y ^ 2 = 21";
        assert_eq!(found(goal).as_deref(), Some("x * h - y * h + 7 * g"));
        let product = found("q e : ℂ\nh : q = 2 - 2 * Complex.I\ng : e = 5 + 5 * Complex.I\n⊢ q * e = 20").unwrap();
        assert!(product.contains("q * g") && product.ends_with("- 10 * Complex.I_sq"), "{product}");
        let goal = "a c : ℂ\nh : a = 2 * Complex.I\n⊢ a * Complex.I = -2";
        assert_eq!(found(goal).as_deref(), Some("Complex.I * h + 2 * Complex.I_sq"));
        let goal = "f : ℤ → ℤ\nh : f 1 + f (n + 1) = 3\ng : f (n + 1) = 2\n⊢ f 1 = 1";
        assert_eq!(found(goal).as_deref(), Some("h - g"));
        assert_eq!(found("x : ℝ\nh : x ^ 2 = 2\n⊢ x = 1"), None);
        assert_eq!(found("x : ℝ\n⊢ x = x"), None, "there is nothing to combine");
        assert_eq!(found("x y : ℝ\nh : x / y = 2\n⊢ x = 2 * y"), None, "a division by a variable is no polynomial");
    }

    #[test]
    fn terms_are_read_as_lean_does() {
        let mut atoms = Atoms { names: Vec::new(), field: true };
        let mut same = |a: &str, b: &str| assert_eq!(atoms.read(a).unwrap(), atoms.read(b).unwrap(), "{a}, {b}");
        same("-x ^ 2 + 3 * (x + y) ^ 2", "2 * x ^ 2 + 6 * x * y + 3 * y ^ 2");
        same("(a - b) * (a + b) / 2", "a * a / 2 - b ^ 2 * (1 / 2)");
        same("2 * ↑n - -↑n", "3 * ↑n");
        same("f (x + 1) * 2", "2 * f (x + 1)");
        assert!(atoms.read("x % 2").is_none() && atoms.read("|x| + 1").is_none() && atoms.read("(x").is_none());
    }
}
