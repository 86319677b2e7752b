//! A tactic block as a tree: tactics of one or more lines, and bullets with a block in each. Text only.

/// How an alternative ends whose goal is left open.
const HERE: &str = "=> ?_";

/// A tactic block as a tree: tactics of one or more lines, and bullets with a block in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Tactic(Vec<String>),
    Bullet(Vec<Item>),
}

/// Steps first, then characters.
pub(super) fn cost(items: &[Item]) -> (usize, usize) {
    items.iter().fold((0, 0), |(steps, length), item| match item {
        Item::Tactic(lines) => (steps + lines.len(), length + lines.iter().map(String::len).sum::<usize>()),
        Item::Bullet(inner) => {
            let (s, l) = cost(inner);
            (steps + s, length + l)
        }
    })
}

/// Reads the lines of a block whose tactics begin in the first column.
pub(super) fn parse(lines: &[&str]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        // Deeper lines, and alternatives of `induction`, belong to the tactic before them.
        let end = (at + 1..lines.len()).find(|&i| !lines[i].starts_with([' ', '|'])).unwrap_or(lines.len());
        match line.strip_prefix("· ") {
            Some(first) => {
                let mut inner = vec![first];
                inner.extend(lines[at + 1..end].iter().map(|l| l.strip_prefix("  ").unwrap_or(l)));
                items.push(Item::Bullet(parse(&inner)));
            }
            None => items.push(Item::Tactic(lines[at..end].iter().map(|l| (*l).to_owned()).collect())),
        }
        at = end;
    }
    items
}

/// The text of a block.
pub(super) fn print(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        match item {
            Item::Tactic(lines) => lines.iter().for_each(|l| text.push_str(&format!("{l}\n"))),
            Item::Bullet(inner) => {
                for (i, line) in print(inner).lines().enumerate() {
                    text.push_str(&format!("{}{line}\n", if i == 0 { "· " } else { "  " }));
                }
            }
        }
    }
    text
}

/// Bullets behind an `induction` or `cases` whose alternatives leave their goals open (`| zero => ?_`) go where the goals are.
pub(super) fn fold(items: &[Item]) -> Vec<Item> {
    let mut folded = Vec::new();
    let mut rest = items;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let lines = match first {
            Item::Bullet(inner) => {
                folded.push(Item::Bullet(fold(inner)));
                continue;
            }
            Item::Tactic(lines) => lines,
        };
        let open = lines.iter().filter(|l| l.starts_with('|') && l.ends_with(HERE)).count();
        let bodies: Vec<Vec<Item>> = match open {
            // One goal is left: all that follows is its proof.
            1 if !rest.is_empty() => vec![std::mem::take(&mut rest).to_vec()],
            _ => rest.iter().take(open).map_while(|i| if let Item::Bullet(b) = i { Some(b.clone()) } else { None }).collect(),
        };
        if open == 0 || bodies.len() != open {
            folded.push(first.clone());
            continue;
        }
        rest = rest.get(open..).unwrap_or_default();
        let mut bodies = bodies.into_iter();
        let mut whole = Vec::new();
        for line in lines {
            let body = if line.starts_with('|') && line.ends_with(HERE) { bodies.next() } else { None };
            let Some(body) = body else {
                whole.push(line.clone());
                continue;
            };
            let (before, text) = (line.trim_end_matches("?_"), print(&fold(&body)));
            match text.trim_end().split_once('\n') {
                None => whole.push(format!("{before}{}", text.trim_end())),
                Some(_) => {
                    whole.push(before.trim_end().to_owned());
                    whole.extend(text.lines().map(|l| format!("  {l}")));
                }
            }
        }
        folded.push(Item::Tactic(whole));
    }
    folded
}

/// Where the bracket around a place is closed, or the line's end.
pub(super) fn segment_end(line: &str, at: usize) -> usize {
    let mut depth = 0i32;
    for (i, c) in line[at..].char_indices() {
        depth += i32::from("([{⟨".contains(c)) - i32::from(")]}⟩".contains(c));
        if depth < 0 {
            return at + i;
        }
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bullets_go_into_the_alternatives_they_belong_to() {
        let folded = |text: &str| print(&fold(&parse(&text.lines().collect::<Vec<_>>())));
        let whole = "intro h\ninduction n with\n| zero => simp\n| succ k ih =>\n  constructor\n  · rfl\n  · omega\n";
        let two = "intro h\ninduction n with\n| zero => ?_\n| succ k ih => ?_\n· simp\n· constructor\n  · rfl\n  · omega\n";
        assert_eq!(folded(two), whole);
        let one = "intro h\ninduction n with\n| zero => simp\n| succ k ih => ?_\nconstructor\n· rfl\n· omega\n";
        assert_eq!(folded(one), whole);
        let nested = "cases p with\n| inl h => ?_\n| inr h => ?_\n· cases q with\n  | inl h => ?_\n  | inr h => omega\n  simp\n· grind\n";
        let inside = "cases p with\n| inl h =>\n  cases q with\n  | inl h => simp\n  | inr h => omega\n| inr h => grind\n";
        assert_eq!(folded(nested), inside);
        let other = "induction n with\n| zero => ?_\n| succ k ih => ?_\nall_goals simp\n";
        assert_eq!(folded(other), other, "what is no bullet stays");
    }
}
