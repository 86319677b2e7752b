//! Which theorem of a file makes Lean end, so that the others can be judged without it.

use std::time::Duration;

use super::Rejection;
use super::candidate::{cut_out, declared, namespaces, whole_blocks};
use super::process::compile;
use crate::source::{Command, commands};
use crate::toolchain::Toolchain;

/// The search for the theorem on which Lean ends: the last one of the shortest beginning on which it does.
struct Fatal<'t> {
    text: &'t str,
    commands: Vec<Command>,
    /// Lean does not end on so many commands, and on so many it does.
    lives: usize,
    dies: usize,
}

impl<'t> Fatal<'t> {
    fn begin(text: &'t str) -> Option<Fatal<'t>> {
        let commands = whole_blocks(commands(text).ok()?);
        let dies = commands.len();
        Some(Fatal { text, commands, lives: 0, dies })
    }

    /// The beginning to be tried next; `None` when it is found.
    fn question(&self) -> Option<&'t str> {
        let middle = (self.dies - self.lives > 1).then(|| usize::midpoint(self.lives, self.dies))?;
        Some(&self.text[..self.commands[middle - 1].range.end])
    }

    fn answer(&mut self, dies: bool) {
        let middle = usize::midpoint(self.lives, self.dies);
        *(if dies { &mut self.dies } else { &mut self.lives }) = middle;
    }

    /// The text without it, and its name; `None` when it is no theorem, but what others may need.
    fn taken_out(&self) -> Option<(String, String)> {
        let command = self.commands.get(self.lives).filter(|c| ["theorem", "lemma"].contains(&c.keyword.as_str()))?;
        let own = declared(&self.text[command.range.clone()])?;
        let name = format!("{}{own}", namespaces(self.text, &self.commands)[self.lives]);
        Some((cut_out(self.text, [&command.range]), name))
    }
}

/// The text without the theorem on which Lean ends, and its name, where that can be found out.
pub async fn without_the_fatal(toolchain: &Toolchain, text: &str, timeout: Duration) -> Option<(String, String)> {
    let mut fatal = Fatal::begin(text)?;
    while let Some(beginning) = fatal.question() {
        match compile(toolchain, beginning, timeout).await {
            Ok(_) => fatal.answer(false),
            Err(Rejection::Process(_)) => fatal.answer(true),
            Err(_) => return None,
        }
    }
    fatal.taken_out()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_theorem_on_which_lean_ends_is_found() {
        let text = "def a := 1\n\ntheorem t : 1 = 1 := rfl\n\nnamespace N\n\ntheorem u : 1 = 1 :=\n  BOOM\n\nend N\ntheorem v : 1 = 1 := rfl\n";
        let found = |text: &str| {
            let mut fatal = Fatal::begin(text)?;
            while let Some(beginning) = fatal.question() {
                fatal.answer(beginning.contains("BOOM"));
            }
            fatal.taken_out()
        };
        let (left, name) = found(text).unwrap();
        assert_eq!((left.matches('\n').count(), name.as_str()), (text.matches('\n').count(), "N.u"));
        assert!(!left.contains("BOOM") && left.contains("theorem t") && left.contains("theorem v"), "{left}");
        assert_eq!(found(&text.replace("theorem u", "def u")), None, "others may need it");
        assert_eq!(found(""), None);
    }
}
