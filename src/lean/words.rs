//! The last words of a Lean that has ended, as a person can use them. Depends on text alone.

/// What a Lean's complaints say of its end: the cause where it is known, else its last lines; empty when it said nothing.
pub fn last_words<'a>(complaints: impl IntoIterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = complaints.into_iter().map(str::trim).filter(|line| !is_noise(line)).collect();
    let says = |parts: &[&str]| lines.iter().any(|line| parts.iter().any(|part| line.contains(part)));
    if says(&["call stack size", "tack overflow"]) {
        return "its stack ran over: something is nested too deeply".to_owned();
    }
    if says(&["out of memory", "Out of memory", "memory access out of bounds", "enlarge memory"]) {
        return "it ran out of memory".to_owned();
    }
    lines[lines.len().saturating_sub(3)..].join("; ")
}

/// Lines that say nothing to anybody: the modules that the portable Lean opens, and where in its code it was.
pub fn is_noise(line: &str) -> bool {
    let line = line.trim();
    let parts = [".olean", "mainModule"];
    let begins = ["at ", "node:", "Node.js v", "process.nextTick", "^"];
    line.is_empty() || parts.iter().any(|part| line.contains(part)) || begins.iter().any(|begin| line.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_named_and_places_in_the_code_are_not() {
        let stack = "worker sent an error! undefined:undefined: Maximum call stack size exceeded\nnode:internal/event_target:1105\n  \
                     process.nextTick(() => { throw err; });\n    ^\n\nRangeError: Maximum call stack size exceeded\n    \
                     at wasm://wasm/1bb551de:wasm-function[140890]:0x6cd4dd4\n\nNode.js v20.20.2";
        assert_eq!(last_words(stack.lines()), "its stack ran over: something is nested too deeply");
        assert_eq!(last_words(["INTERNAL PANIC: out of memory"]), "it ran out of memory");
        let other = ["/lib/Init.olean", "uncaught exception: no such file", "    at Object.<anonymous> (/x.js:3)"];
        assert_eq!((last_words(other), last_words([])), ("uncaught exception: no such file".to_owned(), String::new()));
    }
}
