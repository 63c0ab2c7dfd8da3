//! Whether anything was lost: each tag names what its build said, and the newest of each app is what a clean build makes.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::jobs::Job;
use super::tally::Tally;
use crate::world::{Failure, World};

/// How many clean builds run at once.
const AT_ONCE: usize = 4;

/// What is wrong with the registry after these builds, whose tags have to name these digests.
pub(super) fn tags(
    registry: &str,
    built: &[(Job, String)],
    builds: usize,
) -> Result<Vec<String>, Failure> {
    let mut wrong = Vec::new();
    let digests: BTreeMap<Job, &str> = built
        .iter()
        .map(|(job, digest)| (job.first(), digest.as_str()))
        .collect();
    if digests.len() != builds || built.len() != builds {
        wrong.push(format!("{} of {builds} builds ended well", built.len()));
    }
    for (job, digest) in digests {
        let there = named(registry, &job.repository(), &format!("v{}", job.version))?;
        if there.as_deref() != Some(digest) {
            let (image, there) = (job.image(registry), there.unwrap_or_default());
            wrong.push(format!("{image} is `{there}`, and was pushed as {digest}"));
        }
    }
    Ok(wrong)
}

/// What of the newest version of each app is not what a clean build makes of it: one on a store of its own, without the remote
/// cache, from scratch.
pub(super) fn newest(
    bp: &Path,
    world: &World,
    folder: &Path,
    built: &[(Job, String)],
) -> Result<Vec<String>, Failure> {
    let mut newest: BTreeMap<usize, &(Job, String)> = BTreeMap::new();
    for pair in built {
        let held = newest.entry(pair.0.app).or_insert(pair);
        if pair.0.version > held.0.version {
            *held = pair;
        }
    }
    let all = &newest.values().collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let clean = |part: usize| {
            let mut wrong = Vec::new();
            for (job, digest) in all.iter().skip(part).step_by(AT_ONCE) {
                let image = cleanly(bp, world, &folder.join("clean"), *job)?;
                if image.as_ref() != Some(digest) {
                    let (name, image) = (job.name(), image.unwrap_or_default());
                    wrong.push(format!("{name} is {digest}, and a clean build `{image}`"));
                }
            }
            Ok(wrong)
        };
        let parts: Vec<_> = (0..AT_ONCE)
            .map(|part| scope.spawn(move || clean(part)))
            .collect();
        let mut wrong = Vec::new();
        for part in parts {
            let ended = part.join();
            wrong.extend(ended.unwrap_or_else(|_| Err(Failure::say("a clean build was lost")))?);
        }
        Ok(wrong)
    })
}

/// The digest of the image that a clean build makes.
fn cleanly(bp: &Path, world: &World, folder: &Path, job: Job) -> Result<Option<String>, Failure> {
    let app = folder.join(job.name());
    job.check_out(&app)?;
    let ended = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--"])
        .arg(bp)
        .arg("build")
        .arg(&app)
        .args(["--stack", "heroku-24", "--format", "json", "--clear-cache"])
        .envs(world.settings().iter().map(|(name, value)| (name, value)))
        .env("HOME", folder)
        .env("BP_CACHE_DIR", folder.join("store"))
        .env_remove("BP_CONFIG")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()?;
    let events = String::from_utf8_lossy(&ended.stdout);
    Ok(Tally::default().take(&events).image)
}

/// The digest that a tag names, by the registry's own words.
fn named(registry: &str, repository: &str, tag: &str) -> Result<Option<String>, Failure> {
    let failed = |cause| Failure::new(format!("cannot ask {registry} for {repository}"), cause);
    ask(registry, repository, tag).map_err(failed)
}

fn ask(registry: &str, repository: &str, tag: &str) -> std::io::Result<Option<String>> {
    let mut stream = TcpStream::connect(registry)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(
        stream,
        "HEAD /v2/{repository}/manifests/{tag} HTTP/1.1\r\nHost: {registry}\r\n\
         Accept: application/vnd.oci.image.manifest.v1+json\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(digest(&answer))
}

/// The digest in the head of an answer that says yes.
fn digest(answer: &str) -> Option<String> {
    let (first, rest) = answer.split_once("\r\n")?;
    let yes = first.split(' ').nth(1)? == "200";
    let mut fields = rest.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case("docker-content-digest"))?;
    yes.then(|| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn the_digest_stands_in_the_head_of_a_good_answer() {
        let answer = "HTTP/1.1 200 OK\r\nA: b\r\nDocker-Content-Digest: sha256:12\r\n\r\n";
        assert_eq!(digest(answer).as_deref(), Some("sha256:12"));
        assert_eq!(digest(&answer.replace("200 OK", "404 Not Found")), None);
        assert_eq!(digest("HTTP/1.1 200 OK\r\n\r\n"), None);
    }
}
