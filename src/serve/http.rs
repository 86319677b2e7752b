//! HTTP: who may ask, how much at a time, and which address leads where.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Bytes, HttpBody};
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper::body::{Frame, SizeHint};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tower_http::timeout::RequestBodyTimeoutLayer;

use super::desk::{Desk, STOPS};
use super::gate::{Full, Pass};
use super::{kimina, mcp, openapi, v1};

/// For a request's head, and for each piece of its body.
const SLOW_SENDER: Duration = Duration::from_secs(30);
/// For a client to take a piece of an answer.
const SLOW_READER: Duration = Duration::from_secs(60);
/// Connections beside those of requests that run or wait: clients keep some open.
const IDLE_CONNECTIONS: usize = 256;

/// Who may ask.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Demanded of every request when it is there.
    pub token: Option<String>,
    /// Names of this server in `Host`, beside those of loopback; a page that was led here by a changed DNS entry sends its own.
    pub hosts: Vec<String>,
    /// Web pages that may ask (`https://example.org`). Others may not, whatever they send.
    pub origins: Vec<String>,
}

impl Access {
    /// Why a server with this access must not listen there.
    ///
    /// # Errors
    /// The remedy.
    pub fn suits(&self, address: SocketAddr) -> Result<(), String> {
        if address.ip().is_loopback() || self.token.is_some() {
            return Ok(());
        }
        Err(format!(
            "{address} can be reached from other machines: set a token with QSTAR_TOKEN or --token-file, or listen on 127.0.0.1"
        ))
    }

    fn knows_host(&self, host: &str, address: SocketAddr) -> bool {
        // Elsewhere the token speaks, unless names are given.
        if !address.ip().is_loopback() && self.hosts.is_empty() {
            return true;
        }
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
            _ => host,
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let loopback = ["localhost", "127.0.0.1", "::1"].iter().any(|l| name.eq_ignore_ascii_case(l));
        (loopback && address.ip().is_loopback())
            || name == address.ip().to_string()
            || self.hosts.iter().any(|h| h.eq_ignore_ascii_case(name) || h.eq_ignore_ascii_case(host))
    }

    fn knows_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|o| o.eq_ignore_ascii_case(origin))
    }

    /// What browsers must be told before they let a page ask that may; nothing when there is none.
    fn pages(&self) -> Option<CorsLayer> {
        let access = self.clone();
        let known = move |origin: &HeaderValue, _: &Parts| origin.to_str().is_ok_and(|o| access.knows_origin(o));
        let told = [header::RETRY_AFTER, HeaderName::from_static("mcp-session-id")];
        let layer = CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(known))
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(told);
        (!self.origins.is_empty()).then_some(layer)
    }

    /// Why a request is turned away.
    fn refuse(&self, request: &Request, address: SocketAddr) -> Option<Problem> {
        let text = |name: header::HeaderName| request.headers().get(name).map(|v| v.to_str().unwrap_or("?"));
        let host = text(header::HOST).or_else(|| request.uri().authority().map(|a| a.as_str())).unwrap_or("");
        if !self.knows_host(host, address) {
            let why = "this server does not go by that name; add it with --allow-host if it should";
            return Some(Problem { status: StatusCode::MISDIRECTED_REQUEST, detail: why.into(), retry_after: None });
        }
        if let Some(origin) = text(header::ORIGIN)
            && !self.knows_origin(origin)
        {
            let why = "web pages may not ask here; add their origin with --allow-origin if they should";
            return Some(Problem { status: StatusCode::FORBIDDEN, detail: why.into(), retry_after: None });
        }
        let token = self.token.as_deref()?;
        let given = text(header::AUTHORIZATION).unwrap_or("");
        let given = given.split_once(' ').filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer")).map_or("", |(_, t)| t.trim());
        // Digests take the same time to compare, whatever was guessed.
        let same = Sha256::digest(given) == Sha256::digest(token);
        let why = "a token is needed: Authorization: Bearer TOKEN";
        (!same).then(|| Problem { status: StatusCode::UNAUTHORIZED, detail: why.into(), retry_after: None })
    }
}

/// An answer that says what is wrong.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: Option<u64>,
}

impl Problem {
    /// The request cannot be understood.
    pub fn input(detail: &str) -> Problem {
        Problem { status: StatusCode::UNPROCESSABLE_ENTITY, detail: detail.to_owned(), retry_after: None }
    }

