//! Divisibility, greatest common divisors, order, truncated subtraction, absolute values.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::pick;

fn scaled(k: u64, x: &str) -> String {
    if k == 1 { x.to_owned() } else { format!("{k} * {x}") }
}

/// What divides two numbers divides their sums; divisors of divisors.
pub fn divides(rng: &mut Rng) -> String {
    let (k, a, b) = (rng.u64(2..=9), rng.u64(1..=5), rng.u64(1..=5));
    let kind = pick(rng, &["Nat", "Int"]);
    match rng.u8(..5) {
        0 => format!("(x y : {kind}) (h₁ : {k} ∣ x) (h₂ : {k} ∣ y) : {k} ∣ {} + {}", scaled(a, "x"), scaled(b, "y")),
        1 => format!("(d x y : {kind}) (h₁ : d ∣ x) (h₂ : d ∣ y) : d ∣ {} + y * {b}", scaled(a, "x")),
        2 => format!("(x y z : {kind}) (h₁ : x ∣ y) (h₂ : y ∣ z) : x ∣ {}", scaled(a, "z")),
        3 => format!("(x y : {kind}) (h : x ∣ y) : {} ∣ {}", scaled(k, "x"), scaled(k, "y")),
        _ => format!("(x : {kind}) (h : {} ∣ x) : {k} ∣ x", k * (a + 1)),
    }
}

/// Residues of sums and products from those of their parts.
pub fn residues(rng: &mut Rng) -> String {
    let m = rng.u64(2..=11);
    let (r, s) = (rng.u64(0..m), rng.u64(0..m));
    let (a, b) = (rng.u64(1..=5), rng.u64(1..=5));
    let known = format!("(x y : Nat) (h₁ : x % {m} = {r}) (h₂ : y % {m} = {s})");
    match rng.u8(..3) {
        0 => format!("{known} : ({} + {}) % {m} = {}", scaled(a, "x"), scaled(b, "y"), (a * r + b * s) % m),
        1 => format!("{known} : (x * y) % {m} = {}", r * s % m),
        _ => format!("{known} : (x * x + {}) % {m} = {}", scaled(b, "y"), (r * r + b * s) % m),
    }
}

/// The residues that powers can have.
pub fn power_residues(rng: &mut Rng) -> Option<String> {
    let (power, m) = (rng.u32(2..=4), rng.u64(3..=13));
    let residues: BTreeSet<u64> = (0..m).map(|n| n.pow(power) % m).collect();
    if residues.len() > 5 || residues.len() as u64 == m {
        return None;
    }
    let cases: Vec<String> = residues.iter().map(|r| format!("n ^ {power} % {m} = {r}")).collect();
    let missing = (0..m).find(|r| !residues.contains(r))?;
    Some(match rng.u8(..2) {
        0 => format!("(n : Nat) : {}", cases.join(" ∨ ")),
        _ => format!("(n : Nat) : n ^ {power} % {m} ≠ {missing}"),
    })
}

