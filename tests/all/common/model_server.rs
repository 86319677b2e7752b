//! A model server that answers what a test says, and that can fail in every way a server fails.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// What the server sends.
#[derive(Clone)]
pub enum Reply {
    Json(Value),
    /// A status with headers and a text.
    Status(u16, Vec<(&'static str, String)>, String),
    /// The same, later.
    Slow(Duration, Box<Reply>),
    /// Half of it; then the connection ends.
    Cut(Value),
    /// Blanks without end.
    Endless,
}

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: String,
    pub body: Value,
}

impl Seen {
    /// The prompt, or all messages.
    pub fn text(&self) -> String {
        let messages = self.body["messages"].as_array().into_iter().flatten();
        let chat: Vec<&str> = messages.filter_map(|m| m["content"].as_str()).collect();
        self.body["prompt"].as_str().map_or_else(|| chat.join("\n"), str::to_owned)
    }
}

/// See the module.
pub struct ModelServer {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl ModelServer {
    /// Starts a server; questions for answers go to `answer`, that for the models is answered with `m`.
    pub fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> ModelServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (log, answer) = (seen.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (log.clone(), answer.clone());
                std::thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    let reply = match request.path.as_str() {
                        "/v1/models" => Reply::Json(json!({"data": [{"id": "m"}]})),
                        "/" => Reply::Status(404, Vec::new(), String::new()),
                        _ => {
                            log.lock().unwrap().push(request.clone());
                            answer(&request)
                        }
                    };
                    let _ = send(stream, reply);
                });
            }
        });
        ModelServer { url, seen }
    }

    /// The questions so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split_whitespace().nth(1)?.to_owned();
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        headers.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { path, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

fn send(mut stream: TcpStream, reply: Reply) -> std::io::Result<()> {
    match reply {
        Reply::Json(value) => write(&mut stream, 200, &[], &value.to_string(), 0),
        Reply::Status(status, headers, text) => write(&mut stream, status, &headers, &text, 0),
        Reply::Slow(time, reply) => {
            std::thread::sleep(time);
            send(stream, *reply)
        }
        Reply::Cut(value) => {
            let text = value.to_string();
            write(&mut stream, 200, &[], &text[..text.len() / 2], text.len())
        }
        Reply::Endless => {
            write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{{\"choices\":[")?;
            loop {
                stream.write_all(&[b' '; 1 << 16])?;
            }
        }
    }
}

fn write(stream: &mut TcpStream, status: u16, headers: &[(&str, String)], text: &str, promised: usize) -> std::io::Result<()> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = text.len().max(promised);
    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{text}")
}

/// An answer in the shape of a chat or of a completion, by the door that was asked.
pub fn choices(request: &Seen, texts: &[&str]) -> Reply {
    let chat = request.path.ends_with("chat/completions");
    let choice =
        |text: &&str| if chat { json!({"message": {"role": "assistant", "content": text}}) } else { json!({"text": text}) };
    let all: Vec<Value> = texts.iter().map(choice).collect();
    Reply::Json(json!({"choices": all, "usage": {"prompt_tokens": 10, "completion_tokens": 5}}))
}
