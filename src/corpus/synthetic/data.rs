//! Lists, options, products and truth values: equations of their functions.

use fastrand::Rng;

use super::pick;

/// Where an element of a list is when it is in another.
pub fn membership(rng: &mut Rng) -> String {
    let names = ["xs", "ys", "zs"];
    let (own, first, second) = (pick(rng, &names), pick(rng, &names), pick(rng, &names));
    let binders = "(α : Type) (a b : α) (xs ys zs : List α)";
    match rng.u8(..5) {
        0 => format!("{binders} (h : a ∈ {own}) : a ∈ {first} ++ ({own} ++ {second})"),
        1 => format!("{binders} (h : a ∈ {first} ++ {own}) : a ∈ {own} ++ {first} ++ {second}"),
        2 => format!("{binders} (h : a ∈ b :: {own}) (n : a ≠ b) : a ∈ {own} ++ {first}"),
        3 => format!("{binders} (f : α → Nat) (h : a ∈ {own}) : f a ∈ ({first} ++ {own}).map f"),
        _ => format!("{binders} (h : ¬ a ∈ {own} ++ {first}) : ¬ a ∈ {first}.reverse"),
    }
}

/// Maps and filters over appended lists.
pub fn maps(rng: &mut Rng) -> String {
    let (c, d) = (rng.u64(1..=7), rng.u64(1..=7));
    match rng.u8(..7) {
        0 => format!("(xs : List Nat) : (xs.map (· + {c})).map (· + {d}) = xs.map (· + {})", c + d),
        1 => "(α β : Type) (f : α → β) (xs ys : List α) : (xs ++ ys).map f = xs.map f ++ ys.map f".to_owned(),
        2 => format!("(xs : List Nat) : (xs.map (· * {c})).length + {d} = {d} + xs.length"),
        3 => "(α : Type) (p : α → Bool) (xs ys : List α) : (xs ++ ys).filter p = xs.filter p ++ ys.filter p".to_owned(),
        4 => format!("(α : Type) (p : α → Bool) (xs : List α) : (xs.filter p).length ≤ xs.length + {c}"),
        5 => "(α : Type) (p : α → Bool) (xs : List α) : (xs.filter p).filter p = xs.filter p".to_owned(),
        _ => format!(
            "(xs ys : List Nat) : ((xs ++ ys).map (· + {c})).reverse = (ys.map (· + {c})).reverse ++ (xs.map (· + {c})).reverse"
        ),
    }
}

/// Sums, repetition, beginnings and ends of lists.
pub fn folds(rng: &mut Rng) -> String {
    let (c, n) = (rng.u64(1..=9), rng.u64(1..=9));
    match rng.u8(..7) {
        0 => format!("(xs ys : List Nat) : (xs ++ ys).sum + {c} = ys.sum + xs.sum + {c}"),
        1 => format!("(xs : List Nat) : (xs.map ({c} * ·)).sum = {c} * xs.sum"),
        2 => format!("(n : Nat) : (List.replicate n {c}).sum = {c} * n"),
        3 => format!("(α : Type) (xs : List α) : xs.take {n} ++ xs.drop {n} = xs"),
        4 => format!("(α : Type) (a : α) (n : Nat) : (List.replicate n a).length + {c} = n + {c}"),
        5 => format!("(α : Type) (xs : List α) (h : {} ≤ xs.length) : (xs.drop {n}).length + {n} = xs.length", n + c),
        _ => format!("(α : Type) (xs ys : List α) : (xs ++ ys).foldr (fun _ n => n + {c}) 0 = {c} * (xs.length + ys.length)"),
    }
}

/// Values that may be missing.
pub fn options(rng: &mut Rng) -> String {
    let c = rng.u64(1..=9);
    match rng.u8(..7) {
        0 => format!("(o : Option Nat) : (o.map (· + {c})).isSome = o.isSome"),
        1 => "(α : Type) (o : Option α) : o.bind some = o".to_owned(),
        2 => format!("(o : Option Nat) (h : o.isSome) : ∃ n, o.map (· * {c}) = some (n * {c})"),
        3 => "(α β γ : Type) (o : Option α) (f : α → β) (g : β → γ) : (o.map f).map g = o.map (g ∘ f)".to_owned(),
        4 => format!("(o : Option Nat) (n : Nat) (h : o = some n) : o.getD {c} + {c} = n + {c}"),
        5 => format!("(o : Option Nat) (h : o ≠ none) : (o.map (· + {c})) ≠ none"),
        _ => format!("(o p : Option Nat) (h : o = none) : (o.orElse fun _ => p).getD {c} = p.getD {c}"),
    }
}

