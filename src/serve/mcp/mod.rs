//! The Model Context Protocol: tools for agents, over standard streams or streamable HTTP.
//!
//! [`tools`] are qstar's own; [`familiar`] gives those of lean-lsp-mcp that mean the same, under the names and with the
//! arguments that models know. Both are thin: [`place`] finds what a call speaks of, [`asks`] asks Lean about it, `work`
//! and `check` do the rest. [`schema`] writes arguments down so that every model's own reader takes them.

mod asks;
mod familiar;
mod place;
mod schema;
mod tools;

use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::{
    ErrorData, Implementation, ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
    ResourceContents, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler, ServiceExt, tool_handler};
use tokio::sync::watch;

use super::desk::{Desk, STOPS};
use super::http::caller;
use super::work::{Progress, Tell};

/// Between two notes of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// A session nobody speaks in ends.
const SILENCE: Duration = Duration::from_secs(3600);
/// What an agent is told of the server.
const INSTRUCTIONS: &str = "\
qstar proves and checks Lean 4. Lines and columns count from 1, columns in characters.
Every answer has a `verdict`: `accepted`, `refused` (with Lean's reason), or `could_not_check` (time was up, or Lean failed: \
this says nothing about the proof; ask again with more time).
- check: is this code right? - goals: what is left to show at a place? - try_tactics: many tactics at one place in one call.
- premises: which theorems of the installed library fit a goal? - prove: search a proof; what it returns was verified in a fresh \
Lean process. - fill: fill the `sorry`s of a file; returns a diff. - verify: is a finished file honest against its original?
Use try_tactics before editing, prove for goals that look routine, verify before calling anything done.";

/// One client's view of the server.
#[derive(Clone)]
pub struct Agent {
    desk: Arc<Desk>,
    tool_router: ToolRouter<Agent>,
}

impl Agent {
    pub fn new(desk: Arc<Desk>) -> Agent {
        let mut tool_router = Agent::own_tools() + Agent::familiar_tools();
        for tool in tool_router.map.values_mut() {
            tool.attr.input_schema = Arc::new(schema::plain(&tool.attr.input_schema));
            tool.attr.output_schema = tool.attr.output_schema.as_ref().map(|s| Arc::new(schema::plain(s)));
        }
        Agent { desk, tool_router }
    }

    /// Runs what a tool does, as soon as there is room, until it is done or the client no longer wants it.
    async fn run<T>(&self, context: &RequestContext<RoleServer>, work: impl Future<Output = T>) -> Result<T, String> {
        let done = async {
            let _place = self.desk.gate.enter().await.map_err(|full| {
                format!("could not check: too many requests wait already; ask again in {} seconds", full.retry_after)
            })?;
            Ok(work.await)
        };
        tokio::select! {
            done = done => done,
            () = context.ct.cancelled() => Err("cancelled".to_owned()),
            () = self.desk.closing() => Err(format!("could not check: {STOPS}")),
        }
    }

    /// As [`Agent::run`], and tells the client how far it is, where it asked for that.
    async fn run_told<T, F: Future<Output = T>>(
        &self,
        context: &RequestContext<RoleServer>,
        work: impl FnOnce(Tell) -> F,
    ) -> Result<T, String> {
        let (tell, mut told) = watch::channel(Progress::default());
        let Some(token) = context.meta.get_progress_token() else {
            return self.run(context, work(tell)).await;
        };
        let notes = async {
            let mut number = 0.0;
            while told.changed().await.is_ok() {
                let now = told.borrow_and_update().clone();
                number += 1.0;
                let text = format!("{} checks, {} goals, trying {}", now.checks, now.goals, now.trying);
                let note = ProgressNotificationParam::new(token.clone(), number).with_message(text);
                if context.peer.notify_progress(note).await.is_err() {
                    break;
                }
                tokio::time::sleep(PROGRESS_EVERY).await;
            }
            std::future::pending().await
        };
        tokio::select! {
            done = self.run(context, work(tell)) => done,
            never = notes => never,
        }
    }

    /// The client, as far as turns are taken.
    fn client(&self, context: &RequestContext<RoleServer>) -> String {
        context.extensions.get::<Parts>().map_or_else(|| "stdio".to_owned(), |parts| caller(parts).0)
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Agent {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        let program = Implementation::new("qstar", env!("CARGO_PKG_VERSION")).with_title("qstar, a theorem prover for Lean 4");
        ServerConfig::new(capabilities).with_server_info(program).with_instructions(INSTRUCTIONS)
    }

    /// The picture of a search.
    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let name = request.uri.strip_prefix(tools::SEARCHES).unwrap_or_default();
        match self.desk.pictures.page(name) {
            Some(Ok(page)) => {
                let contents = ResourceContents::TextResourceContents {
                    uri: request.uri.clone(),
                    mime_type: Some("text/html".to_owned()),
                    text: page,
                    meta: None,
                };
                Ok(ReadResourceResult::new(vec![contents]).into())
            }
            Some(Err(error)) => Err(ErrorData::internal_error(format!("{error:#}"), None)),
            None => Err(ErrorData::resource_not_found(format!("{} is not kept (any more)", request.uri), None)),
        }
    }
}

/// Speaks on the standard streams until the client closes them, or until the desk was told to stop and what ran is answered.
///
/// # Errors
/// When the client does not speak the protocol.
pub async fn serve_stdio(desk: &Arc<Desk>) -> anyhow::Result<()> {
    let started = Agent::new(desk.clone()).serve_with_ct(rmcp::transport::stdio(), desk.closed.clone()).await;
    let ended = match started {
        Ok(serving) => serving.waiting().await.map(drop).map_err(anyhow::Error::from),
        Err(_) if desk.stop.is_cancelled() => Ok(()),
        Err(error) => Err(error.into()),
    };
    desk.stop.cancel();
    desk.closed.cancel();
    ended
}

/// What answers at `/mcp`. Who may ask was asked before.
pub fn service(desk: &Arc<Desk>) -> StreamableHttpService<Agent, LocalSessionManager> {
    let mut sessions = LocalSessionManager::default();
    sessions.session_config.keep_alive = Some(SILENCE);
    let config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .with_max_request_body_bytes(desk.limits.body)
        .with_cancellation_token(desk.closed.clone());
    let agent = Agent::new(desk.clone());
    StreamableHttpService::new(move || Ok(agent.clone()), Arc::new(sessions), config)
}
