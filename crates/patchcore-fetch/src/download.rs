//! One file over HTTP: into `FILE.part`, resumed by range, verified, then renamed.
//!
//! The part file survives an interruption and the next run goes on from its end. Nothing but a verified file ever
//! gets the final name; a file that fails the check is kept as `FILE.rejected` for a look and never read again.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;

use super::digest::sha256_of_file;
use super::error::FetchError;

/// No published backbone is larger, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// A server that breaks off after every few bytes is left alone at last.
const MAX_CONNECTIONS: u32 = 1_000;

/// What a downloaded file has to be.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Size in bytes, when known.
    pub bytes: Option<u64>,
    /// Leading hex digits of the SHA-256; empty when nothing is known.
    pub sha256: String,
}

/// How hard to try, and whom to tell.
pub struct Download<'a> {
    /// Number of connections before giving up; the count starts again whenever bytes have come.
    pub attempts: u32,
    /// Wait before connecting again.
    pub pause: Duration,
    /// Called with the bytes so far and the total, when known.
    pub progress: &'a dyn Fn(u64, Option<u64>),
}

/// Why one connection ended before the file did.
enum Ended {
    /// Trying again may help.
    Broken(String),
    /// It will not.
    Fatal(FetchError),
}

impl From<FetchError> for Ended {
    fn from(error: FetchError) -> Self {
        Self::Fatal(error)
    }
}

impl Download<'_> {
    /// Fetches `url` into `target`; gives the whole SHA-256.
    ///
    /// # Errors
    ///
    /// [`FetchError`]: unreachable, status, broken off, too large, wrong size or digest, or the file system.
    pub fn fetch(&self, url: &str, target: &Path, expected: &Expected) -> Result<String, FetchError> {
        let part = with_suffix(target, "part");
        // Bytes of an earlier run may be of another file; then one clean start is due before rejecting.
        let mut inherited = length(&part) > 0;
        loop {
            self.transfer(url, &part)?;
            let found = sha256_of_file(&part)?;
            let size = length(&part);
            let sized = expected.bytes.is_none_or(|bytes| bytes == size);
            if sized && found.starts_with(&expected.sha256) {
                let file = File::open(&part).map_err(|error| FetchError::file("open", &part, error))?;
                file.sync_all().map_err(|error| FetchError::file("write", &part, error))?;
                fs::rename(&part, target).map_err(|error| FetchError::file("rename", &part, error))?;
                return Ok(found);
            }
            if inherited {
                inherited = false;
                remove(&part)?;
                continue;
            }
            let kept = with_suffix(target, "rejected");
            fs::rename(&part, &kept).map_err(|error| FetchError::file("rename", &part, error))?;
            let source_name = url.to_owned();
            return Err(match expected.bytes {
                Some(bytes) if !sized => FetchError::Size { source_name, expected: bytes, found: size, kept },
                _ => FetchError::Digest { source_name, expected: expected.sha256.clone(), found, kept },
            });
        }
    }

    /// Connects until the part file is complete.
    fn transfer(&self, url: &str, part: &Path) -> Result<(), FetchError> {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            // A stalled transfer breaks off and is resumed.
            .timeout_recv_body(Some(Duration::from_secs(1_800)))
            .build()
            .into();
        let mut left = self.attempts;
        let mut made = 0;
        let mut furthest = length(part);
        loop {
            made += 1;
            let detail = match self.connect(&agent, url, part) {
                Ok(()) => return Ok(()),
                Err(Ended::Fatal(error)) => return Err(error),
                Err(Ended::Broken(detail)) => detail,
            };
            let got = length(part);
            left = if got > furthest { self.attempts } else { left.saturating_sub(1) };
            furthest = furthest.max(got);
            if left == 0 || made == MAX_CONNECTIONS {
                return Err(match length(part) {
                    0 => FetchError::Unreachable { url: url.into(), detail },
                    got => FetchError::BrokenOff { url: url.into(), got, attempts: made, detail },
                });
            }
            thread::sleep(self.pause);
        }
    }

    /// One connection: asks for what is missing and appends what comes.
    fn connect(&self, agent: &Agent, url: &str, part: &Path) -> Result<(), Ended> {
        let have = length(part);
        let mut request = agent.get(url).header("Accept-Encoding", "identity");
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
        }
        let response = request.call().map_err(|error| match error {
            ureq::Error::BadUri(_) | ureq::Error::InvalidProxyUrl | ureq::Error::TooManyRedirects => {
                Ended::Fatal(FetchError::Unreachable { url: url.into(), detail: error.to_string() })
            }
            error => Ended::Broken(error.to_string()),
        })?;
        let start = match response.status().as_u16() {
            200 => 0,
            206 => match content_range(&response) {
                Some((start, _)) if start == have => have,
                _ => {
                    remove(part)?;
                    return Err(Ended::Broken("the server sent another range than it was asked for".into()));
                }
            },
            // Nothing lies beyond what we have: it is the whole file, or not of this file at all.
            416 => match content_range(&response) {
                Some((_, Some(total))) if total == have => return Ok(()),
                _ => {
                    remove(part)?;
                    return Err(Ended::Broken("the server does not have the range it was asked for".into()));
                }
            },
            status @ (408 | 429 | 500 | 502..=504) => return Err(Ended::Broken(format!("status {status}"))),
            status => return Err(FetchError::Status { url: url.into(), status }.into()),
        };
        let total = header(&response, "content-length").and_then(|text| text.parse::<u64>().ok());
        let total = total.and_then(|total| total.checked_add(start));
        self.append(response, url, part, start, total)
    }

    fn append(
        &self,
        response: Response<ureq::Body>,
        url: &str,
        part: &Path,
        start: u64,
        total: Option<u64>,
    ) -> Result<(), Ended> {
        let failed = |error| Ended::Fatal(FetchError::file("write", part, error));
        let mut options = OpenOptions::new();
        let mut file = match start {
            0 => options.write(true).create(true).truncate(true).open(part),
            _ => options.append(true).open(part),
        }
        .map_err(failed)?;
        let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
        let mut block = vec![0; 1 << 16];
        let mut got = start;
        loop {
            let taken = body.read(&mut block).map_err(|error| Ended::Broken(error.to_string()))?;
            if taken == 0 {
                break;
            }
            file.write_all(block.get(..taken).unwrap_or_default()).map_err(failed)?;
            got += taken as u64;
            if got > MAX_BYTES {
                drop(file);
                remove(part)?;
                return Err(FetchError::TooLarge { url: url.into(), limit: MAX_BYTES }.into());
            }
            (self.progress)(got, total);
        }
        match total {
            Some(total) if got < total => Err(Ended::Broken(format!("{got} of {total} bytes came"))),
            _ => Ok(()),
        }
    }
}

/// `bytes A-B/TOTAL` or `bytes */TOTAL`: the start (0 when absent) and the total, when given.
fn content_range(response: &Response<ureq::Body>) -> Option<(u64, Option<u64>)> {
    let (range, total) = header(response, "content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    let start = match range {
        "*" => 0,
        range => range.split_once('-')?.0.parse().ok()?,
    };
    Some((start, total.parse().ok()))
}

fn header<'a>(response: &'a Response<ureq::Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// `FILE.suffix` beside `FILE`.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

/// Size of a file in bytes; 0 when it is not there.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn remove(path: &Path) -> Result<(), FetchError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FetchError::file("remove", path, error)),
        _ => Ok(()),
    }
}
