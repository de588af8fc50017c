//! How two model files differ: photos, rows, coverage, settings, thresholds and history, without a network.

use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};
use std::path::Path;

use patchcore::{
    Change, Coverage, MemoryBank, Model, ModelFile, Sections, StaleThresholds, Thresholds, TrainingPhoto, path_text,
};
use serde::Serialize;

use crate::file_digest::{file_sha256, hex};

/// All of it: what `diff --format json` prints.
#[derive(Debug, Serialize)]
pub struct ModelDifference {
    /// Version of this layout.
    pub version: u32,
    /// The first model.
    pub a: Side,
    /// The second.
    pub b: Side,
    /// Whether both compute the same scores: configuration, networks and banks are equal, bit for bit.
    pub same_scores: bool,
    /// Settings that are not equal.
    pub settings: Vec<SettingDifference>,
    /// Settings that are.
    pub equal_settings: usize,
    /// For each member.
    pub banks: Vec<BankDifference>,
    /// The training photos.
    pub photos: PhotoDifference,
    /// Scores of photos by both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scores: Option<ScoreDifference>,
}

/// What one of the models says of itself.
#[derive(Debug, Serialize)]
pub struct Side {
    pub path: String,
    /// SHA-256 of its file.
    pub model_sha256: String,
    /// The digest of what its fit computed.
    pub computed_sha256: String,
    pub written_by: String,
    pub photos: usize,
    pub patches: usize,
    /// For each member; empty where it is not known.
    pub coverage: Vec<Coverage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_thresholds: Option<StaleThresholds>,
    /// Oldest first; empty for a model that is as its fit left it.
    pub history: Vec<Change>,
}

/// A setting in words.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct SettingDifference {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<String>,
}

/// Rows of a member's bank.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct BankDifference {
    pub a: usize,
    pub b: usize,
    /// Rows of the second that the first has too, bit for bit.
    pub both: usize,
}

/// Training photos, known by the digest of their pixels; by name where a model does not have that.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct PhotoDifference {
    pub both: usize,
    /// In the second alone.
    pub added: Vec<NamedPhoto>,
    /// In the first alone.
    pub removed: Vec<NamedPhoto>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct NamedPhoto {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Scores of the same photos by both models.
#[derive(Debug, PartialEq, Serialize)]
pub struct ScoreDifference {
    /// Photos that both have scored, and those that could not be.
    pub photos: usize,
    pub failed: usize,
    /// Second minus first, without its sign: in the middle, and at most.
    pub median_change: f32,
    pub largest_change: f32,
    /// Photos whose verdicts differ.
    pub other_verdicts: usize,
    /// Those that change most, the largest change first.
    pub changed: Vec<ScoreChange>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreChange {
    pub image_path: String,
    pub a: f32,
    pub b: f32,
    /// Second minus first.
    pub change: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict_a: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict_b: Option<&'static str>,
}

/// The version of the layout.
const VERSION: u32 = 1;

impl ModelDifference {
    /// Reads both files.
    ///
    /// # Errors
    /// A file that cannot be read, or is refused.
    pub fn of(a: &Path, b: &Path) -> anyhow::Result<Self> {
        let (first, second) = (Model::read(a)?, Model::read(b)?);
        let sides = [Side::of(a, &first)?, Side::of(b, &second)?];
        let [a, b] = sides;
        let (settings, equal_settings) = settings(&first, &second);
        let banks = first.banks().iter().zip(second.banks()).map(|(a, b)| BankDifference::of(a, b)).collect();
        Ok(Self {
            version: VERSION,
            same_scores: a.computed_sha256 == b.computed_sha256,
            a,
            b,
            settings,
            equal_settings,
            banks,
            photos: PhotoDifference::of(&first.sections.photos, &second.sections.photos),
            scores: None,
        })
    }
}

impl Side {
    fn of(path: &Path, file: &ModelFile) -> anyhow::Result<Self> {
        let Sections { thresholds, stale_thresholds, coverage, history, .. } = &file.sections;
        Ok(Self {
            path: path_text(path),
            model_sha256: file_sha256(path)?,
            computed_sha256: file.computed_sha256()?,
            written_by: file.header.written_by.clone(),
            photos: file.header.fitted_on.images,
            patches: file.header.fitted_on.patches,
            coverage: coverage.clone(),
            thresholds: *thresholds,
            stale_thresholds: *stale_thresholds,
            history: history.clone(),
        })
    }
}

/// The settings that differ, and how many are equal. A setting that several members have is told by its place among them.
fn settings(a: &ModelFile, b: &ModelFile) -> (Vec<SettingDifference>, usize) {
    let [a, b] = [a, b].map(named_settings);
    let names: Vec<&String> = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name))).collect();
    let all = names.len();
    let difference = |name: &String| {
        let (a, b) = (a.get(name).cloned(), b.get(name).cloned());
        (a != b).then(|| SettingDifference { name: name.clone(), a, b })
    };
    let differences: Vec<SettingDifference> = names.into_iter().filter_map(difference).collect();
    let equal = all - differences.len();
    (differences, equal)
}

fn named_settings(file: &ModelFile) -> BTreeMap<String, String> {
    let weights =
        file.header.networks.iter().map(|network| ("weights", format!("{} {}", network.name, network.sha256)));
    let mut named = BTreeMap::new();
    for (name, value) in file.header.config.described().into_iter().chain(weights) {
        let number = (1..).find(|number| !named.contains_key(&numbered(name, *number))).unwrap_or(1);
        named.insert(numbered(name, number), value);
    }
    named
}

