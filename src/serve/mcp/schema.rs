//! Schemas of tools in the plain form that all readers take: some know no `anyOf`, no list of types, no `$ref`.

use rmcp::model::JsonObject;
use serde_json::{Map, Value};

/// The same schema, without what only says that an argument may be left out (`null`), and with what it refers to put in place.
pub fn plain(schema: &JsonObject) -> JsonObject {
    let definitions = schema.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut plain = object(schema, &definitions);
    plain.remove("$defs");
    plain
}

fn object(schema: &JsonObject, definitions: &Map<String, Value>) -> JsonObject {
    let mut made = JsonObject::new();
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("$ref", Value::String(at)) => {
                let named = definitions.get(at.trim_start_matches("#/$defs/")).and_then(Value::as_object);
                for (key, value) in named.map(|n| object(n, definitions)).into_iter().flatten() {
                    made.entry(key).or_insert(value);
                }
            }
            ("anyOf", Value::Array(ways)) => match ways.iter().filter(|w| w["type"] != "null").collect::<Vec<_>>()[..] {
                [Value::Object(only)] => {
                    for (key, value) in object(only, definitions) {
                        made.entry(key).or_insert(value);
                    }
                }
                _ => drop(made.insert(key.clone(), of(value, definitions))),
            },
            ("type", Value::Array(types)) => match types.iter().filter(|t| *t != "null").collect::<Vec<_>>()[..] {
                [only] => drop(made.insert(key.clone(), only.clone())),
                _ => drop(made.insert(key.clone(), value.clone())),
            },
            ("default", Value::Null) => {}
            // Formats of Rust's numbers, which no reader knows.
            ("format", Value::String(format)) if format.contains("int") || format == "double" => {}
            _ => drop(made.insert(key.clone(), of(value, definitions))),
        }
    }
    made
}

fn of(value: &Value, definitions: &Map<String, Value>) -> Value {
    match value {
        Value::Object(map) => Value::Object(object(map, definitions)),
        Value::Array(list) => Value::Array(list.iter().map(|v| of(v, definitions)).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_be_left_out_is_of_its_type() {
        let schema = json!({
            "type": "object",
            "properties": {
                "time": {"description": "Seconds", "type": ["number", "null"], "format": "double", "default": null},
                "severity": {"description": "Only these", "anyOf": [{"$ref": "#/$defs/Level"}, {"type": "null"}], "default": null},
                "lines": {"type": "array", "items": {"$ref": "#/$defs/Level"}, "default": []},
            },
            "$defs": {"Level": {"type": "string", "enum": ["error"]}},
        });
        let wanted = json!({
            "type": "object",
            "properties": {
                "time": {"description": "Seconds", "type": "number"},
                "severity": {"description": "Only these", "type": "string", "enum": ["error"]},
                "lines": {"type": "array", "items": {"type": "string", "enum": ["error"]}, "default": []},
            },
        });
        assert_eq!(Value::Object(plain(schema.as_object().unwrap())), wanted);
    }
}
