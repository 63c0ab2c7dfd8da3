//! TLS against a server whose authority is trusted only by whom we tell to.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use buildpack_core::toolchain::{Cause, Fetch as _, Request};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use super::HttpFetch;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/http/testdata")
        .join(name)
}

/// A server that answers one request after the other with `secure`, or with a redirect to the address in `redirect`.
fn serve(redirect: Option<String>) -> u16 {
    crate::tls::install();
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server-key.pem")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = Stream::new(&mut session, &mut socket);
            let mut head = [0; 4096];
            // A client that does not trust us goes away here.
            if stream.read(&mut head).is_err() {
                continue;
            }
            let answer = match &redirect {
                Some(to) => {
                    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
                }
                None => "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecure"
                    .to_owned(),
            };
            let _ = stream.write_all(answer.as_bytes());
            session.send_close_notify();
            let _ = session.complete_io(&mut socket);
        }
    });
    port
}

fn get(fetch: &HttpFetch, url: String) -> Result<String, Cause> {
    let mut response = fetch.get(&Request::get(url)).map_err(|error| error.cause)?;
    let mut text = String::new();
    response.body.read_to_string(&mut text).unwrap();
    Ok(text)
}

#[test]
fn whom_we_trust_is_heard_and_nobody_else() {
    let url = format!("https://127.0.0.1:{}/", serve(None));
    let trusting = HttpFetch::new(Some(file("authority.pem")));
    assert_eq!(get(&trusting, url.clone()).unwrap(), "secure");
    // An authority that signed nothing here.
    let other = HttpFetch::new(Some(file("server.pem")));
    let cause = get(&other, url).unwrap_err();
    assert!(matches!(cause, Cause::Tls(_)), "{cause:?}");
}

#[test]
fn who_speaks_no_tls_is_told_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let cause = get(&HttpFetch::new(Some(file("authority.pem"))), url).unwrap_err();
    server.join().unwrap();
    assert!(matches!(cause, Cause::Tls(_)), "{cause:?}");
}

#[test]
fn no_redirect_leaves_tls_and_one_may_enter_it() {
    let origin = testdata::fake::origin::Origin::start().unwrap();
    origin.file("/plain", b"plain");
    let trusting = HttpFetch::new(Some(file("authority.pem")));
    let leaving = format!("https://127.0.0.1:{}/", serve(Some(origin.url("/plain"))));
    let cause = get(&trusting, leaving).unwrap_err();
    assert!(
        matches!(&cause, Cause::Invalid(why) if why.contains("leaves TLS")),
        "{cause:?}"
    );
    let secure = format!("https://127.0.0.1:{}/", serve(None));
    let entering = testdata::fake::origin::Answer::Redirect(secure);
    origin.answers("/up", [entering]);
    assert_eq!(get(&trusting, origin.url("/up")).unwrap(), "secure");
}