fn numbered(name: &str, number: usize) -> String {
    if number == 1 { name.to_owned() } else { format!("{name} of member {number}") }
}

/// A row, equal to another that has the same bits.
struct Bits<'r>(&'r [f32]);

impl Bits<'_> {
    fn bits(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|value| value.to_bits())
    }
}

impl PartialEq for Bits<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bits().eq(other.bits())
    }
}

impl Eq for Bits<'_> {}

impl Hash for Bits<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().for_each(|bits| bits.hash(state));
    }
}

impl BankDifference {
    fn of(a: &MemoryBank, b: &MemoryBank) -> Self {
        fn rows(bank: &MemoryBank) -> impl Iterator<Item = Bits<'_>> {
            bank.rows().chunks_exact(bank.dim()).map(Bits)
        }
        let first: HashSet<Bits<'_>> = rows(a).collect();
        Self { a: a.len(), b: b.len(), both: rows(b).filter(|row| first.contains(row)).count() }
    }
}

impl PhotoDifference {
    fn of(a: &[TrainingPhoto], b: &[TrainingPhoto]) -> Self {
        let only = |these: &[TrainingPhoto], others: &[TrainingPhoto]| -> Vec<NamedPhoto> {
            let digests: HashSet<[u8; 32]> = others.iter().filter_map(|photo| photo.sha256).collect();
            let all_known = others.iter().all(|photo| photo.sha256.is_some());
            let names: HashSet<&str> = others.iter().map(|photo| photo.name.as_str()).collect();
            let is_there = |photo: &TrainingPhoto| match photo.sha256 {
                Some(digest) if all_known => digests.contains(&digest),
                _ => names.contains(photo.name.as_str()),
            };
            let named = |photo: &TrainingPhoto| NamedPhoto {
                name: photo.name.clone(),
                sha256: photo.sha256.map(|digest| hex(&digest)),
            };
            these.iter().filter(|photo| !is_there(photo)).map(named).collect()
        };
        let (added, removed) = (only(b, a), only(a, b));
        Self { both: b.len().saturating_sub(added.len()), added, removed }
    }
}

impl ScoreDifference {
    /// Of photos that both have scored; lists no more than `most`.
    pub fn of(mut scored: Vec<ScoreChange>, failed: usize, most: usize) -> Self {
        scored.sort_by(|one, other| {
            other.change.abs().total_cmp(&one.change.abs()).then_with(|| one.image_path.cmp(&other.image_path))
        });
        let change = |at: usize| scored.get(at).map_or(0.0, |photo| photo.change.abs());
        Self {
            photos: scored.len(),
            failed,
            median_change: change(scored.len() / 2),
            largest_change: change(0),
            other_verdicts: scored.iter().filter(|photo| photo.verdict_a != photo.verdict_b).count(),
            changed: scored.into_iter().filter(|photo| photo.change != 0.0).take(most).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(name: &str, digest: Option<u8>) -> TrainingPhoto {
        TrainingPhoto { name: name.to_owned(), path: None, sha256: digest.map(|byte| [byte; 32]) }
    }

    #[test]
    fn photos_are_known_by_their_pixels_else_by_name() {
        let a = [photo("a.png", Some(1)), photo("b.png", Some(2))];
        let b = [photo("moved/a.png", Some(1)), photo("b.png", Some(3))];
        let found = PhotoDifference::of(&a, &b);
        assert_eq!(found.both, 1);
        assert_eq!((found.added[0].name.as_str(), found.removed[0].name.as_str()), ("b.png", "b.png"));
        assert_eq!(found.added[0].sha256.as_deref(), Some("03".repeat(32).as_str()));
        let bare = [photo("a.png", None), photo("c.png", None)];
        let found = PhotoDifference::of(&a, &bare);
        assert_eq!((found.both, found.added[0].name.as_str(), found.removed[0].name.as_str()), (1, "c.png", "b.png"));
    }

    #[test]
    fn rows_are_equal_bit_for_bit() {
        let bank = |rows: &[f32]| MemoryBank::from_rows(2, rows.to_vec()).unwrap();
        let (a, b) = (bank(&[0.0, 1.0, 2.0, 3.0]), bank(&[2.0, 3.0, -0.0, 1.0, 5.0, 5.0]));
        assert_eq!(BankDifference::of(&a, &b), BankDifference { a: 2, b: 3, both: 1 });
    }

    #[test]
    fn the_largest_change_comes_first_and_no_change_is_not_listed() {
        let photo = |name: &str, b: f32| ScoreChange {
            image_path: name.to_owned(),
            a: 1.0,
            b,
            change: b - 1.0,
            verdict_a: None,
            verdict_b: (b > 2.0).then_some("anomalous"),
        };
        let scored = vec![photo("a", 1.5), photo("b", 4.0), photo("c", 1.0), photo("d", 0.5)];
        let found = ScoreDifference::of(scored.clone(), 1, 10);
        let names: Vec<&str> = found.changed.iter().map(|photo| photo.image_path.as_str()).collect();
        assert_eq!(names, ["b", "a", "d"]);
        assert_eq!((found.photos, found.largest_change, found.median_change, found.other_verdicts), (4, 3.0, 0.5, 1));
        assert_eq!(ScoreDifference::of(scored, 0, 2).changed.len(), 2);
        assert_eq!(ScoreDifference::of(Vec::new(), 0, 2).largest_change, 0.0);
    }
}
