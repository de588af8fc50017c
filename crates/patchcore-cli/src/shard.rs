//! One of several parts of a data set's photos, each fitted by itself, so that `merge` makes one model of them.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use patchcore::path_text;

use crate::misuse::Misuse;

/// `3/16`: the third of sixteen parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    /// `K/N`, K from 1 to N.
    ///
    /// # Errors
    /// What is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("expected K/N with K from 1 to N, for example 3/16".to_owned()),
        }
    }

    /// The photos of this part: they are dealt like cards, in the order of their paths, so that the parts of one data set have every
    /// photo once, and each has of every folder.
    ///
    /// # Errors
    /// [`Misuse`] where there are fewer photos than parts.
    pub fn photos(self, photos: &[PathBuf], data: &Path) -> anyhow::Result<Vec<PathBuf>> {
        ensure!(
            photos.len() >= self.of,
            Misuse(format!(
                "--shard is {self}, and {} has {} photos: expected at most as many parts as photos; make fewer parts",
                path_text(data),
                photos.len()
            ))
        );
        let mut sorted: Vec<&PathBuf> = photos.iter().collect();
        sorted.sort();
        Ok(sorted.into_iter().skip(self.number - 1).step_by(self.of).cloned().collect())
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_one_of_several() {
        assert_eq!(Shard::parse("3/16").map(|shard| shard.to_string()).as_deref(), Ok("3/16"));
        assert!(Shard::parse("1/1").is_ok());
        for bad in ["", "3", "0/4", "5/4", "1/0", "a/b", "1/2/3", "-1/4", "1/-4"] {
            assert!(Shard::parse(bad).is_err_and(|error| error.contains("K/N")), "{bad}");
        }
    }

    /// Whatever order the photos come in, and however many of them lie in one folder.
    #[test]
    fn the_parts_have_every_photo_once() {
        for count in [1_usize, 2, 5, 16, 17, 100] {
            let mut photos: Vec<PathBuf> = (0..count).map(|at| format!("{}/{at:03}.png", at % 3).into()).collect();
            let data = Path::new("good");
            for of in 1..=count.min(20) {
                let deal = |photos: &[PathBuf]| -> Vec<Vec<PathBuf>> {
                    (1..=of).map(|number| Shard { number, of }.photos(photos, data).unwrap()).collect()
                };
                let dealt = deal(&photos);
                let sizes: Vec<usize> = dealt.iter().map(Vec::len).collect();
                assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
                photos.reverse();
                assert_eq!(deal(&photos), dealt, "the order of the photos decides");
                let mut all = dealt.concat();
                all.sort();
                photos.sort();
                assert_eq!(all, photos, "{count} photos in {of} parts");
            }
            let refused = Shard { number: 1, of: count + 1 }.photos(&photos, data).unwrap_err();
            assert!(refused.is::<Misuse>() && refused.to_string().contains(&format!("{count} photos")), "{refused}");
        }
    }
}
