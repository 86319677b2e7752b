//! First-order logic: chains of implications under quantifiers, relations, negations pushed inwards.

use fastrand::Rng;

use super::pick;

/// A chain of implications between predicates, followed from something that exists.
pub fn chain(rng: &mut Rng) -> String {
    let length = rng.usize(1..=4);
    let names = ["p", "q", "r", "s", "t"];
    let mut links: Vec<String> = (0..length).map(|i| format!("(h{i} : ∀ x, {} x → {} x)", names[i], names[i + 1])).collect();
    rng.shuffle(&mut links);
    let (first, last) = (names[0], names[length]);
    let binders = format!("(α : Type) ({} : α → Prop) {}", names[..=length].join(" "), links.join(" "));
    match rng.u8(..4) {
        0 => format!("{binders} (h : ∃ x, {first} x) : ∃ x, {last} x"),
        1 => format!("{binders} (h : ∀ x, {first} x) : ∀ x, {last} x"),
        2 => format!("{binders} (h : ¬ ∃ x, {last} x) : ∀ x, ¬ {first} x"),
        _ => format!("{binders} (a : α) (h : {first} a) : ∃ x, {first} x ∧ {last} x"),
    }
}

/// Quantifiers and connectives that change places.
pub fn exchange(rng: &mut Rng) -> String {
    let one = "(α : Type) (p q : α → Prop)";
    let claims = [
        format!("{one} : (∃ x, p x ∨ q x) ↔ (∃ x, p x) ∨ ∃ x, q x"),
        format!("{one} : (∀ x, p x ∧ q x) ↔ (∀ x, p x) ∧ ∀ x, q x"),
        format!("{one} (h : ∃ x, p x ∧ q x) : (∃ x, q x) ∧ ∃ x, p x"),
        format!("{one} (h : (∀ x, p x) ∨ ∀ x, q x) : ∀ x, q x ∨ p x"),
        "(α : Type) (p : α → Prop) : (¬ ∃ x, p x) ↔ ∀ x, ¬ p x".to_owned(),
        "(α : Type) (p : α → Prop) : (¬ ∀ x, p x) ↔ ∃ x, ¬ p x".to_owned(),
        "(α : Type) (p : α → Prop) (q : Prop) : ((∃ x, p x) → q) ↔ ∀ x, p x → q".to_owned(),
        "(α : Type) (p : α → Prop) (q : Prop) : (∃ x, p x ∧ q) ↔ (∃ x, p x) ∧ q".to_owned(),
        "(α β : Type) (r : α → β → Prop) (h : ∃ x, ∀ y, r x y) : ∀ y, ∃ x, r x y".to_owned(),
        "(α β : Type) (r : α → β → Prop) : (∃ x y, r x y) ↔ ∃ y x, r x y".to_owned(),
        "(α : Type) (a : α) (p : α → Prop) : (∃ x, x = a ∧ p x) ↔ p a".to_owned(),
        "(α : Type) (a : α) (p : α → Prop) : (∀ x, x = a → p x) ↔ p a".to_owned(),
    ];
    // Other letters are another theorem to a network.
    let letters = pick(rng, &[["p", "q", "r"], ["A", "B", "R"], ["f", "g", "k"]]);
    let renamed = |word: &str| match word {
        "p" => letters[0].to_owned(),
        "q" => letters[1].to_owned(),
        "r" => letters[2].to_owned(),
        other => other.to_owned(),
    };
    claims[rng.usize(..claims.len())]
        .split_inclusive([' ', '(', ')', ','])
        .map(|piece| {
            let word = piece.trim_end_matches([' ', '(', ')', ',']);
            renamed(word) + &piece[word.len()..]
        })
        .collect()
}

/// Relations that are transitive, symmetric, or follow from each other.
pub fn relations(rng: &mut Rng) -> String {
    let length = rng.usize(2..=4);
    let names = ["a", "b", "c", "d", "e"];
    let symmetric = rng.bool();
    let links: Vec<String> = (0..length)
        .map(|i| {
            let turned = symmetric && rng.bool();
            let (l, r) = if turned { (names[i + 1], names[i]) } else { (names[i], names[i + 1]) };
            format!("(h{i} : r {l} {r})")
        })
        .collect();
    let symmetry = if symmetric { " (s : ∀ x y, r x y → r y x)" } else { "" };
    let binders = format!(
        "(α : Type) (r : α → α → Prop) (t : ∀ x y z, r x y → r y z → r x z){symmetry} ({} : α) {}",
        names[..=length].join(" "),
        links.join(" ")
    );
    let (first, last) = (names[0], names[length]);
    if symmetric && rng.bool() { format!("{binders} : r {last} {first}") } else { format!("{binders} : r {first} {last}") }
}

/// Groups of facts about one thing, of which one is wanted.
pub fn facts(rng: &mut Rng) -> String {
    let names = ["p", "q", "r", "s"];
    let count = rng.usize(2..=4);
    let mut order: Vec<usize> = (0..count).collect();
    rng.shuffle(&mut order);
    let together = |list: &[usize]| list.iter().map(|&i| format!("{} x", names[i])).collect::<Vec<_>>().join(" ∧ ");
    let plain: Vec<usize> = (0..count).collect();
    let binders = format!("(α : Type) ({} : α → Prop)", names[..count].join(" "));
    match rng.u8(..3) {
        0 => format!("{binders} (h : ∃ x, {}) : ∃ x, {}", together(&plain), together(&order)),
        1 => format!("{binders} (h : ∀ x, {}) : ∀ x, {}", together(&plain), together(&order[..1])),
        _ => format!("{binders} : (∃ x, {}) ↔ ∃ x, {}", together(&plain), together(&order)),
    }
}
