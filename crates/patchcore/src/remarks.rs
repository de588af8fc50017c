//! What is worth saying of photos that are taken all the same. Nothing here changes a number.

use std::collections::BTreeMap;

use patchcore_io::NetworkInput;

/// What is odd about a photo that was taken all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Remark {
    /// Some of its pixels are transparent ([`Photo::has_transparency`](crate::Photo::has_transparency)): they are taken with the
    /// colours that lie under them, so that two photos that look the same may score differently.
    Transparent,
}

impl Remark {
    /// What is to be said of a photo.
    pub(crate) fn of(input: &NetworkInput) -> Vec<Self> {
        if input.kind.has_transparency { vec![Self::Transparent] } else { Vec::new() }
    }

    /// Said of one photo, or of several.
    fn said_of(self, one: bool) -> &'static str {
        match (self, one) {
            (Self::Transparent, true) => "has transparent pixels, which are taken with the colours that lie under them",
            (Self::Transparent, false) => {
                "have transparent pixels, which are taken with the colours that lie under them"
            }
        }
    }
}

/// The remarks on many photos: each kind once, with a count and the first photo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    noted: BTreeMap<Remark, (usize, String)>,
}

impl Remarks {
    /// Notes what is to be said of one more photo.
    pub fn note(&mut self, photo: &str, remarks: &[Remark]) {
        for remark in remarks {
            self.noted.entry(*remark).or_insert_with(|| (0, photo.to_owned())).0 += 1;
        }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.noted.is_empty()
    }

    /// Each kind of remark with the number of photos that it was made on, and the name of the first one.
    pub fn iter(&self) -> impl Iterator<Item = (Remark, usize, &str)> {
        self.noted.iter().map(|(remark, (photos, first))| (*remark, *photos, first.as_str()))
    }

    /// A line for each kind of remark.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.iter().map(|(remark, photos, first)| match photos {
            1 => format!("{first} {}", remark.said_of(true)),
            _ => format!("{photos} photos {} (the first: {first})", remark.said_of(false)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_said_once_with_a_count_and_the_first_photo() {
        let mut remarks = Remarks::default();
        remarks.note("opaque.png", &[]);
        assert!(remarks.is_empty());
        remarks.note("b.png", &[Remark::Transparent]);
        let lines = |remarks: &Remarks| remarks.lines().collect::<Vec<String>>();
        let said = "transparent pixels, which are taken with the colours that lie under them";
        assert_eq!(lines(&remarks), [format!("b.png has {said}")]);
        remarks.note("a.png", &[Remark::Transparent]);
        assert_eq!(lines(&remarks), [format!("2 photos have {said} (the first: b.png)")]);
        assert_eq!(remarks.iter().collect::<Vec<_>>(), [(Remark::Transparent, 2, "b.png")]);
    }
}
