//! Claims that something exists, with witnesses that must be found, and searches in a bounded range.

use fastrand::Rng;

use super::pick;

/// Numbers of small size that solve a linear equation.
pub fn witness(rng: &mut Rng) -> String {
    let (a, b) = (rng.u64(1..=9), rng.u64(1..=9));
    let (x, y) = (rng.u64(0..=12), rng.u64(0..=12));
    match rng.u8(..3) {
        0 => format!(": ∃ x : Nat, {a} * x + {b} = {}", a * x + b),
        1 => format!(": ∃ x y : Nat, {a} * x + {b} * y = {} ∧ x ≤ {}", a * x + b * y, x + rng.u64(0..=2)),
        _ => format!(": ∃ x : Int, {a} * x + {} = {b}", i64::try_from(b).unwrap_or(0) - i64::try_from(a * x).unwrap_or(0)),
    }
}

/// A witness inside a witness, each hanging on what is given.
pub fn nested_witness(rng: &mut Rng) -> String {
    let (k, c) = (rng.u64(1..=6), rng.u64(0..=5));
    match rng.u8(..5) {
        0 => format!("(n : Nat) : ∃ m, n + {c} < m ∧ ∃ j, m = j + {k}"),
        1 => format!("(n : Nat) : ∃ a, ∃ b, a + b = n + {c} ∧ a ≤ {c} ∧ b ≤ n"),
        2 => format!("(n m : Nat) (h : n + {k} ≤ m) : ∃ d, m = n + d ∧ ∃ e, d = e + {k}"),
        3 => format!("(x : Int) : ∃ y, y + x = {c} ∧ ∃ z, z = y + {k}"),
        _ => format!("(n : Nat) : ∃ p : Nat × Nat, p.1 + p.2 = n ∧ p.1 ≤ p.2 + {c}"),
    }
}

/// From what a division leaves to the number that it was made of, and back.
pub fn quotient(rng: &mut Rng) -> String {
    let m = rng.u64(2..=12);
    let r = rng.u64(0..m);
    let text = if r == 0 { format!("{m} * k") } else { format!("{m} * k + {r}") };
    match rng.u8(..3) {
        0 => format!("(n : Nat) (h : n % {m} = {r}) : ∃ k, n = {text}"),
        1 => format!("(n : Nat) (h : ∃ k, n = {text}) : n % {m} = {r}"),
        _ => format!("(n : Nat) : ∃ k, n < {m} * k ∧ {m} * k ≤ n + {m}"),
    }
}

/// A number beyond a bound with a residue of its own.
pub fn beyond(rng: &mut Rng) -> String {
    let m = rng.u64(2..=9);
    let (r, c) = (rng.u64(0..m), rng.u64(0..=6));
    match rng.u8(..2) {
        0 => format!("(n : Nat) : ∃ k, n < k ∧ k % {m} = {r}"),
        _ => format!("(n : Nat) : ∃ k, n + {c} ≤ k ∧ {m} ∣ k"),
    }
}

/// A sum of two squares, or a product, with its parts to be found.
pub fn parts(rng: &mut Rng) -> String {
    let (a, b) = (rng.u64(1..=9), rng.u64(1..=9));
    match rng.u8(..2) {
        0 => format!(": ∃ a b : Nat, 0 < a ∧ a * a + b * b = {}", a * a + b * b),
        _ => format!(": ∃ a b : Nat, 1 < a ∧ 1 < b ∧ a * b = {}", (a + 1) * (b + 1)),
    }
}

/// What holds of all numbers below a bound (tried out before it is claimed).
pub fn bounded_all(rng: &mut Rng) -> Option<String> {
    let bound = rng.u64(4..=20);
    let (a, m) = (rng.u64(0..=5), rng.u64(3..=11));
    let value = |n: u64| (n * n + a * n) % m;
    let never = (0..m).find(|r| (0..bound).all(|n| value(n) != *r))?;
    let term = if a == 0 { "n * n".to_owned() } else { format!("n * n + {a} * n") };
    Some(match rng.u8(..2) {
        0 => format!("(n : Nat) (h : n < {bound}) : ({term}) % {m} ≠ {never}"),
        _ => format!(": ∀ n : Nat, n < {bound} → ¬ ({term}) % {m} = {never}"),
    })
}

/// The solutions of a congruence below a bound.
pub fn bounded_solutions(rng: &mut Rng) -> Option<String> {
    let (bound, m) = (rng.u64(4..=16), rng.u64(3..=13));
    let r = rng.u64(0..m);
    let solutions: Vec<u64> = (0..bound).filter(|n| n * n % m == r).collect();
    if solutions.is_empty() || solutions.len() > 4 {
        return None;
    }
    let cases: Vec<String> = solutions.iter().map(|n| format!("n = {n}")).collect();
    Some(format!("(n : Nat) (h : n < {bound}) (h₂ : n * n % {m} = {r}) : {}", cases.join(" ∨ ")))
}

/// Something below a bound has a property.
pub fn bounded_some(rng: &mut Rng) -> String {
    let (n, m) = (rng.u64(2..=14), rng.u64(5..=17));
    let bound = n + rng.u64(1..=6);
    let (square, cube) = (n * n % m, n * n * n % m);
    match rng.u8(..3) {
        0 => format!(": ∃ n, n < {bound} ∧ n * n % {m} = {square}"),
        1 => format!(": ∃ n : Nat, 1 < n ∧ n < {bound} ∧ n * n * n % {m} = {cube}"),
        _ => format!(": ∃ n, n ≤ {bound} ∧ {} = n * n", n * n),
    }
}

/// A bounded number by cases, as `Fin` or by its bound.
pub fn finite(rng: &mut Rng) -> String {
    let k = rng.u64(2..=6);
    let most = (0..k).map(|i| i * i).max().unwrap_or(0);
    match pick(rng, &[0, 1, 2]) {
        0 => format!("(i : Fin {k}) : i.val * i.val ≤ {most}"),
        1 => format!("(i j : Fin {k}) (h : i.val = j.val) : i = j"),
        _ => format!("(i : Fin {k}) (h : {} ≤ i.val) : i.val = {}", k - 1, k - 1),
    }
}
