//! The documents are true: every block of README.md and of the pages in docs/ is run or read, and what one sees is what they say.
//!
//! The `console` blocks of a page are typed into one shell, in a fresh folder, with an empty home and the program on the path
//! ([`session`]); what they show is compared with the page ([`compare`] has the rules of what may differ). A command that ends with
//! another code than 0 has `$ echo $?` after it. A block that is not run says why: `console not-run="needs a GPU"`. The program
//! of README.md is run, and every `rust` block is a documentation test of the crate `patchcore`; TOML and JSON are parsed, the Python of docs/reference/model-file.md is run by that crate's
//! tests, `text` and `csv` are read by nobody.
//!
//! `PATCHCORE_WRITE_DOCS=1 cargo test -p patchcore-cli documents` writes what one sees into the pages instead of failing.

mod compare;
mod links;
mod page;
#[path = "../../../../patchcore/examples/quickstart.rs"]
#[allow(dead_code, reason = "an example has a main")]
mod quickstart;
mod rewrite;
mod session;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use page::{Block, blocks};

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// README.md and every page under docs/, sorted.
fn pages() -> Vec<PathBuf> {
    fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                into.push(path);
            }
        }
    }
    let mut pages = vec![root().join("README.md")];
    collect(&root().join("docs"), &mut pages);
    pages.sort();
    pages
}

/// Runs the pages whose path from the root begins so.
fn run_pages(begin: &str) {
    let pages: Vec<PathBuf> = pages().into_iter().filter(|page| name(page).starts_with(begin)).collect();
    assert!(!pages.is_empty(), "no page {begin}");
    let mut faults = Vec::new();
    for path in pages {
        let page = fs::read_to_string(&path).unwrap();
        let whole = if name(&path) == OPTIONS { with_every_command(&page) } else { page.clone() };
        let started = Instant::now();
        let tried = session::tried(&whole);
        println!("{}: {:.1} s", name(&path), started.elapsed().as_secs_f64());
        if is_writing() {
            if tried.rewritten != page {
                fs::write(&path, tried.rewritten).unwrap();
                println!("wrote {}", name(&path));
            }
        } else {
            faults.extend(tried.differences.iter().map(|difference| format!("{}, {difference}", name(&path))));
        }
        faults.extend(tried.faults.iter().map(|fault| format!("{}, {fault}", name(&path))));
    }
    let way_out = "PATCHCORE_WRITE_DOCS=1 writes what one sees into the pages";
    assert!(faults.is_empty(), "\n{}\n\n{way_out}", faults.join("\n\n"));
}

const OPTIONS: &str = "docs/reference/options.md";

/// The page of the options with a section for every command of the program.
fn with_every_command(page: &str) -> String {
    let help = crate::program::patchcore(["--help"]).done().stdout;
    let commands = regex::Regex::new(r"(?m)^  ([a-z][a-z-]*) {2,}\S").unwrap();
    let mut page = page.to_owned();
    for command in commands.captures_iter(&help).map(|found| found[1].to_owned()).filter(|command| command != "help") {
        if !page.contains(&format!("$ patchcore {command} --help\n")) {
            page.push_str(&format!("\n## {command}\n\n```console\n$ patchcore {command} --help\n```\n"));
        }
    }
    page
}

#[test]
fn the_options_are_those_of_every_command() {
    let page = fs::read_to_string(root().join(OPTIONS)).unwrap();
    assert!(with_every_command("").contains("## fit\n"));
    assert!(
        with_every_command(&page) == page || is_writing(),
        "{OPTIONS} lacks commands: PATCHCORE_WRITE_DOCS=1 adds them"
    );
}

fn is_writing() -> bool {
    std::env::var_os("PATCHCORE_WRITE_DOCS").is_some()
}

/// The path from the root.
fn name(page: &Path) -> String {
    page.strip_prefix(root()).unwrap().display().to_string()
}

// A test for each part of the documents, so that they run beside each other; `every_page_is_run_by_a_test` knows them.
const PARTS: [&str; 5] = ["README.md", "docs/guide/", "docs/how-to/", "docs/reference/", "docs/explanation/"];

#[cfg(unix)]
mod run {
    use super::run_pages;

    #[test]
    fn readme() {
        run_pages("README.md");
    }

    #[test]
    fn guide() {
        run_pages("docs/guide/");
    }

    #[test]
    fn how_to() {
        run_pages("docs/how-to/");
    }

    #[test]
    fn reference() {
        run_pages("docs/reference/");
    }

    #[test]
    fn explanation() {
        run_pages("docs/explanation/");
    }
}

const QUICKSTART: &str = "PATCHCORE_TEST_QUICKSTART";

