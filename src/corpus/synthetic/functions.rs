//! Functions that equations describe: their values, injectivity, chains of equations.

use fastrand::Rng;

use super::pick;

/// Additive functions.
pub fn additive(rng: &mut Rng) -> String {
    let k = rng.u64(2..=6);
    let known = "(f : Int → Int) (h : ∀ x y, f (x + y) = f x + f y)";
    match rng.u8(..4) {
        0 => format!("{known} : f 0 = 0"),
        1 => format!("{known} (x : Int) : f ({}) = {k} * f x", vec!["x"; k as usize].join(" + ")),
        2 => format!("{known} (x : Int) : f (-x) + f x = 0"),
        _ => format!("{known} (a : Int) (h₁ : f 1 = a) : f {k} = {k} * a"),
    }
}

/// The value of a function at a number, from a step that is taken so often.
pub fn value(rng: &mut Rng) -> String {
    let (a, d, k, n) = (rng.u64(0..=6), rng.u64(1..=5), rng.u64(2..=3), rng.u64(2..=5));
    match rng.u8(..3) {
        0 => format!("(f : Nat → Nat) (h₀ : f 0 = {a}) (h : ∀ n, f (n + 1) = f n + {d}) : f {n} = {}", a + d * n),
        1 => {
            let end = (0..n).fold(a, |v, _| k * v + d);
            format!("(f : Nat → Nat) (h₀ : f 0 = {a}) (h : ∀ n, f (n + 1) = {k} * f n + {d}) : f {n} = {end}")
        }
        _ => {
            let (mut x, mut y) = (a, d);
            (0..n).for_each(|_| (x, y) = (y, x + y));
            format!("(f : Nat → Nat) (h₀ : f 0 = {a}) (h₁ : f 1 = {d}) (h : ∀ n, f (n + 2) = f n + f (n + 1)) : f {n} = {x}")
        }
    }
}

/// What a recurrence keeps: a residue, a bound, growth.
pub fn invariant(rng: &mut Rng) -> String {
    let (m, c, d) = (rng.u64(2..=7), rng.u64(1..=5), rng.u64(0..=5));
    match rng.u8(..4) {
        0 => format!("(f : Nat → Nat) (h : ∀ n, f (n + 1) = f n + {}) (n : Nat) : f n % {m} = f 0 % {m}", m * c),
        1 => format!("(f : Nat → Nat) (h₀ : {c} ≤ f 0) (h : ∀ n, f n ≤ f (n + 1)) (n : Nat) : {c} ≤ f n"),
        2 => format!("(f : Nat → Nat) (h : ∀ n, f n + {c} ≤ f (n + 1)) (n : Nat) : {c} * n ≤ f n + {d}"),
        _ => format!("(f : Nat → Int) (h₀ : f 0 = {d}) (h : ∀ n, f (n + 1) = -f n) (n : Nat) : f (n + n) = {d}"),
    }
}

/// Functions that undo themselves or each other.
pub fn inverse(rng: &mut Rng) -> String {
    match rng.u8(..5) {
        0 => "(α : Type) (f : α → α) (h : ∀ x, f (f x) = x) (x y : α) (e : f x = f y) : x = y".to_owned(),
        1 => "(α β : Type) (f : α → β) (g : β → α) (h : ∀ x, g (f x) = x) (x y : α) (e : f x = f y) : x = y".to_owned(),
        2 => "(α : Type) (f : α → α) (h : ∀ x, f (f x) = x) (y : α) : ∃ x, f x = y".to_owned(),
        3 => {
            let times = rng.usize(1..=3);
            let (open, close) = ("f (f (".repeat(times), "))".repeat(times));
            format!("(α : Type) (f : α → α) (h : ∀ x, f (f x) = x) (x : α) : f ({open}x{close}) = f x")
        }
        _ => "(α β γ : Type) (f : α → β) (g : β → γ) (h₁ : ∀ x y, f x = f y → x = y) (h₂ : ∀ x y, g x = g y → x = y) \
              (x y : α) (e : g (f x) = g (f y)) : x = y"
            .to_owned(),
    }
}

/// Chains of equations, used inside of functions.
pub fn congruence(rng: &mut Rng) -> String {
    let length = rng.usize(2..=4);
    let names = ["a", "b", "c", "d", "e"];
    let mut links: Vec<String> = (0..length)
        .map(|i| {
            let (l, r) = if rng.bool() { (names[i], names[i + 1]) } else { (names[i + 1], names[i]) };
            format!("(h{i} : {l} = {r})")
        })
        .collect();
    rng.shuffle(&mut links);
    let (first, last) = (names[0], names[length]);
    let binders = format!("(α : Type) ({} : α) {}", names[..=length].join(" "), links.join(" "));
    match rng.u8(..3) {
        0 => format!("{binders} (f : α → Nat) : f {first} + 1 = f {last} + 1"),
        1 => format!("{binders} (g : α → α → α) : g {first} {last} = g {last} {first}"),
        _ => format!("{binders} (p : α → Prop) (h : p {last}) : p {first}"),
    }
}

/// Operations with some laws, and what follows from these.
pub fn operations(rng: &mut Rng) -> String {
    let law = pick(rng, &[0, 1, 2, 3]);
    let (comm, assoc) = ("(c : ∀ x y, m x y = m y x)", "(s : ∀ x y z, m (m x y) z = m x (m y z))");
    match law {
        0 => format!("(α : Type) (m : α → α → α) {comm} {assoc} (x y z : α) : m x (m y z) = m y (m x z)"),
        1 => format!("(α : Type) (m : α → α → α) (e : α) (l : ∀ x, m e x = x) {comm} (x : α) : m (m x e) e = x"),
        2 => "(α : Type) (m : α → α → α) (e d : α) (l : ∀ x, m e x = x) (r : ∀ x, m x d = x) : e = d".to_owned(),
        _ => format!("(α : Type) (m : α → α → α) {comm} {assoc} (x y z w : α) : m (m x y) (m z w) = m (m w y) (m z x)"),
    }
}