    /// There is no Lean to ask.
    pub fn no_lean(reason: String) -> Problem {
        Problem { status: StatusCode::SERVICE_UNAVAILABLE, detail: reason, retry_after: None }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({"detail": self.detail}))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A body of JSON; what is wrong with it is told as all other problems are.
pub struct Body<T>(pub T);

impl<T: serde::de::DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        let read = Json::<T>::from_request(request, state).await;
        let wrong = |e: JsonRejection| Problem { status: e.status(), detail: e.body_text(), retry_after: None };
        read.map(|Json(body)| Body(body)).map_err(wrong)
    }
}

/// The client, as far as turns are taken between clients: the name it gives itself in `X-Qstar-Client`, else its address
/// and program.
#[derive(Debug, Clone)]
pub struct Caller(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Self::Rejection> {
        Ok(caller(parts))
    }
}

/// Who a request comes from.
pub fn caller(parts: &Parts) -> Caller {
    let text = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok());
    let peer = parts.extensions.get::<Peer>().map(|p| p.0.ip().to_string()).unwrap_or_default();
    let name = text("x-qstar-client").or_else(|| text("user-agent")).unwrap_or("");
    Caller(format!("{peer} {name}").chars().take(200).collect())
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
struct Peer(SocketAddr);

/// What the layers need.
struct Door {
    desk: Arc<Desk>,
    access: Access,
    address: SocketAddr,
}

/// Everything that answers at an address.
pub fn router(desk: Arc<Desk>, access: Access, address: SocketAddr) -> Router {
    let body = desk.limits.body;
    let pages = access.pages();
    let door = Arc::new(Door { desk: desk.clone(), access, address });
    let work = Router::new()
        .route("/api/check", post(kimina::check))
        .route("/api/check/", post(kimina::check))
        .route("/verify", post(kimina::verify))
        .route("/one_pass_verify_batch", post(kimina::verify))
        .route("/v1/verify", post(v1::verify))
        .route("/v1/prove", post(v1::prove))
        .route("/v1/tactics", post(v1::tactics))
        .layer(middleware::from_fn_with_state(door.clone(), enter));
    let router = Router::new()
        .merge(work)
        // Its tools enter by themselves: a call that is to be cancelled must not keep the word out that cancels it.
        .route_service("/mcp", mcp::service(&desk))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(async || Json(openapi::document())))
        .route("/", get(health))
        .route("/health", get(health))
        .fallback(async || Problem { status: StatusCode::NOT_FOUND, detail: "nothing is here".into(), retry_after: None })
        .with_state(desk)
        .layer(DefaultBodyLimit::max(body))
        .layer(RequestBodyTimeoutLayer::new(SLOW_SENDER))
        .layer(middleware::from_fn_with_state(door, admit))
        .layer(CatchPanicLayer::new());
    match pages {
        Some(pages) => router.layer(pages),
        None => router,
    }
}

/// The first layer: who asks, and for the log what became of it.
async fn admit(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let open = method == Method::GET && ["/", "/health"].contains(&path.as_str());
    let refusal = door.access.refuse(&request, door.address);
    // That the server lives is told to all who may call it so.
    let refusal = refusal.filter(|r| !open || r.status != StatusCode::UNAUTHORIZED);
    let response = match refusal {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    let (status, seconds) = (response.status().as_u16(), start.elapsed().as_secs_f64());
    door.desk.metrics.answered(endpoint(&path), status, seconds);
    tracing::info!(%method, path, status, seconds, "request");
    response
}

/// The addresses by which requests are counted.
fn endpoint(path: &str) -> &'static str {
    const KNOWN: &[&str] = &["/api/check", "/verify", "/v1/verify", "/v1/prove", "/v1/tactics", "/mcp", "/health", "/metrics"];
    KNOWN.iter().find(|k| path.trim_end_matches('/') == **k).copied().unwrap_or("other")
}

/// The second layer, for what costs: a place among the running, kept until the answer is sent.
async fn enter(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let entered = tokio::select! {
        entered = door.desk.gate.enter() => entered,
        () = door.desk.stop.cancelled() => return Problem::no_lean(STOPS.to_owned()).into_response(),
    };
    let pass = match entered {
        Ok(pass) => pass,
        Err(Full { retry_after }) => {
            let detail = "too many requests wait already".to_owned();
            let full = Problem { status: StatusCode::TOO_MANY_REQUESTS, detail, retry_after: Some(retry_after) };
            return full.into_response();
        }
    };
    next.run(request).await.map(|body| axum::body::Body::new(Held { body, _pass: pass }))
}

