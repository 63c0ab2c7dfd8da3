//! Requests and answers as bytes on a connection.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Method and path with query.
    pub line: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, as far as it is text.
    pub body: String,
    /// Bytes of the body.
    pub size: usize,
}

impl Seen {
    /// Reads all that comes before the body.
    pub(super) fn head(reader: &mut BufReader<&TcpStream>) -> io::Result<Self> {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        Ok(Self {
            line: line.trim_end().trim_end_matches(" HTTP/1.1").to_owned(),
            headers,
            ..Self::default()
        })
    }

    /// Reads the body, or `most` bytes of it.
    pub(super) fn body(
        &mut self,
        reader: &mut BufReader<&TcpStream>,
        most: usize,
    ) -> io::Result<Vec<u8>> {
        let length = self
            .headers
            .get("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; most.min(length)];
        reader.read_exact(&mut body)?;
        self.size = body.len();
        self.body = String::from_utf8_lossy(&body).into_owned();
        Ok(body)
    }

    pub(super) fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// Path and query.
    pub(super) fn target(&self) -> (&str, &str) {
        let target = self.line.split(' ').nth(1).unwrap_or_default();
        target.split_once('?').unwrap_or((target, ""))
    }
}

/// A value of a query or a form, decoded.
pub(super) fn values(query: &str, name: &str) -> Vec<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| decoded(value))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = String::from_utf8_lossy(&digits).into_owned();
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is sent, and after how many bytes of the body something else happens.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// The length that is said, if it is not that of the body.
    pub(super) length: Option<usize>,
    pub(super) head_only: bool,
    pub(super) stalls: bool,
}

impl Reply {
    pub(super) fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", kind.to_owned())],
            body: body.into(),
            length: None,
            head_only: false,
            stalls: false,
        }
    }

    pub(super) fn error(status: u16, code: &str) -> Self {
        Self::said(status, code, "as it was told")
    }

    pub(super) fn said(status: u16, code: &str, message: &str) -> Self {
        let body = format!(r#"{{"errors": [{{"code": "{code}", "message": "{message}"}}]}}"#);
        Self::new(status, "application/json", body)
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn send(&self, mut stream: &TcpStream) -> io::Result<()> {
        write!(stream, "HTTP/1.1 {} Told\r\n", self.status)?;
        if self.status != 204 {
            let length = self.length.unwrap_or(self.body.len());
            write!(stream, "Content-Length: {length}\r\n")?;
        }
        for (name, value) in &self.headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        stream.write_all(b"Connection: close\r\n\r\n")?;
        if !self.head_only {
            stream.write_all(&self.body)?;
        }
        stream.flush()?;
        if self.stalls {
            // Until the other side gives up.
            stream.read_to_end(&mut Vec::new())?;
        }
        Ok(())
    }
}
