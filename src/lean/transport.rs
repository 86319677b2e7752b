//! Framing of the Language Server Protocol: bytes to JSON messages and back.
//!
//! Knows nothing of Lean or of what the messages mean.

use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The largest message body that is read, in bytes: a server gone wild must not fill the memory.
const MAX_BODY: usize = 64 << 20;
/// The longest header line, in bytes.
const MAX_LINE: u64 = 4096;

/// Why no message could be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("the stream ended")]
    Ended,
    #[error("the stream ended inside a message")]
    Truncated,
    #[error("not a protocol message: {0}")]
    Garbage(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Reads one message.
///
/// # Errors
/// [`FrameError::Ended`] on a clean end between messages; everything else means that the peer is broken.
pub async fn read_message<R: AsyncBufRead + Unpin>(reader: &mut R) -> Result<Value, FrameError> {
    let mut length = None;
    let mut first = true;
    loop {
        let mut line = Vec::new();
        if (&mut *reader).take(MAX_LINE).read_until(b'\n', &mut line).await? == 0 {
            return Err(if first { FrameError::Ended } else { FrameError::Truncated });
        }
        first = false;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if text.is_empty() {
            break;
        }
        let Some((name, value)) = text.split_once(':') else {
            return Err(FrameError::Garbage(text.chars().take(80).collect()));
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<usize>().ok();
        }
    }
    let length = length.filter(|&n| n <= MAX_BODY).ok_or_else(|| FrameError::Garbage("no usable Content-Length".into()))?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => FrameError::Truncated,
        _ => FrameError::Io(e),
    })?;
    serde_json::from_slice(&body).map_err(|e| FrameError::Garbage(e.to_string()))
}

/// Writes one message and flushes.
///
/// # Errors
/// Those of the stream.
pub async fn write_message<W: AsyncWrite + Unpin>(writer: &mut W, message: &Value) -> std::io::Result<()> {
    let body = message.to_string();
    writer.write_all(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
    writer.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn what_is_written_is_read_back() {
        let mut bytes = Vec::new();
        write_message(&mut bytes, &json!({"a": "ℕ"})).await.unwrap();
        write_message(&mut bytes, &json!([1])).await.unwrap();
        let mut reader = &bytes[..];
        assert_eq!(read_message(&mut reader).await.unwrap(), json!({"a": "ℕ"}));
        assert_eq!(read_message(&mut reader).await.unwrap(), json!([1]));
        assert!(matches!(read_message(&mut reader).await, Err(FrameError::Ended)));
    }

    #[tokio::test]
    async fn broken_streams_are_told_apart() {
        let garbage = read_message(&mut &b"hello\n"[..]).await;
        assert!(matches!(garbage, Err(FrameError::Garbage(_))));
        let cut = read_message(&mut &b"Content-Length: 10\r\n\r\n{\"a\""[..]).await;
        assert!(matches!(cut, Err(FrameError::Truncated)));
        let huge = read_message(&mut &b"Content-Length: 99999999999\r\n\r\n"[..]).await;
        assert!(matches!(huge, Err(FrameError::Garbage(_))));
    }
}
