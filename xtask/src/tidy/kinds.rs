//! Which files belong into git, and where: whatever is of no kind in this table was committed by accident, or its kind
//! is missing here.

use anyhow::Context;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Paths from the repository's root: `*` stays within a folder, `**` goes below it.
const KINDS: &[&str] = &[
    // The project.
    "{ARCHITECTURE,CHANGELOG,CONTRIBUTING,NOTICES,README}.md",
    "LICENSE-{APACHE,MIT}",
    "{Cargo,clippy,deny,rustfmt}.toml",
    "Cargo.lock",
    ".gitignore",
    ".cargo/config.toml",
    ".ci/{run,embed-resnet18,python,sanitize,targets,wine,wrong-device}",
    ".ci/foreign/{run,src/main.rs}",
    ".ci/wasm/{absent,run.mjs}",
    "docs/book.toml",
    "docs/**/*.{md,png,svg}",
    "docs/schema/*.schema.json",
    "docs/public-api/*.txt",
    // Packages.
    "{assets,benches,fuzz,xtask,crates/*,examples/*}/{Cargo.toml,README.md}",
    "{assets,crates/*}/LICENSE-{APACHE,MIT}",
    "assets/NOTICES.md",
    "{assets,benches,fuzz,xtask,crates/*,examples/*}/**/*.rs",
    "crates/*/src/{*,*/cube}/README.md",
    "crates/patchcore-cpu/src/network/{reduced,reduced/tiles}/README.md",
    "crates/patchcore-report/templates/*.{css,html,svg}",
    // The Python package.
    "crates/patchcore-python/{NOTICES.md,pyproject.toml}",
    "crates/patchcore-python/python/patchcore/{*,*/*}.{py,pyi}",
    "crates/patchcore-python/python/patchcore/py.typed",
    "crates/patchcore-python/tests/*.py",
    // What a bundle carries to a machine without Rust.
    "xtask/src/dist/device-check.sh",
    // A workspace of its own.
    "examples/own-backbone/{.gitignore,Cargo.lock}",
    // What is embedded.
    "assets/weights.toml",
    "assets/*.safetensors",
    "assets/demo/**/*.{jpg,png}",
    "assets/font/{NotoSans-subset.ttf,OFL.txt}",
    // What tests read, and the programs that made it.
    "{crates,examples}/*/{tests/fixtures,fixtures}/*.py",
    "{crates,examples}/*/{tests/fixtures,fixtures}/*.{csv,onnx,pth,safetensors}",
    "crates/patchcore-io/tests/fixtures/jpeg/{*.jpg,make.sh}",
    "crates/*/tests/it/snapshots/*.snap",
    "crates/patchcore-report/tests/it/one_glyph.ttf",
    "crates/*/proptest-regressions/**/*.txt",
    "fuzz/corpus/*/seed_*",
    "fuzz/corpus/*/{crash,oom,slow-unit,timeout}-*",
    // The peers' side of the benches, and results.
    "benches/peers/*.py",
    "benches/peers/requirements.txt",
    "benches/results/*.{csv,json}",
    "benches/instruction-counts.csv",
];

/// Where a fuzzer's inputs lie, each named by its SHA-1.
const CORPUS: &str = "fuzz/corpus/*/";

/// The table, ready to be asked.
pub struct Kinds(GlobSet);

impl Kinds {
    /// Reads the table.
    ///
    /// # Errors
    /// A row that is no pattern.
    pub fn new() -> anyhow::Result<Self> {
        let mut kinds = GlobSetBuilder::new();
        let digest = format!("{CORPUS}{}", "[0-9a-f]".repeat(40));
        for row in KINDS.iter().copied().chain([digest.as_str()]) {
            let kind = GlobBuilder::new(row).literal_separator(true).build();
            kinds.add(kind.with_context(|| format!("`{row}` in the table of kinds is no pattern"))?);
        }
        Ok(Self(kinds.build()?))
    }

    /// What is wrong with a file of no known kind; `file` is its path from the root, with forward slashes.
    pub fn violation(&self, file: &str) -> Option<String> {
        (!self.0.is_match(file)).then(|| {
            format!(
                "{file}: of no kind that belongs there: remove it (`git rm --cached` if it is tracked), have the test that wrote it use \
                 a temporary folder, or add its kind to xtask/src/tidy/kinds.rs"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_kinds_pass_where_they_belong_and_nowhere_else() {
        let kinds = Kinds::new().unwrap();
        let known = |file: &str| kinds.violation(file).is_none();
        for file in [
            "README.md",
            ".ci/run",
            "Cargo.lock",
            "docs/guide/choosing.md",
            "crates/patchcore-cpu/src/simd/avx2.rs",
            "crates/patchcore-cpu/src/network/README.md",
            "crates/patchcore-weights/build.rs",
            "crates/patchcore-cli/tests/it/snapshots/it__help__fit.snap",
            "crates/patchcore-core/proptest-regressions/nearest_neighbor/oracle.txt",
            "examples/own-backbone/fixtures/narrow_resnet18.onnx",
            "assets/demo/flange/test/good/000.jpg",
            "fuzz/corpus/photo/seed_grey.png",
            "fuzz/corpus/photo/fe29f9471cee4b7edc731c91bf9b3127846118a0",
            "fuzz/corpus/onnx/timeout-5ebc5bd48817961220a271459c6617d9e79e64ca",
        ] {
            assert!(known(file), "{file}");
        }
        for file in [
            "crates/patchcore-cli/no-such-folder/devices/wgpu_f32_proved.json",
            "crates/patchcore-cli/Cargo.lock",
            "crates/patchcore-cli/tests/it/snapshots/it__help__fit.snap.new",
            "patchcore-demo/report.html",
            "model.patchcore",
            "scores.csv",
            "src/main.rs",
            "fuzz/corpus/photo/fe29f9",
            "fuzz/corpus/fe29f9471cee4b7edc731c91bf9b3127846118a0",
            "assets/part.patchcore",
            "docs/guide/report.html",
            "benches/results/criterion/report.csv",
        ] {
            let violation = kinds.violation(file).unwrap_or_else(|| panic!("{file} passed"));
            assert!(violation.starts_with(file) && violation.contains("kinds.rs"), "{violation}");
        }
    }
}
