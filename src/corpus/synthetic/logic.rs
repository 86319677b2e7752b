//! Propositional theorems: random formulas whose truth table says that the last follows from the others.

use fastrand::Rng;

use super::pick;

const ATOMS: [&str; 4] = ["p", "q", "r", "s"];

enum Formula {
    Atom(usize),
    Not(Box<Formula>),
    And(Box<Formula>, Box<Formula>),
    Or(Box<Formula>, Box<Formula>),
    Implies(Box<Formula>, Box<Formula>),
    Iff(Box<Formula>, Box<Formula>),
}

impl Formula {
    fn draw(rng: &mut Rng, atoms: usize, depth: usize) -> Formula {
        if depth == 0 || rng.u8(..6) == 0 {
            return Formula::Atom(rng.usize(..atoms));
        }
        let mut part = || Box::new(Formula::draw(rng, atoms, depth - 1));
        let (a, b) = (part(), part());
        match pick(rng, &[0, 1, 1, 2, 2, 3, 3, 4]) {
            0 => Formula::Not(a),
            1 => Formula::And(a, b),
            2 => Formula::Or(a, b),
            3 => Formula::Implies(a, b),
            _ => Formula::Iff(a, b),
        }
    }

    /// Under the valuation whose bits are the atoms' values.
    fn holds(&self, values: usize) -> bool {
        match self {
            Formula::Atom(i) => values >> i & 1 == 1,
            Formula::Not(a) => !a.holds(values),
            Formula::And(a, b) => a.holds(values) && b.holds(values),
            Formula::Or(a, b) => a.holds(values) || b.holds(values),
            Formula::Implies(a, b) => !a.holds(values) || b.holds(values),
            Formula::Iff(a, b) => a.holds(values) == b.holds(values),
        }
    }

    fn text(&self) -> String {
        let part = |f: &Formula| if matches!(f, Formula::Atom(_)) { f.text() } else { format!("({})", f.text()) };
        match self {
            Formula::Atom(i) => ATOMS[*i].to_owned(),
            Formula::Not(a) => format!("¬{}", part(a)),
            Formula::And(a, b) => format!("{} ∧ {}", part(a), part(b)),
            Formula::Or(a, b) => format!("{} ∨ {}", part(a), part(b)),
            Formula::Implies(a, b) => format!("{} → {}", part(a), part(b)),
            Formula::Iff(a, b) => format!("{} ↔ {}", part(a), part(b)),
        }
    }
}

/// `None` when what was drawn does not follow, follows without its hypotheses, or from hypotheses that cannot hold.
pub fn propositional(rng: &mut Rng) -> Option<String> {
    let atoms = rng.usize(2..=ATOMS.len());
    let hypotheses: Vec<Formula> = (0..rng.usize(1..=3)).map(|_| Formula::draw(rng, atoms, 2)).collect();
    let claim = Formula::draw(rng, atoms, 2);
    let all = 0..1usize << atoms;
    let given = |values: &usize| hypotheses.iter().all(|h| h.holds(*values));
    let follows = all.clone().filter(given).all(|v| claim.holds(v));
    let idle = all.clone().all(|v| claim.holds(v)) || !all.clone().any(|v| given(&v));
    let known = hypotheses.iter().any(|h| h.text() == claim.text());
    if !follows || idle || known {
        return None;
    }
    let binders: String = hypotheses.iter().enumerate().map(|(i, h)| format!(" (h{} : {})", i + 1, h.text())).collect();
    Some(format!("({} : Prop){binders} : {}", ATOMS[..atoms].join(" "), claim.text()))
}