/// Products of numbers in a row.
pub fn consecutive(rng: &mut Rng) -> String {
    let c = rng.u64(0..=4);
    let factor = |k: u64| if k == 0 { "n".to_owned() } else { format!("(n + {k})") };
    let count = rng.u64(2..=3);
    let product: Vec<String> = (c..c + count).map(factor).collect();
    let divisor = if count == 2 { 2 } else { pick(rng, &[2, 3, 6]) };
    match rng.u8(..2) {
        0 => format!("(n : Nat) : {divisor} ∣ {}", product.join(" * ")),
        _ => format!("(n : Nat) : ({}) % {divisor} = 0", product.join(" * ")),
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Greatest common divisors and least common multiples of numbers that are given.
pub fn gcd_of_numbers(rng: &mut Rng) -> String {
    let g = rng.u64(1..=30);
    let (a, b) = (g * rng.u64(1..=40), g * rng.u64(1..=40));
    match rng.u8(..3) {
        0 => format!(": Nat.gcd {a} {b} = {}", gcd(a, b)),
        1 => format!(": Nat.lcm {a} {b} = {}", a / gcd(a, b) * b),
        _ => format!(": Nat.gcd {a} {b} * Nat.lcm {a} {b} = {}", a * b),
    }
}

/// Laws of greatest common divisors and least common multiples.
pub fn gcd_laws(rng: &mut Rng) -> String {
    let (k, c) = (rng.u64(1..=6), rng.u64(1..=6));
    match rng.u8(..7) {
        0 => format!("(a b : Nat) : Nat.gcd a b ∣ {} + {}", scaled(k, "a"), scaled(c, "b")),
        1 => format!("(a b : Nat) : Nat.gcd (a + {}) b = Nat.gcd a b", scaled(k, "b")),
        2 => format!("(a b : Nat) : Nat.gcd ({k} * a) ({k} * b) = {k} * Nat.gcd b a"),
        3 => format!("(a b d : Nat) (h₁ : d ∣ a) (h₂ : d ∣ {} + b) : d ∣ Nat.gcd a b", scaled(k, "a")),
        4 => "(a b c : Nat) : Nat.gcd a (Nat.gcd b c) = Nat.gcd c (Nat.gcd a b)".to_owned(),
        5 => format!("(a b : Nat) : a ∣ {k} * Nat.lcm b a"),
        _ => format!("(a b c : Nat) (h₁ : a ∣ c) (h₂ : b ∣ {}) : Nat.lcm a b ∣ {}", scaled(k, "c"), scaled(k, "c")),
    }
}

/// Inequalities between naturals: sums, products, chains.
pub fn order(rng: &mut Rng) -> String {
    let (k, c, d) = (rng.u64(1..=6), rng.u64(0..=6), rng.u64(0..=6));
    match rng.u8(..6) {
        0 => format!("(a b : Nat) (h : a ≤ b) : {} + {c} ≤ {} + {}", scaled(k, "a"), scaled(k, "b"), c + d),
        1 => format!("(a b c d : Nat) (h₁ : a ≤ b) (h₂ : c ≤ d) : a * c + {c} ≤ b * d + {}", c + d),
        2 => format!("(a b : Nat) (h : a < b) : a * a + {c} < b * b + {}", c + 1),
        3 => format!("(a b c : Nat) (h₁ : a + {c} ≤ b) (h₂ : b + {d} ≤ c) : a + {} ≤ c", c + d),
        4 => format!("(a b : Nat) (h : 0 < b) : a ≤ {} * b + {c}", scaled(k, "a")),
        _ => format!("(a b n : Nat) (h : a ≤ b) : a ^ n + {c} ≤ b ^ n + {}", c + d),
    }
}

/// Minimum and maximum.
pub fn extremes(rng: &mut Rng) -> String {
    let (c, d) = (rng.u64(0..=6), rng.u64(0..=6));
    let kind = pick(rng, &["Nat", "Int"]);
    match rng.u8(..6) {
        0 => format!("(a b : {kind}) : min (a + {c}) (b + {c}) = min a b + {c}"),
        1 => format!("(a b : {kind}) : min a b + max a b + {c} = a + b + {c}"),
        2 => format!("(a b c : {kind}) (h₁ : a ≤ c) (h₂ : b + {c} ≤ c) : max a b ≤ c + {d}"),
        3 => format!("(a b : {kind}) : min a b ≤ max b a + {c}"),
        4 => format!("(a b c : {kind}) : max a (min b c) = min (max a b) (max a c)"),
        _ => format!("(a b : {kind}) (h : a + {c} < b) : min a b = a ∧ max a b = b"),
    }
}

/// Subtraction that stops at zero.
pub fn truncated(rng: &mut Rng) -> String {
    let (c, d) = (rng.u64(1..=8), rng.u64(1..=8));
    match rng.u8(..6) {
        0 => format!("(a b : Nat) (h : b ≤ a) : (a - b) + {c} = (a + {c}) - b"),
        1 => format!("(a b : Nat) : (a + {c}) - (b + {c}) = a - b"),
        2 => format!("(a b : Nat) : a - b - {c} = a - ({c} + b)"),
        3 => format!("(a b : Nat) (h : a + {c} ≤ b) : b - a - {c} + {} = b - a + {d}", c + d),
        4 => format!("(a b : Nat) : {c} * (a - b) = {c} * a - {c} * b"),
        _ => format!("(a b c : Nat) (h : a ≤ b) : a - c ≤ b - c + {d}"),
    }
}

/// Absolute values of integers.
pub fn absolute(rng: &mut Rng) -> String {
    let (c, k) = (rng.u64(1..=9), rng.u64(1..=5));
    match rng.u8(..5) {
        0 => format!("(x : Int) (h : x.natAbs ≤ {c}) : -{c} ≤ x ∧ x ≤ {c}"),
        1 => format!("(x : Int) (h₁ : -{c} ≤ x) (h₂ : x ≤ {c}) : x.natAbs ≤ {}", c + k),
        2 => format!("(x y : Int) : (x + y).natAbs ≤ x.natAbs + y.natAbs + {c}"),
        3 => format!("(x : Int) : ({k} * x).natAbs = {k} * x.natAbs"),
        _ => format!("(x y : Int) : (x - y).natAbs + {c} = (y - x).natAbs + {c}"),
    }
}