/// An answer that keeps its place among the running until it is sent.
struct Held {
    body: axum::body::Body,
    _pass: Pass,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn health(State(desk): State<Arc<Desk>>) -> Response {
    let lean = match desk.outfit_now() {
        None => "starting",
        Some(Ok(_)) => "ready",
        Some(Err(_)) => "missing",
    };
    Json(json!({"status": "ok", "lean": lean})).into_response()
}

async fn metrics(State(desk): State<Arc<Desk>>) -> Response {
    let page = tokio::task::spawn_blocking(move || desk.counters()).await.unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], page).into_response()
}

/// Takes connections until the desk is told to stop, then lets those that are at work end within `patience`.
pub async fn serve(listener: TcpListener, router: Router, desk: &Desk, patience: Duration) {
    let connections = Arc::new(Semaphore::new(desk.limits.running + desk.limits.queue + IDLE_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let room = tokio::select! {
            room = connections.clone().acquire_owned() => room,
            () = desk.stop.cancelled() => break,
        };
        let (stream, peer) = tokio::select! {
            taken = listener.accept() => match taken {
                Ok(taken) => taken,
                Err(error) => {
                    // No file handles, say: others may come free.
                    tracing::warn!("a connection cannot be taken: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = desk.stop.cancelled() => break,
        };
        let service = router.clone().layer(axum::Extension(Peer(peer)));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(SLOW_SENDER)
            .serve_connection(TokioIo::new(bounded(stream)), TowerToHyperService::new(service));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, "connection: {error}");
            }
            drop(room);
        });
    }
    drop(listener);
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end within {patience:?} and are dropped");
    }
}

/// A connection whose other end must take what is sent.
fn bounded(stream: TcpStream) -> std::pin::Pin<Box<TimeoutStream<TcpStream>>> {
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(SLOW_READER));
    Box::pin(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(access: &Access, address: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let request = headers.iter().fold(Request::builder().uri("/api/check"), |r, (n, v)| r.header(*n, *v));
        let request = request.body(axum::body::Body::empty()).unwrap();
        access.refuse(&request, address.parse().unwrap()).map(|p| p.status.as_u16())
    }

    #[test]
    fn strangers_and_pages_are_turned_away() {
        let open = Access::default();
        let local = "127.0.0.1:8000";
        for host in ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000", "LOCALHOST:1"] {
            assert_eq!(status(&open, local, &[("host", host)]), None, "{host}");
        }
        for host in ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "", "10.0.0.1"] {
            assert_eq!(status(&open, local, &[("host", host)]), Some(421), "{host}");
        }
        for origin in ["http://evil.example", "http://localhost:3000", "null"] {
            assert_eq!(status(&open, local, &[("host", "localhost"), ("origin", origin)]), Some(403));
        }
        let named = Access { origins: vec!["https://ok.example".into()], hosts: vec!["lean.example".into()], token: None };
        assert_eq!(status(&named, local, &[("host", "lean.example:80"), ("origin", "https://ok.example")]), None);

        let closed = Access { token: Some("secret".into()), ..Access::default() };
        assert_eq!(status(&closed, "0.0.0.0:80", &[("host", "x"), ("authorization", "Bearer secret")]), None);
        for wrong in ["Bearer secre", "Bearer secret2", "secret", "Basic secret", "Bearer"] {
            assert_eq!(status(&closed, "0.0.0.0:80", &[("host", "x"), ("authorization", wrong)]), Some(401), "{wrong}");
        }
        assert_eq!(status(&closed, local, &[("host", "localhost")]), Some(401));
    }

    #[test]
    fn open_addresses_want_a_token() {
        assert!(Access::default().suits("0.0.0.0:80".parse().unwrap()).unwrap_err().contains("QSTAR_TOKEN"));
        assert!(Access::default().suits("127.0.0.1:80".parse().unwrap()).is_ok());
        assert!(Access { token: Some("x".into()), ..Access::default() }.suits("0.0.0.0:80".parse().unwrap()).is_ok());
    }
}
