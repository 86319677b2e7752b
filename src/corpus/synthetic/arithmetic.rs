//! Numbers: linear systems, residues, products, squares.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::pick;

/// A sum of terms, each a coefficient and what it stands before (empty: the constant); zero terms are left out.
fn sum(terms: &[(i64, &str)]) -> String {
    let mut text = String::new();
    for &(c, x) in terms.iter().filter(|(c, _)| *c != 0) {
        let size = match (c.unsigned_abs(), x) {
            (n, "") => n.to_string(),
            (1, x) => x.to_owned(),
            (n, x) => format!("{n} * {x}"),
        };
        match (text.is_empty(), c < 0) {
            (true, false) => text = size,
            (true, true) => text = format!("-{}", if size.contains('*') { format!("({size})") } else { size }),
            (false, negative) => text.push_str(&format!(" {} {size}", if negative { '-' } else { '+' })),
        }
    }
    if text.is_empty() { "0".to_owned() } else { text }
}

fn coefficient(rng: &mut Rng, most: i64) -> i64 {
    let size = rng.i64(1..=most);
    if rng.bool() { size } else { -size }
}

/// Two equations that determine two integers, or a sum of two inequalities.
pub fn linear(rng: &mut Rng) -> String {
    let (a, b) = (coefficient(rng, 7), coefficient(rng, 7));
    let (mut c, d) = (coefficient(rng, 7), coefficient(rng, 7));
    if rng.bool() {
        if a * d == b * c {
            c += 1;
        }
        // Still singular only when `b` is zero, which it is not.
        let (x, y) = (rng.i64(-20..=20), rng.i64(-20..=20));
        let first = format!("{} = {}", sum(&[(a, "x"), (b, "y")]), a * x + b * y);
        let second = format!("{} = {}", sum(&[(c, "x"), (d, "y")]), c * x + d * y);
        let k = rng.i64(0..=3);
        let claim = match k {
            0 => format!("x = {x}"),
            1 => format!("y = {y}"),
            k => format!("{} = {}", sum(&[(k, "x"), (1, "y")]), k * x + y),
        };
        return format!("(x y : Int) (h₁ : {first}) (h₂ : {second}) : {claim}");
    }
    let (e, f) = (rng.i64(-30..=30), rng.i64(-30..=30));
    let (k, l, slack) = (rng.i64(1..=5), rng.i64(1..=5), rng.i64(0..=3));
    let first = format!("{} ≤ {e}", sum(&[(a, "x"), (b, "y")]));
    let second = format!("{} ≤ {f}", sum(&[(c, "x"), (d, "y")]));
    let claim = format!("{} ≤ {}", sum(&[(k * a + l * c, "x"), (k * b + l * d, "y")]), k * e + l * f + slack);
    format!("(x y : Int) (h₁ : {first}) (h₂ : {second}) : {claim}")
}

/// What `c₂ n² + c₁ n + c₀` leaves by `m`, for all `n` or for those of one residue.
pub fn modular(rng: &mut Rng) -> Option<String> {
    let m = rng.i64(2..=12);
    let (c2, c1, c0) = (rng.i64(0..=3), rng.i64(0..=6), rng.i64(0..=6));
    let known = rng.bool().then(|| rng.i64(0..m));
    if c2 + c1 == 0 {
        return None;
    }
    let polynomial = sum(&[(c2, "n ^ 2"), (c1, "n"), (c0, "")]);
    let residues: BTreeSet<i64> =
        (0..m).filter(|r| known.is_none_or(|k| k == *r)).map(|r| (c2 * r * r + c1 * r + c0) % m).collect();
    // A claim with many cases says little.
    if residues.len() > 3 || residues.len() as i64 == m {
        return None;
    }
    let binders = known.map_or_else(String::new, |k| format!(" (h : n % {m} = {k})"));
    let claim = if residues.iter().eq([&0]) && rng.bool() {
        format!("{m} ∣ {polynomial}")
    } else {
        let cases: Vec<String> = residues.iter().map(|r| format!("({polynomial}) % {m} = {r}")).collect();
        cases.join(" ∨ ")
    };
    Some(format!("(n : Nat){binders} : {claim}"))
}

/// A product of linear forms, multiplied out.
pub fn polynomial(rng: &mut Rng) -> String {
    let mut c = || coefficient(rng, 5);
    let (a, b, d, e) = (c(), c(), c(), c());
    let square = rng.bool();
    let (left, right) = ([a, b], if square { [a, b] } else { [d, e] });
    let third = pick(rng, &["y", ""]);
    let form = |[a, b]: [i64; 2]| format!("({})", sum(&[(a, "x"), (b, third)]));
    let product = if square { format!("{} ^ 2", form(left)) } else { format!("{} * {}", form(left), form(right)) };
    let (cross, last) = if third.is_empty() { ("x", "") } else { ("x * y", "y ^ 2") };
    let [a, b] = left;
    let [d, e] = right;
    let expanded = sum(&[(a * d, "x ^ 2"), (a * e + b * d, cross), (b * e, last)]);
    let binders = if third.is_empty() { "(x : Int)" } else { "(x y : Int)" };
    format!("{binders} : {product} = {expanded}")
}

/// `0 ≤ k (a x - b y)²` and its like, with the cross term on the other side.
pub fn inequality(rng: &mut Rng) -> String {
    let (a, b, k) = (rng.i64(1..=6), rng.i64(1..=6), rng.i64(1..=3));
    let (square, cross, other) = (k * a * a, 2 * k * a * b, k * b * b);
    match rng.u8(..3) {
        0 => format!("(x y : Int) : {} ≤ {}", sum(&[(cross, "x * y")]), sum(&[(square, "x ^ 2"), (other, "y ^ 2")])),
        1 => format!("(x : Int) : {} ≤ {}", sum(&[(cross, "x")]), sum(&[(square, "x ^ 2"), (other, "")])),
        _ => {
            let slack = rng.i64(0..=4);
            format!("(x y : Int) : 0 ≤ {}", sum(&[(square, "x ^ 2"), (-cross, "x * y"), (other, "y ^ 2"), (slack, "")]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_written_as_people_write_them() {
        assert_eq!(sum(&[(1, "x"), (-3, "y"), (0, "z"), (4, "")]), "x - 3 * y + 4");
        assert_eq!(sum(&[(-2, "x"), (1, "y")]), "-(2 * x) + y");
        assert_eq!(sum(&[(-1, "x")]), "-x");
        assert_eq!(sum(&[(0, "x")]), "0");
    }
}
