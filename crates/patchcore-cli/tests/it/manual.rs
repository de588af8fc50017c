//! `patchcore man`: pages of the same words as the help.

use crate::program::{Workplace, entries, patchcore};

#[test]
fn there_is_a_page_for_each_command() {
    let place = Workplace::new();
    let folder = place.text("man1");
    patchcore(["man", "-o", &folder]).done();
    let pages = entries(&place.path("man1"));
    for page in ["patchcore.1", "patchcore-fit.1", "patchcore-inspect-data.1", "patchcore-config.1"] {
        assert!(pages.iter().any(|name| name == page), "{page}: {pages:?}");
    }
    assert!(
        !pages.iter().any(|name| name.contains("try-device") || name.contains("check-part") || name.contains("help")),
        "{pages:?}"
    );
    let page = std::fs::read_to_string(place.path("man1/patchcore-fit.1")).unwrap();
    for needle in [".TH patchcore-fit 1", "patchcore fit", "\\-\\-resize", "\\-\\-threads", "Examples:"] {
        assert!(page.contains(needle), "{needle}: {page}");
    }
    // Again over its own pages; not over those of others.
    patchcore(["man", "-o", &folder]).done();
    std::fs::write(place.path("man1/patchcore-fit.1"), ".TH fit 1").unwrap();
    patchcore(["man", "-o", &folder]).fails(&["patchcore-fit.1", "did not write"]);
    assert!(patchcore(["man"]).done().stdout.contains(".TH patchcore 1"));
}