/// Equations between truth values that hold for all values (tried out before they are claimed).
pub fn booleans(rng: &mut Rng) -> Option<String> {
    fn draw(rng: &mut Rng, depth: usize) -> (String, [bool; 8]) {
        if depth == 0 || rng.u8(..5) == 0 {
            let i = rng.usize(..3);
            return (["a", "b", "c"][i].to_owned(), std::array::from_fn(|v| v >> i & 1 == 1));
        }
        let (left, l) = draw(rng, depth - 1);
        match rng.u8(..4) {
            // In brackets: the sign binds weaker than an equation.
            0 => (format!("(!{left})"), l.map(|x| !x)),
            kind => {
                let (right, r) = draw(rng, depth - 1);
                let (sign, f): (&str, fn(bool, bool) -> bool) =
                    [("&&", (|x, y| x && y) as fn(bool, bool) -> bool), ("||", |x, y| x || y), ("^^", |x, y| x ^ y)]
                        [kind as usize - 1];
                (format!("({left} {sign} {right})"), std::array::from_fn(|v| f(l[v], r[v])))
            }
        }
    }
    let (left, l) = draw(rng, 3);
    let (right, r) = draw(rng, 3);
    (l == r && left != right).then(|| format!("(a b c : Bool) : {left} = {right}"))
}

/// Functions on truth values, of which there are few.
pub fn finite_functions(rng: &mut Rng) -> String {
    match rng.u8(..5) {
        0 => "(f : Bool → Bool) (b : Bool) : f (f (f b)) = f b".to_owned(),
        1 => "(f : Bool → Bool) (h : f true ≠ f false) (b : Bool) : f (f b) = b".to_owned(),
        2 => format!("(f : Bool → Nat) (h : ∀ b, f b ≤ {0}) : f true + f false ≤ {1}", 7, 14 + rng.u64(0..=3)),
        3 => format!("(f : Bool → Nat) (h : f true = f false) (b : Bool) : f b + {} = f true + {}", 3, 3),
        _ => {
            let (c, d) = (rng.u64(0..=5), rng.u64(0..=5));
            format!("(f : Bool → Nat) (h₁ : f true = {c}) (h₂ : f false = {d}) (b : Bool) : f b ≤ {}", c.max(d))
        }
    }
}

/// Pairs.
pub fn pairs(rng: &mut Rng) -> String {
    let c = rng.u64(1..=9);
    match rng.u8(..5) {
        0 => "(α β : Type) (p q : α × β) (h₁ : p.1 = q.1) (h₂ : p.2 = q.2) : p = q".to_owned(),
        1 => format!("(p : Nat × Nat) (h : p.1 + {c} = p.2) : ∃ n, p = (n, n + {c})"),
        2 => "(α β : Type) (p : α × β) : p.swap.swap = p".to_owned(),
        3 => format!("(p q : Nat × Nat) (h : p = q) : p.1 + {c} * q.2 = q.1 + {c} * p.2"),
        _ => format!("(a b : Nat) (p : Nat × Nat) (h : (a, b + {c}) = p) : p.1 = a ∧ p.2 = b + {c}"),
    }
}

/// Choices by a condition.
pub fn choices(rng: &mut Rng) -> String {
    let (c, d) = (rng.u64(0..=6), rng.u64(1..=6));
    let kind = pick(rng, &["Nat", "Int"]);
    match rng.u8(..4) {
        0 => format!("(a b : {kind}) : (if a ≤ b then a else b) ≤ a + {c}"),
        1 => format!("(a b : {kind}) : (if a < b then b else a) + {c} = (if b ≤ a then a else b) + {c}"),
        2 => format!("(a : {kind}) (h : a = {c}) : (if a = {c} then a + {d} else 0) = {}", c + d),
        _ => format!("(p : Prop) [Decidable p] (h : p) (a b : {kind}) : (if p then a + {c} else b) = a + {c}"),
    }
}
