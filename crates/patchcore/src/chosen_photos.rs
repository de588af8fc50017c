//! Training photos that somebody means: by name, or by the digest of their pixels.

use std::collections::BTreeSet;
use std::path::Path;

use patchcore_core::model_file::TrainingPhoto;
use patchcore_io::path_of_text;

use crate::error::Error;
use crate::history::hex;

/// Hex digits of a digest that are enough to mean it.
const LEAST_DIGITS: usize = 8;
/// Hex digits of a whole digest.
const ALL_DIGITS: usize = 64;

/// The photos that are meant, by index, and all that show the same: what one of them taught a model its copy teaches it too.
///
/// # Errors
/// [`Error::UnknownPhoto`] and [`Error::AmbiguousPhoto`], for the first at fault.
pub(crate) fn chosen(photos: &[TrainingPhoto], meant: &[String]) -> Result<BTreeSet<u32>, Error> {
    let mut chosen = BTreeSet::new();
    for words in meant {
        let found = matching(photos, words);
        let Some(first) = found.first() else {
            return Err(Error::UnknownPhoto { photo: words.clone(), photos: photos.len() });
        };
        if let Some(other) = found.iter().find(|other| !is_copy(first.1, other.1)) {
            let named = |photo: &TrainingPhoto| match &photo.sha256 {
                Some(digest) => format!("{} ({})", photo.name, hex(digest)),
                None => photo.name.clone(),
            };
            return Err(Error::AmbiguousPhoto {
                photo: words.as_str().into(),
                first: named(first.1).into(),
                second: named(other.1).into(),
            });
        }
        chosen.extend(found.iter().map(|(index, _)| *index));
        let copies = (0..).zip(photos).filter(|(_, photo)| photo.sha256.is_some() && photo.sha256 == first.1.sha256);
        chosen.extend(copies.map(|(index, _)| index));
    }
    Ok(chosen)
}

fn is_copy(one: &TrainingPhoto, other: &TrainingPhoto) -> bool {
    std::ptr::eq(one, other) || (one.sha256.is_some() && one.sha256 == other.sha256)
}

/// Photos that words mean: those of the name, else of the digest or its first digits, else of the file name.
fn matching<'a>(photos: &'a [TrainingPhoto], words: &str) -> Vec<(u32, &'a TrainingPhoto)> {
    let those = |means: &dyn Fn(&TrainingPhoto) -> bool| -> Vec<(u32, &'a TrainingPhoto)> {
        (0..).zip(photos).filter(|(_, photo)| means(photo)).collect()
    };
    let named = those(&|photo| photo.name == words);
    if !named.is_empty() {
        return named;
    }
    let is_digest =
        (LEAST_DIGITS..=ALL_DIGITS).contains(&words.len()) && words.bytes().all(|at| at.is_ascii_hexdigit());
    let digits = words.to_ascii_lowercase();
    let of_digest = those(&|photo| {
        is_digest && photo.sha256.as_ref().is_some_and(|digest| hex(digest).starts_with(digits.as_str()))
    });
    if !of_digest.is_empty() {
        return of_digest;
    }
    let path = path_of_text(words);
    // A path says more than the name of a file.
    if words.is_empty() || path.file_name().map(Path::new) != Some(path.as_path()) {
        return Vec::new();
    }
    those(&|photo| path_of_text(&photo.name).file_name() == path.file_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(name: &str, digest: Option<u8>) -> TrainingPhoto {
        let mut photo = TrainingPhoto { name: name.to_owned(), ..TrainingPhoto::default() };
        photo.sha256 = digest.map(|byte| {
            let mut digest = [0xab; 32];
            // The first eight digits are those of every photo below 16.
            digest[4] = byte;
            digest[0] = if byte < 16 { 0xab } else { byte };
            digest
        });
        photo
    }

    fn found(photos: &[TrainingPhoto], words: &[&str]) -> Result<Vec<u32>, String> {
        let words: Vec<String> = words.iter().map(|words| (*words).to_owned()).collect();
        chosen(photos, &words).map(|found| found.into_iter().collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_photo_is_meant_by_name_digest_or_the_first_digits_of_it() {
        let photos =
            [photo("a/1.png", Some(1)), photo("a/2.png", Some(2)), photo("b/2.png", Some(99)), photo("x", None)];
        assert_eq!(found(&photos, &["a/1.png"]), Ok(vec![0]));
        assert_eq!(found(&photos, &["x", "1.png", "a/1.png"]), Ok(vec![0, 3]));
        assert_eq!(found(&photos, &[&hex(&photos[1].sha256.unwrap())]), Ok(vec![1]));
        assert_eq!(found(&photos, &["63ababab"]), Ok(vec![2]));
        assert_eq!(found(&photos, &["63ABABAB63"]), Ok(vec![2]));
        for unknown in ["63ababa", "63ababab64", "3.png", "", "elsewhere/1.png", "a"] {
            let error = found(&photos, &["x", unknown]).unwrap_err();
            assert!(error.contains("none of the 4 photos") && error.contains(unknown), "{error}");
        }
        for ambiguous in ["2.png", "abababab"] {
            let error = found(&photos, &[ambiguous]).unwrap_err();
            assert!(error.contains(&format!("{ambiguous} may be")) && error.contains("a/2.png (abababab02"), "{error}");
        }
    }

    #[test]
    fn copies_of_a_photo_are_meant_with_it() {
        let photos = [
            photo("1", Some(1)),
            photo("2", Some(7)),
            photo("copy of 1", Some(1)),
            photo("same", None),
            photo("same", None),
        ];
        assert_eq!(found(&photos, &["copy of 1"]), Ok(vec![0, 2]));
        assert_eq!(found(&photos, &["abababab01"]), Ok(vec![0, 2]));
        // Of two that nothing is known of, nobody says which is meant.
        assert!(found(&photos, &["same"]).unwrap_err().contains("same may be"));
    }
}
