//! The OpenAPI document, made of the types that are read and written.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::kimina::{CheckRequest, CheckResponse, VerifyRequest, VerifyResponse};
use super::v1::{TacticsRequest, TacticsResponse};
use super::work::{ProveAsk, Proved, Verified, VerifyAsk};

/// The document.
pub fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut schemas = settings.into_generator();
    let mut paths = Map::new();
    let mut post = |path: &str, summary: &str, operation: Value| {
        let mut operation = operation;
        operation["summary"] = summary.into();
        paths.insert(path.to_owned(), json!({"post": operation}));
    };
    let s = &mut schemas;
    post(
        "/api/check",
        "Judge snippets (Kimina Lean Server's protocol)",
        of::<CheckRequest, CheckResponse>(s, "application/json"),
    );
    post("/verify", "Judge snippets (its older protocol)", of::<VerifyRequest, VerifyResponse>(s, "application/json"));
    post(
        "/v1/verify",
        "Judge a finished file against its original, or a certificate",
        of::<VerifyAsk, Verified>(s, "application/json"),
    );
    post(
        "/v1/prove",
        "Search a proof: events `progress`, then `result` with this content",
        of::<ProveAsk, Proved>(s, "text/event-stream"),
    );
    post("/v1/tactics", "Try tactics at goals", of::<TacticsRequest, TacticsResponse>(s, "application/json"));
    let get = |summary: &str, media: &str| json!({"get": {"summary": summary, "responses": {"200": {"description": "it", "content": {media: {}}}}}});
    paths.insert("/health".into(), get("Whether the server lives, and Lean with it", "application/json"));
    paths.insert("/metrics".into(), get("Counters, in Prometheus' text format", "application/openmetrics-text"));
    json!({
        "openapi": "3.1.0",
        "info": {"title": "qstar", "version": env!("CARGO_PKG_VERSION"), "description": "Proofs and verdicts for Lean 4. MCP is at /mcp."},
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    })
}

fn of<Q: JsonSchema, A: JsonSchema>(schemas: &mut SchemaGenerator, media: &str) -> Value {
    let problem = |why: &str| json!({"description": why, "content": {"application/json": {"schema": {"type": "object", "properties": {"detail": {"type": "string"}}}}}});
    let mut busy = problem("too many requests wait");
    busy["headers"] = json!({"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}});
    json!({
        "requestBody": {"required": true, "content": {"application/json": {"schema": schemas.subschema_for::<Q>()}}},
        "responses": {
            "200": {"description": "the answer", "content": {media: {"schema": schemas.subschema_for::<A>()}}},
            "401": problem("the token is missing or wrong"),
            "413": problem("the request is too long"),
            "422": problem("the request cannot be understood"),
            "429": busy,
            "503": problem("there is no Lean, or the server stops"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_that_is_spoken_of_is_there() {
        let document = document();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (at, _) in text.match_indices("\"#/components/schemas/") {
            let name = text[at + 22..].split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
        for path in ["/api/check", "/verify", "/v1/verify", "/v1/prove", "/v1/tactics", "/health", "/metrics"] {
            assert!(document["paths"][path].is_object(), "{path}");
        }
    }
}
