//! What the network can do to a file.

use std::cell::RefCell;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::server::{Answer, Server};
use crate::digest::sha256_hex;
use crate::download::{Download, Expected, with_suffix};
use crate::error::FetchError;

fn content() -> Vec<u8> {
    (0..300_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn expected() -> Expected {
    Expected { bytes: None, sha256: sha256_hex(&content())[..8].to_owned() }
}

fn fetch(base: &str, target: &Path, expected: &Expected) -> Result<String, FetchError> {
    let download = Download { attempts: 3, pause: Duration::ZERO, progress: &|_, _| {} };
    download.fetch(&format!("{base}/w.pth"), target, expected)
}

/// Fetches through `answers` into an empty folder, in which a part file may lie already.
fn run(answers: &[Answer], part: Option<&[u8]>) -> (Result<String, FetchError>, tempfile::TempDir, PathBuf, Server) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("w.pth");
    if let Some(part) = part {
        fs::write(with_suffix(&target, "part"), part).unwrap();
    }
    let server = Server::start(content(), answers);
    let result = fetch(&server.base, &target, &expected());
    (result, folder, target, server)
}

fn assert_arrived(answers: &[Answer], part: Option<&[u8]>, connections: usize) {
    let (result, _folder, target, server) = run(answers, part);
    assert_eq!(result.unwrap(), sha256_hex(&content()), "{answers:?}");
    assert_eq!(fs::read(&target).unwrap(), content(), "{answers:?}");
    assert!(!with_suffix(&target, "part").exists(), "{answers:?}");
    assert_eq!(server.requests().len(), connections, "{answers:?}: {:?}", server.requests());
}

#[test]
fn a_file_arrives() {
    assert_arrived(&[Answer::Honest], None, 1);
    assert_arrived(&[Answer::NoLength], None, 1);
}

#[test]
fn a_cut_connection_is_resumed_where_it_broke() {
    assert_arrived(&[Answer::CutAfter(100_000), Answer::CutAfter(100_000), Answer::Honest], None, 3);
    let (result, _folder, _target, server) = run(&[Answer::CutAfter(100_000), Answer::Honest], None);
    result.unwrap();
    assert!(server.requests()[1].to_lowercase().contains("range: bytes=100000-"), "{:?}", server.requests());
}

#[test]
fn a_part_file_of_an_earlier_run_is_continued() {
    assert_arrived(&[Answer::Honest], Some(&content()[..250_000]), 1);
    // Complete but not renamed: the server has nothing beyond it.
    assert_arrived(&[Answer::Honest], Some(&content()), 1);
}

#[test]
fn a_part_file_of_another_file_is_dropped() {
    assert_arrived(&[Answer::Honest], Some(&[7; 1_000]), 2);
    assert_arrived(&[Answer::Honest], Some(&vec![7; 400_000]), 2);
}

#[test]
fn a_server_without_ranges_starts_from_the_beginning() {
    assert_arrived(&[Answer::IgnoreRangeCutAfter(200_000), Answer::IgnoreRange], None, 2);
    assert_arrived(&[Answer::IgnoreRange], Some(&content()[..1_000]), 1);
    assert_arrived(&[Answer::CutAfter(5_000), Answer::WrongRange, Answer::Honest], None, 3);
}

#[test]
fn a_server_that_recovers_is_forgiven() {
    assert_arrived(&[Answer::Status(503), Answer::Honest], None, 2);
    assert_arrived(&[Answer::NoHttp, Answer::Honest], None, 2);
}

#[test]
fn promising_too_much_ends_in_the_whole_file() {
    // The length was a lie, the bytes were all there: asked for more, an honest server says so.
    assert_arrived(&[Answer::LieAboutLength(5_000), Answer::Honest], None, 2);
}

#[test]
fn a_server_that_never_finishes_leaves_a_part_file() {
    let (result, _folder, target, _server) = run(&[Answer::IgnoreRangeCutAfter(1_000)], None);
    let error = result.unwrap_err();
    assert!(matches!(error, FetchError::BrokenOff { got: 1_000, .. }), "{error}");
    assert!(error.to_string().contains("again to resume"), "{error}");
    assert!(with_suffix(&target, "part").exists() && !target.exists());
}

#[test]
fn garbage_is_kept_aside_and_never_used() {
    for answer in [Answer::Garbage, Answer::LieAboutLength(-10)] {
        let (result, _folder, target, _server) = run(&[answer], None);
        let error = result.unwrap_err();
        assert!(matches!(error, FetchError::Digest { .. }), "{error}");
        assert!(with_suffix(&target, "rejected").exists() && !target.exists());
        assert!(!with_suffix(&target, "part").exists());
        // The next run does not begin with it.
        let server = Server::start(content(), &[Answer::Honest]);
        fetch(&server.base, &target, &expected()).unwrap();
        assert!(!server.requests()[0].to_lowercase().contains("range:"));
    }
}

#[test]
fn a_wrong_size_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(content(), &[Answer::Honest]);
    let expected = Expected { bytes: Some(300_001), ..expected() };
    let error = fetch(&server.base, &folder.path().join("w.pth"), &expected).unwrap_err();
    assert!(matches!(error, FetchError::Size { expected: 300_001, found: 300_000, .. }), "{error}");
}

#[test]
fn not_found_is_not_tried_again() {
    for status in [403, 404, 410] {
        let (result, _folder, target, server) = run(&[Answer::Status(status)], None);
        let error = result.unwrap_err();
        assert!(matches!(error, FetchError::Status { status: found, .. } if found == status), "{error}");
        assert!(error.to_string().contains("weights import"), "{error}");
        assert_eq!(server.requests().len(), 1);
        assert!(!target.exists());
    }
}

#[test]
fn no_network_says_how_to_go_on_without() {
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago and has no listener.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let target = folder.path().join("w.pth");
    let error = fetch(&format!("http://127.0.0.1:{port}"), &target, &expected()).unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("patchcore weights import NAME FILE"), "{error}");
}

#[test]
fn progress_ends_at_the_total() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(content(), &[Answer::CutAfter(9_000), Answer::Honest]);
    let seen = RefCell::new(Vec::new());
    let progress = |got: u64, total: Option<u64>| seen.borrow_mut().push((got, total));
    let download = Download { attempts: 3, pause: Duration::ZERO, progress: &progress };
    download.fetch(&format!("{}/w.pth", server.base), &folder.path().join("w.pth"), &expected()).unwrap();
    let seen = seen.into_inner();
    assert!(seen.is_sorted());
    assert_eq!(seen.last(), Some(&(300_000, Some(300_000))));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("w.pth");
    // The device that is always full stands in for the part file.
    std::os::unix::fs::symlink("/dev/full", with_suffix(&target, "part")).unwrap();
    let server = Server::start(content(), &[Answer::Honest]);
    let error = fetch(&server.base, &target, &expected()).unwrap_err();
    assert!(matches!(error, FetchError::DiskFull { .. }), "{error}");
}
