//! The text that a host of lists sends, within limits of time and size.

use std::io::Read;
use std::time::{Duration, Instant};

use buildpack_core::lists::Answer;
use buildpack_core::toolchain::{Cause, Fetch, FetchError, Request, TimeLimits};
use flate2::read::MultiGzDecoder;

/// More than this is no list: the largest has some hundred kilobytes.
const LARGEST: u64 = 16 << 20;

/// How a gzip file begins (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How long hosts of lists are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection, and between any two reads.
    pub limits: TimeLimits,
    /// For the whole of a list.
    pub whole: Duration,
}

impl Patience {
    /// For an answer that somebody waits for.
    pub const SHORT: Self = Self {
        limits: TimeLimits {
            connect: Duration::from_secs(1),
            stall: Duration::from_millis(1500),
        },
        whole: Duration::from_secs(3),
    };

    /// For a build, which takes minutes anyway.
    pub const LONG: Self = Self {
        limits: TimeLimits {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(30),
        },
        whole: Duration::from_mins(2),
    };
}

/// What the host says at `url`; with `etag`, only if it is no longer that.
pub(super) fn text(
    fetch: &dyn Fetch,
    url: &str,
    etag: Option<&str>,
    patience: Patience,
) -> Result<Answer, FetchError> {
    let started = Instant::now();
    let mut request = Request::get(url);
    request.etag = etag.map(str::to_owned);
    request.limits = patience.limits;
    let response = match fetch.get(&request) {
        Ok(response) if response.status == 304 => return Ok(Answer::Unchanged),
        Ok(response) => response,
        Err(FetchError {
            cause: Cause::Status {
                status: 404 | 410, ..
            },
            ..
        }) => return Ok(Answer::Missing),
        Err(error) => return Err(error),
    };
    if response.length.is_some_and(|length| length > LARGEST) {
        return Ok(too_large());
    }
    let mut bytes = Vec::new();
    let mut body = response.body.take(LARGEST + 1);
    let mut piece = vec![0; 64 << 10];
    loop {
        let count = body
            .read(&mut piece)
            .map_err(|error| FetchError::body(url, &error, patience.limits))?;
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&piece[..count]);
        // What comes in drops never stalls.
        if started.elapsed() > patience.whole {
            let whole = patience.whole.as_secs_f32();
            let late = format!("not all of it came within {whole} s");
            return Err(FetchError::new(url, Cause::Broken(late)));
        }
    }
    Ok(read(bytes, response.etag))
}

/// What the bytes say. Nobody asks for gzip, but some hosts send what they keep.
fn read(bytes: Vec<u8>, etag: Option<String>) -> Answer {
    let bytes = if bytes.starts_with(&GZIP) {
        let mut plain = Vec::new();
        let inflated = MultiGzDecoder::new(&*bytes)
            .take(LARGEST + 1)
            .read_to_end(&mut plain);
        if inflated.is_err() {
            return Answer::Nonsense("it is gzip that cannot be read".to_owned());
        }
        plain
    } else {
        bytes
    };
    if bytes.len() as u64 > LARGEST {
        return too_large();
    }
    match String::from_utf8(bytes) {
        Err(_) => Answer::Nonsense("it is not text".to_owned()),
        Ok(text) if text.trim_start().starts_with('<') => {
            Answer::Nonsense("it is a web page".to_owned())
        }
        Ok(text) => Answer::Text { text, etag },
    }
}

fn too_large() -> Answer {
    Answer::Nonsense(format!("it is larger than {} MiB", LARGEST >> 20))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use buildpack_core::toolchain::Response;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn nonsense(bytes: Vec<u8>) -> String {
        match read(bytes, None) {
            Answer::Nonsense(why) => why,
            other => panic!("{other:?}"),
        }
    }

    /// A byte now and then.
    struct Drops;

    impl Read for Drops {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            std::thread::sleep(Duration::from_millis(10));
            buffer[0] = b'v';
            Ok(1)
        }
    }

    impl Fetch for Drops {
        fn get(&self, request: &Request) -> Result<Response, FetchError> {
            Ok(Response {
                status: 200,
                length: None,
                range: None,
                etag: None,
                content_type: None,
                final_url: request.url.clone(),
                body: Box::new(Drops),
            })
        }
    }

    #[test]
    fn what_comes_in_drops_is_not_waited_for() {
        let patience = Patience {
            whole: Duration::from_millis(100),
            ..Patience::SHORT
        };
        let started = Instant::now();
        let error = text(&Drops, "http://builds.example/list", None, patience).unwrap_err();
        assert!(matches!(error.cause, Cause::Broken(_)), "{error}");
        assert!(started.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn reads_what_is_packed_and_no_more_than_a_list_may_have() {
        let text = Answer::Text {
            text: "v1.18.3\n".to_owned(),
            etag: None,
        };
        assert_eq!(read(b"v1.18.3\n".to_vec(), None), text);
        assert_eq!(read(gzip(b"v1.18.3\n"), None), text);
        // A few kilobytes that become more than a list has.
        let bomb = gzip(&vec![b'a'; 20 << 20]);
        assert!(bomb.len() < 1 << 20);
        assert_eq!(nonsense(bomb), "it is larger than 16 MiB");
        let mut cut = gzip(b"v1.18.3\n");
        cut.truncate(15);
        assert_eq!(nonsense(cut), "it is gzip that cannot be read");
        assert_eq!(nonsense(vec![0xff, 0xfe, 0, 1]), "it is not text");
        assert_eq!(nonsense(b" <html>".to_vec()), "it is a web page");
    }
}
