//! The tools of lean-lsp-mcp that qstar has as well, under the names and with the arguments that models were trained on.
//! Answers have the fields that they have there as far as qstar knows them, and a `verdict` and its `reason` beside them.

use rmcp::handler::server::wrapper::Parameters;
use rmcp::service::RequestContext;
use rmcp::{Json, RoleServer, tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Agent;
use super::asks::Goals;
use super::place::{self, Diagnostic};
use crate::lean::Goal;
use crate::serve::check::Severity;
use crate::serve::work::{self, Premise, Verdict};
use crate::source::commands;
use crate::verify::{ALLOWED_AXIOMS, read_axioms};

#[derive(Debug, Deserialize, JsonSchema)]
pub struct GoalParams {
    /// A Lean file below a root of the server.
    file_path: String,
    /// From 1.
    line: usize,
    /// From 1; left out: before and after the line.
    #[serde(default)]
    column: Option<usize>,
    /// How goals are written.
    #[serde(default)]
    format: Format,
    /// Seconds [default: 60].
    #[serde(default)]
    timeout_s: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Text,
    Structured,
}

/// A goal as Lean prints it, or in parts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Written {
    Text(String),
    Parts(Parts),
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Parts {
    context: Vec<Entry>,
    /// What is to be shown; left out when Lean's words are not understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<String>,
    /// `open`, or `unknown`.
    status: &'static str,
    /// As Lean prints it.
    pretty: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Entry {
    name: String,
    r#type: String,
}

impl Parts {
    fn new(pretty: String) -> Parts {
        let Ok(goal) = Goal::parse(&pretty) else {
            return Parts { context: Vec::new(), goal: None, status: "unknown", pretty };
        };
        let entries = goal.hypotheses.into_iter().flat_map(|h| {
            let r#type = h.ty;
            h.names.into_iter().map(move |name| Entry { name, r#type: r#type.clone() })
        });
        Parts { context: entries.collect(), goal: Some(goal.target), status: "open", pretty }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warning,
    Info,
    Hint,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct DiagnosticParams {
    /// A Lean file below a root of the server.
    file_path: String,
    /// Only from this line on.
    #[serde(default)]
    start_line: Option<usize>,
    /// Only up to this line.
    #[serde(default)]
    end_line: Option<usize>,
    /// Only those of this declaration.
    #[serde(default)]
    declaration_name: Option<String>,
    /// Only those of this severity.
    #[serde(default)]
    severity: Option<Level>,
    /// Only `false`: messages come as text.
    #[serde(default)]
    interactive: bool,
    /// Seconds [default: 60].
    #[serde(default)]
    timeout_s: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DiagnosticList {
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// No error in what was asked for, and all of it was elaborated.
    pub success: bool,
    /// Not all was elaborated: what is missing says nothing.
    pub partial: bool,
    pub timed_out: bool,
    pub items: Vec<Diagnostic>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct RunParams {
    /// Lean, imports first.
    code: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RunResult {
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Elaborated to its end, without errors.
    pub success: bool,
    pub timed_out: bool,
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct AttemptParams {
    /// A Lean file below a root of the server.
    file_path: String,
    /// The line (from 1) whose tactic each one takes the place of.
    line: usize,
    /// Tactics, each tried by itself.
    snippets: Vec<String>,
    /// From 1: where they begin.
    #[serde(default)]
    column: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct AttemptList {
    pub items: Vec<AttemptItem>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct AttemptItem {
    pub snippet: String,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub goals: Vec<String>,
    pub diagnostics: Vec<Diagnostic>,
    pub timed_out: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct VerifyTheoremParams {
    /// A Lean file below a root of the server.
    file_path: String,
    /// With its namespaces: `Ns.thm`.
    theorem_name: String,
    /// Look for words in the file that can make a proof unsound.
    #[serde(default = "yes")]
    scan_source: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct TheoremResult {
    /// `could_not_check` as well when this Lean cannot list axioms: `verify` with the original judges without.
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub axioms: Vec<String>,
    pub warnings: Vec<SourceWarning>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct SourceWarning {
    pub line: usize,
    pub pattern: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct SearchParams {
    /// A part of a name.
    query: String,
    /// How many [default: 10].
    #[serde(default)]
    limit: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct SearchList {
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub items: Vec<Premise>,
}

/// Words that can make a proof unsound or hide that it is.
const SUSPICIOUS: &[&str] = &[
    "axiom",
    "unsafe",
    "implemented_by",
    "extern",
    "native_decide",
    "debug.",
    "skipKernelTC",
    "ofReduceBool",
    "sorryAx",
    "local instance",
    "csimp",
    "macro_rules",
    "elab_rules",
];

#[tool_router(router = familiar_tools, vis = "pub(super)")]
impl Agent {
    /// Proof goals at a position of a file. Without `column`: before and after the line. `status`: `goals`, `complete`, or
    /// `no_goal_at_position`.
    #[tool(annotations(title = "Proof goals", read_only_hint = true, open_world_hint = false))]
    async fn lean_goal(
        &self,
        Parameters(ask): Parameters<GoalParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Goals<Written>>, String> {
        let code = place::read(&self.desk, &ask.file_path).await?;
        let goals = self.goals_at(&context, &code, ask.line, ask.column, ask.timeout_s).await?;
        Ok(Json(match ask.format {
            Format::Text => goals.map(Written::Text),
            Format::Structured => goals.map(|goal| Written::Parts(Parts::new(goal))),
        }))
    }

    /// Errors, warnings and infos of a file. A time-out is told as such (`verdict`, `partial`), never as an empty list.
    #[tool(annotations(title = "Diagnostics", read_only_hint = true, open_world_hint = false))]
    async fn lean_diagnostic_messages(
        &self,
        Parameters(ask): Parameters<DiagnosticParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<DiagnosticList>, String> {
        if ask.interactive {
            return Err(String::from("messages come as text here: leave `interactive` out"));
        }
        let code = place::read(&self.desk, &ask.file_path).await?;
        let (mut first, mut last) = (ask.start_line.unwrap_or(1), ask.end_line.unwrap_or(usize::MAX));
        if let Some(name) = &ask.declaration_name {
            (first, last) = declaration(&code, name).ok_or_else(|| format!("`{name}` is not declared there"))?;
        }
        let found = self.diagnose(&context, &code, ask.timeout_s).await?;
        let partial = found.verdict == Verdict::CouldNotCheck;
        let wanted = |d: &Diagnostic| {
            let level = match d.severity {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
                Severity::Info => Level::Info,
            };
            (first..=last).contains(&d.line) && ask.severity.is_none_or(|s| s == level)
        };
        let in_range = |d: &&Diagnostic| (first..=last).contains(&d.line) && d.severity == Severity::Error;
        let success = !partial && found.diagnostics.iter().find(in_range).is_none();
        let timed_out = found.timed_out;
        let items = found.diagnostics.into_iter().filter(wanted).collect();
        Ok(Json(DiagnosticList { verdict: found.verdict, reason: found.reason, success, partial, timed_out, items }))
    }

    /// Run a self-contained Lean snippet (imports first) and return its messages.
    #[tool(annotations(title = "Run code", read_only_hint = true, open_world_hint = false))]
    async fn lean_run_code(
        &self,
        Parameters(ask): Parameters<RunParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<RunResult>, String> {
        let found = self.diagnose(&context, &ask.code, None).await?;
        let whole = found.verdict != Verdict::CouldNotCheck;
        let success = whole && found.diagnostics.iter().all(|d| d.severity != Severity::Error);
        let timed_out = found.timed_out;
        let (verdict, reason, diagnostics) = (found.verdict, found.reason, found.diagnostics);
        Ok(Json(RunResult { verdict, reason, success, timed_out, diagnostics }))
    }

    /// Try several tactics at a line of a file without editing it: for each the goals that are left, or why it fails.
    #[tool(annotations(title = "Multi-attempt", read_only_hint = true, open_world_hint = false))]
    async fn lean_multi_attempt(
        &self,
        Parameters(ask): Parameters<AttemptParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<AttemptList>, String> {
        let code = place::read(&self.desk, &ask.file_path).await?;
        let attempts = self.attempts_at(&context, &code, ask.line, ask.column, &ask.snippets, None).await?;
        let items = attempts.into_iter().map(|a| AttemptItem {
            snippet: a.tried.tactic,
            verdict: a.tried.verdict,
            reason: a.tried.reason,
            goals: a.tried.goals,
            diagnostics: a.diagnostics,
            timed_out: a.timed_out,
        });
        Ok(Json(AttemptList { items: items.collect() }))
    }

    /// The axioms that a theorem of a file rests on, and suspicious words of the file. For a proof that must not be trusted
    /// use `verify` with the original.
    #[tool(annotations(title = "Verify theorem", read_only_hint = true, open_world_hint = false))]
    async fn lean_verify(
        &self,
        Parameters(ask): Parameters<VerifyTheoremParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<TheoremResult>, String> {
        let odd = |c: char| !(c.is_alphanumeric() || "_'.!?«»".contains(c));
        if ask.theorem_name.is_empty() || ask.theorem_name.contains(odd) {
            return Err(String::from("`theorem_name` is no name of Lean"));
        }
        let code = place::read(&self.desk, &ask.file_path).await?;
        let text = format!("{}\n\n#print axioms _root_.{}\n", code.trim_end(), ask.theorem_name);
        let asked = text.lines().count();
        let found = self.diagnose(&context, &text, None).await?;
        let warnings = if ask.scan_source { suspicious(&code) } else { Vec::new() };
        let answer = found.diagnostics.iter().find(|d| d.line == asked).map_or("", |d| d.message.as_str());
        let axioms = read_axioms(answer);
        let (verdict, reason) = match &axioms {
            _ if found.verdict == Verdict::CouldNotCheck => (Verdict::CouldNotCheck, found.reason),
            Some(axioms) => match axioms.iter().find(|a| !ALLOWED_AXIOMS.contains(&a.as_str())) {
                Some(bad) => (Verdict::Refused, Some(format!("it rests on `{bad}`"))),
                None => (Verdict::Accepted, None),
            },
            None if answer.contains("cannot use `#print axioms`") => {
                let remedy = "this Lean cannot list axioms; use `verify` with the original file";
                (Verdict::CouldNotCheck, Some(remedy.to_owned()))
            }
            None => (Verdict::Refused, Some(place::first_line(answer).to_owned())),
        };
        Ok(Json(TheoremResult { verdict, reason, axioms: axioms.unwrap_or_default(), warnings }))
    }

    /// Theorems of the installed library whose names have the query in them. Use it before you name a lemma.
    #[tool(annotations(title = "Local search", read_only_hint = true, open_world_hint = false))]
    async fn lean_local_search(
        &self,
        Parameters(ask): Parameters<SearchParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<SearchList>, String> {
        let limit = ask.limit.unwrap_or(10).clamp(1, 200);
        let found = self.run(&context, work::named(&self.desk, &ask.query, limit)).await?;
        Ok(Json(match found {
            Ok(items) => SearchList { verdict: Verdict::Accepted, reason: None, items },
            Err(reason) => SearchList { verdict: Verdict::CouldNotCheck, reason: Some(reason), items: Vec::new() },
        }))
    }
}

/// First and last line of a declaration.
fn declaration(code: &str, name: &str) -> Option<(usize, usize)> {
    let short = name.rsplit('.').next().unwrap_or(name);
    let line = |at: usize| code[..at].matches('\n').count() + 1;
    commands(code).ok()?.into_iter().find_map(|c| {
        let body = &code[c.range.clone()];
        let at = body.find(c.keyword.as_str())? + c.keyword.len();
        let declared = body[at..].split_whitespace().next()?;
        let end = c.range.start + body.trim_end().len();
        (declared == name || declared.rsplit('.').next() == Some(short)).then(|| (line(c.range.start), line(end)))
    })
}

fn suspicious(code: &str) -> Vec<SourceWarning> {
    let lines = code.lines().enumerate();
    let found = lines.flat_map(|(i, line)| SUSPICIOUS.iter().filter(|w| line.contains(**w)).map(move |w| (i, w)));
    found.map(|(i, word)| SourceWarning { line: i + 1, pattern: (*word).to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_found() {
        let code = "namespace A\n\ntheorem t : p := by\n  simp\n\ntheorem u : q :=\n  h\nend A\n";
        assert_eq!(declaration(code, "A.u"), Some((6, 7)));
        assert_eq!(declaration(code, "v"), None);
    }
}