#[test]
fn the_program_of_the_readme_prints_what_it_says() {
    // This very test is the process whose folder has the photos.
    if std::env::var_os(QUICKSTART).is_some() {
        return quickstart::main().unwrap();
    }
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = blocks(&page).unwrap();
    let at = blocks.iter().position(|block| block.language == "rust").unwrap();
    let example = fs::read_to_string(root().join("crates/patchcore/examples/quickstart.rs")).unwrap();
    let example: Vec<&str> = example.lines().filter(|line| !line.starts_with("//")).collect();
    let example = example.join("\n").replace("pub fn main", "fn main");
    assert_eq!(blocks[at].text.trim(), example.trim(), "README.md and quickstart.rs differ");

    let place = tempfile::tempdir().unwrap();
    crate::program::patchcore(["demo", "--photos-only", "-o", &place.path().display().to_string()]).done();
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    let this = "documents::the_program_of_the_readme_prints_what_it_says";
    test.args(["--exact", "--nocapture", this]).env(QUICKSTART, "yes").current_dir(place.path());
    let output = test.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted = blocks[at + 1].text.trim();
    assert_eq!(blocks[at + 1].language, "text");
    assert!(output.status.success() && printed.contains(wanted), "the page says {wanted}, and one sees\n{printed}");
}

/// What reads a block, or the reason why nothing does.
fn fault(block: &Block) -> Option<String> {
    let at = |error: String| Some(format!("line {}: {error}", block.line));
    match block.language.as_str() {
        "console" | "rust" | "python" | "text" | "csv" => None,
        "toml" => toml::from_str::<toml::Table>(&block.text).err().and_then(|error| at(error.to_string())),
        "json" => serde_json::from_str::<serde_json::Value>(&block.text).err().and_then(|error| at(error.to_string())),
        "sh" | "powershell" if block.not_run.is_some() => None,
        language => at(format!("a block of `{language}` is not run, and its fence does not say why: not-run=\"...\"")),
    }
}

#[test]
fn every_block_is_read() {
    let mut faults = Vec::new();
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        match blocks(&page) {
            Ok(blocks) => {
                faults.extend(blocks.iter().filter_map(fault).map(|fault| format!("{}, {fault}", name(&path))))
            }
            Err(error) => faults.push(format!("{}, {error}", name(&path))),
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_block_that_nothing_reads_is_found() {
    let faults = |page: &str| blocks(page).unwrap().iter().filter_map(fault).collect::<Vec<_>>();
    assert_eq!(
        faults("```toml\na = 1\n```\n```json\n{}\n```\n```sh not-run=\"long\"\nx\n```\n```console\n$ x\n```\n"),
        [""; 0]
    );
    for page in
        ["```toml\na = \n```\n", "```json\n{\n```\n", "```sh\nx\n```\n", "```bash\nx\n```\n", "```shell\nx\n```\n"]
    {
        assert_eq!(faults(page).len(), 1, "{page}");
    }
}

#[test]
fn every_rust_block_is_a_documentation_test() {
    let tests = fs::read_to_string(root().join("crates/patchcore/src/documents.rs")).unwrap();
    for page in pages() {
        let has_rust =
            blocks(&fs::read_to_string(&page).unwrap()).unwrap().iter().any(|block| block.language == "rust");
        let is_test = tests.contains(&format!("include_str!(\"../../../{}\")", name(&page)));
        assert_eq!(
            has_rust,
            is_test,
            "crates/patchcore/src/documents.rs has to name the pages with Rust: {}",
            name(&page)
        );
    }
}

#[test]
fn every_page_is_run_by_a_test() {
    let homeless = |page: &PathBuf| {
        let name = name(page);
        !PARTS.iter().any(|part| name.starts_with(part)) && fs::read_to_string(page).unwrap().contains("```console")
    };
    assert_eq!(pages().into_iter().filter(homeless).map(|page| name(&page)).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_link_leads_somewhere() {
    let others = ["ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root().join(name));
    let broken: Vec<String> = pages().iter().chain(&others).flat_map(|page| links::broken(page)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_contents_list_every_page_once() {
    let contents = root().join("docs/SUMMARY.md");
    let mut listed = links::local(&fs::read_to_string(&contents).unwrap());
    listed.sort();
    let docs = root().join("docs");
    let mut there: Vec<String> = pages()
        .iter()
        .filter_map(|page| page.strip_prefix(&docs).ok())
        .map(|page| page.display().to_string())
        .filter(|page| page != "SUMMARY.md")
        .collect();
    there.sort();
    assert_eq!(listed, there);
}

#[test]
fn the_readme_is_read_in_a_minute() {
    let lines = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= 120, "{lines} lines, at most 120");
}
