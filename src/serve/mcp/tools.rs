//! qstar's own tools.

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock, Resource};
use rmcp::service::RequestContext;
use rmcp::{Json, RoleServer, tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Agent;
use super::asks::Goals;
use super::place::{self, Diagnosed};
use crate::files::put;
use crate::problem::open_theorems;
use crate::serve::work::{self, FillAsk, Filled, Premise, ProveAsk, Proved, TacticsAsk, Tried, Verdict, Verified, VerifyAsk};

/// Addresses of pictures.
pub const SEARCHES: &str = "qstar://search/";
/// Why a file is not written.
const CHANGED: &str = "the file was changed in the meantime: nothing is written, fill it again";

#[derive(Debug, Deserialize, JsonSchema)]
pub struct ProveParams {
    /// The theorem without its proof: `theorem t (n : Nat) : n + 0 = n`. Or give `file` and `name`.
    #[serde(default)]
    statement: Option<String>,
    /// What stands before the statement: imports, definitions, open namespaces.
    #[serde(default)]
    header: String,
    /// A Lean file with a theorem that ends in `sorry`.
    #[serde(default)]
    file: Option<String>,
    /// The theorem's name in the file; not needed when there is one only.
    #[serde(default)]
    name: Option<String>,
    /// Seconds to search [default: 60].
    #[serde(default)]
    time: Option<f64>,
    /// Most checks of Lean.
    #[serde(default)]
    checks: Option<u64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct FillParams {
    /// A Lean file with `sorry`s.
    file: String,
    /// Write the file when something was filled; else only the diff is given.
    #[serde(default)]
    write: bool,
    /// Seconds for each `sorry` [default: 60].
    #[serde(default)]
    time: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct VerifyParams {
    #[serde(flatten)]
    texts: VerifyAsk,
    /// Instead of `original`: its file.
    #[serde(default)]
    original_file: Option<String>,
    /// Instead of `candidate`: its file.
    #[serde(default)]
    candidate_file: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct CheckParams {
    /// Lean, imports first. Or give `file`.
    #[serde(default)]
    code: Option<String>,
    /// A Lean file.
    #[serde(default)]
    file: Option<String>,
    /// Seconds [default: 60].
    #[serde(default)]
    time: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct GoalsParams {
    /// A statement (`theorem t (n : Nat) : n + 0 = n`). Or give a text and a line.
    #[serde(default)]
    statement: Option<String>,
    /// What stands before the statement.
    #[serde(default)]
    header: String,
    /// Lean, imports first.
    #[serde(default)]
    code: Option<String>,
    /// A Lean file.
    #[serde(default)]
    file: Option<String>,
    /// From 1.
    #[serde(default)]
    line: Option<usize>,
    /// From 1, in characters. Left out: the goals before and after the line.
    #[serde(default)]
    column: Option<usize>,
    /// Seconds [default: 60].
    #[serde(default)]
    time: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct TryParams {
    /// A statement, or a goal as Lean prints it. Or give a text and a line.
    #[serde(default)]
    goal: Option<String>,
    /// What stands before the statement.
    #[serde(default)]
    header: String,
    /// Tactics done already, for a statement.
    #[serde(default)]
    before: Vec<String>,
    /// Lean, imports first.
    #[serde(default)]
    code: Option<String>,
    /// A Lean file.
    #[serde(default)]
    file: Option<String>,
    /// The line (from 1) whose tactic each one takes the place of.
    #[serde(default)]
    line: Option<usize>,
    /// From 1, in characters: where it begins [default: where the line's text begins].
    #[serde(default)]
    column: Option<usize>,
    /// Each is tried by itself.
    tactics: Vec<String>,
    /// Seconds for each [default: 30].
    #[serde(default)]
    time: Option<f64>,
}

/// One answer for each tactic, in their order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Attempts {
    pub items: Vec<Tried>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct PremisesParams {
    /// A goal as Lean prints it, or a statement.
    goal: String,
    /// What stands before it: its imports say which library.
    #[serde(default)]
    header: String,
    /// How many [default: 16].
    #[serde(default)]
    limit: Option<usize>,
}

/// Theorems that fit, the best first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Premises {
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub items: Vec<Premise>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct ReportParams {
    /// The name that `prove` gave with its answer, as `search-1`.
    search: String,
}

#[tool_router(router = own_tools, vis = "pub(super)")]
impl Agent {
    /// Search a proof of a statement (or of a theorem in a file). What comes back as `accepted` was verified by a fresh Lean
    /// process, and `proof` can be pasted. Otherwise: why not, which subgoals are proved and which are open. Reports progress.
    #[tool(annotations(title = "Prove", read_only_hint = true, open_world_hint = false))]
    async fn prove(
        &self,
        Parameters(ask): Parameters<ProveParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Proved>, String> {
        let (statement, header) = match (ask.statement, ask.file) {
            (Some(statement), None) => (statement, ask.header),
            (None, Some(file)) => {
                let text = place::read(&self.desk, &file).await?;
                let found = open_theorems(&text).map_err(|e| format!("{file}: {e:#}"))?;
                let names: Vec<String> = found.iter().map(|p| p.name.clone()).collect();
                let mut wanted = found.into_iter().filter(|p| ask.name.as_ref().is_none_or(|n| *n == p.name));
                match (wanted.next(), wanted.next()) {
                    (Some(one), None) => (one.statement.text.clone(), one.header),
                    _ => return Err(format!("name one of the theorems that end in `sorry`: {}", names.join(", "))),
                }
            }
            _ => return Err(String::from("give `statement`, or `file` and `name`")),
        };
        let ask = ProveAsk { statement, header, time: ask.time, checks: ask.checks };
        let client = self.client(&context);
        self.run_told(&context, |tell| work::prove(&self.desk, &client, ask, tell)).await.map(Json)
    }

    /// Fill the `sorry`s of a Lean file where they stand. Returns a unified diff and what became of each; writes the file
    /// only with `write: true`, and only what a fresh Lean process accepts as a whole. Reports progress.
    #[tool(annotations(title = "Fill", destructive_hint = false, open_world_hint = false))]
    async fn fill(
        &self,
        Parameters(ask): Parameters<FillParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Filled>, String> {
        let path = self.desk.roots.file(&ask.file).map_err(|e| e.to_string())?;
        let text = place::read(&self.desk, &ask.file).await?;
        let fill = FillAsk { text: text.clone(), time: ask.time };
        let client = self.client(&context);
        let filled = self.run_told(&context, |tell| work::fill(&self.desk, &client, &ask.file, fill, tell));
        let (mut filled, new) = filled.await?;
        if ask.write && new != text {
            let now = place::read(&self.desk, &ask.file).await?;
            match if now == text { put(&path, &new).map_err(|e| format!("{e:#}")) } else { Err(CHANGED.to_owned()) } {
                Ok(()) => filled.written = true,
                Err(error) => filled.reason = Some(error),
            }
        }
        Ok(Json(filled))
    }

    /// Is a finished file an honest answer to its original? Judges every theorem of the original that ends in `sorry`: same
    /// statement, no `sorry`, no new axioms, nothing that changes what the statement means. Or checks a certificate of `prove`
    /// again from nothing.
    #[tool(annotations(title = "Verify", read_only_hint = true, open_world_hint = false))]
    async fn verify(
        &self,
        Parameters(ask): Parameters<VerifyParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Verified>, String> {
        let mut texts = ask.texts;
        for (text, file) in [(&mut texts.original, ask.original_file), (&mut texts.candidate, ask.candidate_file)] {
            if let Some(file) = file {
                *text = Some(place::read(&self.desk, &file).await?);
            }
        }
        let client = self.client(&context);
        self.run(&context, work::verify(&self.desk, &client, texts)).await.map(Json)
    }

    /// Check Lean code or a Lean file: all messages, and for each `sorry` its goal. `accepted` means no errors and no `sorry`.
    #[tool(annotations(title = "Check", read_only_hint = true, open_world_hint = false))]
    async fn check(
        &self,
        Parameters(ask): Parameters<CheckParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Diagnosed>, String> {
        let code = place::text(&self.desk, ask.code, ask.file.as_deref()).await?;
        self.diagnose(&context, &code, ask.time).await.map(Json)
    }

    /// The goals at a place of Lean code or of a file (with `line`, and `column` or before and after the line), or the goal of
    /// a statement.
    #[tool(annotations(title = "Goals", read_only_hint = true, open_world_hint = false))]
    async fn goals(
        &self,
        Parameters(ask): Parameters<GoalsParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Goals>, String> {
        if let Some(statement) = ask.statement {
            let (header, tactics) = (ask.header, vec!["skip".to_owned()]);
            let ask = TacticsAsk { goal: statement, header, before: Vec::new(), tactics, heartbeats: None };
            let client = self.client(&context);
            let tried = self.run(&context, work::tactics(&self.desk, &client, ask)).await??;
            let Tried { verdict, reason, goals, .. } = tried.into_iter().next().ok_or_else(|| String::from("no goal"))?;
            let status = if goals.is_empty() { "no_goal_at_position" } else { "goals" }.to_owned();
            let (goals_before, goals_after, line_context) = (None, None, String::new());
            return Ok(Json(Goals { verdict, reason, status, goals: Some(goals), goals_before, goals_after, line_context }));
        }
        let code = place::text(&self.desk, ask.code, ask.file.as_deref()).await?;
        let line = ask.line.ok_or_else(|| String::from("give the `line`"))?;
        self.goals_at(&context, &code, line, ask.column, ask.time).await.map(Json)
    }

    /// Try many tactics at one place in one call, without editing: at a goal or statement, or in the place of a line of a
    /// file. For each: accepted with the goals that are left (none: proved), or Lean's reason.
    #[tool(annotations(title = "Try tactics", read_only_hint = true, open_world_hint = false))]
    async fn try_tactics(
        &self,
        Parameters(ask): Parameters<TryParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Attempts>, String> {
        let client = self.client(&context);
        let items = if let Some(goal) = ask.goal {
            let ask = TacticsAsk { goal, header: ask.header, before: ask.before, tactics: ask.tactics, heartbeats: None };
            self.run(&context, work::tactics(&self.desk, &client, ask)).await??
        } else {
            let code = place::text(&self.desk, ask.code, ask.file.as_deref()).await?;
            let line = ask.line.ok_or_else(|| String::from("give a `goal`, or a text and the `line`"))?;
            let attempts = self.attempts_at(&context, &code, line, ask.column, &ask.tactics, ask.time).await?;
            attempts.into_iter().map(|a| a.tried).collect()
        };
        Ok(Json(Attempts { items }))
    }

    /// Theorems of the installed library (and of the project) that fit a goal, by what they speak of; from a local index, no
    /// network. Each has its name, ready for `rw`, `simp` or `exact`.
    #[tool(annotations(title = "Premises", read_only_hint = true, open_world_hint = false))]
    async fn premises(
        &self,
        Parameters(ask): Parameters<PremisesParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Premises>, String> {
        let client = self.client(&context);
        let limit = ask.limit.unwrap_or(16).clamp(1, 200);
        let found = self.run(&context, work::premises(&self.desk, &client, &ask.goal, &ask.header, limit)).await?;
        Ok(Json(match found {
            Ok(items) => Premises { verdict: Verdict::Accepted, reason: None, items },
            Err(reason) => Premises { verdict: Verdict::CouldNotCheck, reason: Some(reason), items: Vec::new() },
        }))
    }

    /// The picture of a search of `prove`: an HTML page with the graph of proof states, as a resource to show or to open.
    #[tool(annotations(title = "Search report", read_only_hint = true, open_world_hint = false))]
    async fn search_report(&self, Parameters(ask): Parameters<ReportParams>) -> Result<CallToolResult, String> {
        let page = self.desk.pictures.page(&ask.search);
        let page = page.ok_or_else(|| format!("`{}` is not kept (any more)", ask.search))?;
        let page = page.map_err(|e| format!("{e:#}"))?;
        let uri = format!("{SEARCHES}{}", ask.search);
        let mut result = CallToolResult::structured(json!({"uri": uri, "bytes": page.len()}));
        let link = Resource::new(uri, ask.search).with_mime_type("text/html").with_description("the picture of a search");
        result.content.push(ContentBlock::resource_link(link));
        Ok(result)
    }
}
