//! A registry whose certificate is by an authority of our own: pushed to, read and used as a cache by who names that
//! authority, and by nobody else.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use testdata::fake::proxy::Proxy;
use testdata::workspace::{Workspace, run};

use crate::judges::installed;
use crate::{fresh, workspace};

/// A name of this machine that is none of its loopback: with these, no TLS is spoken.
const HOST: &str = "registry.test";

pub(crate) struct Registry {
    process: Child,
    pub(crate) port: u16,
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("openssl");
    run(command.args(arguments).current_dir(folder)).ok();
}

/// Debian's registry, with these settings of its web server.
fn serve(folder: &Path, tls: &str) -> Registry {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let path = |name: &str| folder.join(name).display().to_string();
    let config = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
         http: {{addr: \"127.0.0.1:{port}\"{tls}}}\n",
        path("data"),
    );
    fs_err::write(folder.join("config.yml"), config).unwrap();
    let process = Command::new("docker-registry")
        .args(["serve", &path("config.yml")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let registry = Registry { process, port };
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    registry
}

/// A registry with a certificate of `ca.pem`, which is made in `folder`, too.
pub(crate) fn registry(folder: &Path) -> Registry {
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let authority = [
        &["req", "-x509"][..],
        &key,
        &["-keyout", "ca-key.pem", "-out", "ca.pem", "-days", "2"],
        &["-subj", "/CN=An authority of our own"],
    ];
    openssl(folder, &authority.concat());
    let subject = format!("/CN={HOST}");
    let name = format!("subjectAltName=DNS:{HOST}");
    let server = [
        &["req", "-x509", "-CA", "ca.pem", "-CAkey", "ca-key.pem"][..],
        &key,
        &["-keyout", "key.pem", "-out", "server.pem", "-days", "2"],
        &["-subj", &subject, "-addext", &name],
        &["-addext", "basicConstraints=critical,CA:FALSE"],
    ];
    openssl(folder, &server.concat());
    let path = |name: &str| folder.join(name).display().to_string();
    let (certificate, key) = (path("server.pem"), path("key.pem"));
    serve(
        folder,
        &format!(", tls: {{certificate: {certificate}, key: {key}}}"),
    )
}

#[test]
fn a_private_authority_counts_where_it_is_named_and_nowhere_else() {
    let Some(place) = workspace() else { return };
    if !(installed("docker-registry") && installed("openssl")) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path());
    // It leads to that name, which nobody else knows.
    let proxy = Proxy::start(&[(HOST, "127.0.0.1")], None).unwrap();
    let authority = folder.path().join("ca.pem");
    let bp = |place: &Workspace, trusts: bool, arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("HTTPS_PROXY", format!("http://{}", proxy.address()));
        for other in ["https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"] {
            command.env_remove(other);
        }
        if trusts {
            command.env("SSL_CERT_FILE", &authority);
        }
        run(&mut command)
    };
    let name = |tag: &str| format!("{HOST}:{}/team/app:{tag}", registry.port);
    let (tag, other, cache) = (name("1"), name("2"), name("cache"));
    let app = place.app("tiny", "authority").unwrap();
    app.write("note.txt", "an image of its own").unwrap();
    let path = app.path.to_str().unwrap();

    bp(&place, true, &["build", path, "--cache-to", &cache])
        .ok()
        .says(" sent (")
        .never_says("warning");
    bp(&place, false, &["push", "authority", &tag])
        .fails(4, "registry-untrusted")
        .says("SSL_CERT_FILE");
    bp(&place, true, &["push", "authority", &tag])
        .ok()
        .says("Pushed ");
    bp(&place, false, &["rebase", &tag, "-t", &other])
        .fails(4, "registry-untrusted")
        .says("SSL_CERT_FILE");
    bp(&place, true, &["rebase", &tag, "-t", &other])
        .ok()
        .says("Pushed ");

    let second = fresh().unwrap();
    let app = second.app("tiny", "authority").unwrap();
    app.write("note.txt", "an image of its own").unwrap();
    let path = app.path.to_str().unwrap();
    let build = ["build", path, "--cache-from", &cache];
    bp(&second, true, &build)
        .ok()
        .says("Nothing changed")
        .never_says("warning");
    bp(&second, false, &[&build[..], &["--clear-cache"]].concat())
        .ok()
        .says("warning[remote-cache-unread]")
        .says("SSL_CERT_FILE");
}

#[test]
fn a_registry_without_tls_is_one_by_name() {
    let Some(place) = workspace() else { return };
    if !installed("docker-registry") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let registry = serve(folder.path(), "");
    let proxy = Proxy::start(&[(HOST, "127.0.0.1")], None).unwrap();
    let host = format!("{HOST}:{}", registry.port);
    let none = format!("{host}/team/none:1");
    let rebase = |more: &[&str]| {
        let mut command = place.command(&["rebase", &none]);
        let address = format!("http://{}", proxy.address());
        command
            .env("HTTPS_PROXY", &address)
            .env("HTTP_PROXY", &address);
        for other in ["https_proxy", "NO_PROXY", "no_proxy"] {
            command.env_remove(other);
        }
        run(command.args(more))
    };
    rebase(&[])
        .fails(4, "registry-untrusted")
        .says("--insecure-registry");
    // It was asked, and has no such image.
    rebase(&["--insecure-registry", &host]).says("[registry-not-found]");
}
