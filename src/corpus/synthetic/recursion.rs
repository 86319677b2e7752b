//! What wants induction: lists and recurrences.

use fastrand::Rng;

use super::pick;

/// A list made of `xs`, `ys` and `zs`: its text, and how often each is in it.
fn list(rng: &mut Rng, depth: usize) -> (String, [usize; 3]) {
    if depth == 0 || rng.u8(..5) == 0 {
        let i = rng.usize(..3);
        let mut count = [0; 3];
        count[i] = 1;
        return (["xs", "ys", "zs"][i].to_owned(), count);
    }
    let (a, m) = list(rng, depth - 1);
    match rng.u8(..4) {
        0 => (format!("{}.reverse", bracket(&a)), m),
        1 => (format!("{}.map (fun x => x + {})", bracket(&a), rng.u8(1..9)), m),
        _ => {
            let (b, n) = list(rng, depth - 1);
            (format!("{} ++ {}", bracket(&a), bracket(&b)), [m[0] + n[0], m[1] + n[1], m[2] + n[2]])
        }
    }
}

fn bracket(text: &str) -> String {
    if text.contains(' ') { format!("({text})") } else { text.to_owned() }
}

/// Length, order, or membership.
pub fn lists(rng: &mut Rng) -> String {
    let (text, counts) = list(rng, 3);
    let whole = bracket(&text);
    let binders = "(xs ys zs : List Nat)";
    match rng.u8(..3) {
        0 => {
            let lengths = |order: [usize; 3]| {
                let parts: Vec<String> = order
                    .into_iter()
                    .filter(|&i| counts[i] > 0)
                    .map(|i| match (counts[i], ["xs", "ys", "zs"][i]) {
                        (1, name) => format!("{name}.length"),
                        (n, name) => format!("{n} * {name}.length"),
                    })
                    .collect();
                parts.join(" + ")
            };
            let order = pick(rng, &[[0, 1, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]);
            format!("{binders} : {whole}.length = {}", lengths(order))
        }
        1 => {
            let (other, _) = list(rng, 1);
            format!("{binders} : ({text} ++ {}).reverse = {}.reverse ++ {whole}.reverse", bracket(&other), bracket(&other))
        }
        _ => {
            let (other, _) = list(rng, 2);
            let other = bracket(&other);
            format!("{binders} (a : Nat) (h : a ∈ {whole}) : a ∈ {other} ++ {whole}")
        }
    }
}

/// A function given by its first value and its step, and its closed form.
pub fn recurrence(rng: &mut Rng) -> String {
    let (a, c, d) = (rng.u64(0..=9), rng.u64(1..=6), rng.u64(0..=6));
    let (step, claim) = match rng.u8(..5) {
        0 => (format!("f n + {c}"), format!("f n = {a} + {c} * n")),
        1 => (format!("{} * f n", c + 1), format!("f n = {a} * {} ^ n", c + 1)),
        2 => (format!("f n + 2 * {c} * n + {c}"), format!("f n = {a} + {c} * n ^ 2")),
        // Twice the sum of c k + d over k < n is c n (n - 1) + 2 d n.
        3 => (format!("f n + ({c} * n + {d})"), format!("2 * f n + {c} * n = {} + {c} * n ^ 2 + {} * n", 2 * a, 2 * d)),
        // With f n + e growing by a factor of k: f (n + 1) = k f n + (k - 1) e.
        _ => {
            let (k, e) = (c + 1, d + 1);
            (format!("{k} * f n + {}", (k - 1) * e), format!("f n + {e} = {} * {k} ^ n", a + e))
        }
    };
    let at = rng.u8(..4);
    let binders = format!("(f : Nat → Nat) (h₀ : f 0 = {a}) (h : ∀ n, f (n + 1) = {step})");
    if at == 0 { format!("{binders} : ∀ n, {claim}") } else { format!("{binders} (n : Nat) : {claim}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted() {
        let mut rng = Rng::with_seed(3);
        for _ in 0..200 {
            let (text, counts) = list(&mut rng, 3);
            for (name, count) in ["xs", "ys", "zs"].iter().zip(counts) {
                assert_eq!(text.matches(name).count(), count, "{text}");
            }
        }
    }
}
