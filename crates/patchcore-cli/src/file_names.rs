//! Names of files that are made of photos from anywhere.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use patchcore::path_text;

/// Names in one folder: the photo's own with its extension, so that `000.png` and `000.jpg` do not meet; with its folder in front
/// where two photos share a name, and a number where that is not enough.
#[derive(Default)]
pub struct FileNames {
    /// In lower case: some systems do not tell them apart.
    taken: HashSet<String>,
    /// The next number of each name that has had one.
    next: HashMap<String, usize>,
}

impl FileNames {
    /// A free name for a photo's results, to which their endings are added.
    pub fn name(&mut self, photo: &Path) -> String {
        let name = path_text(Path::new(photo.file_name().unwrap_or_default()));
        let folder = photo.parent().and_then(Path::file_name).map(|name| path_text(Path::new(name)));
        let next = self.next.entry(name.to_lowercase()).or_insert(2);
        let mut candidates = std::iter::once(name.clone())
            .chain(folder.map(|folder| format!("{folder}_{name}")))
            .chain(std::iter::from_fn(|| {
                *next += 1;
                Some(format!("{}_{name}", *next - 1))
            }));
        // The chain is endless: one of the numbers is free.
        let free = candidates.find(|name| self.taken.insert(name.to_lowercase()));
        free.unwrap_or(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_result_overwrites_another() {
        let mut names = FileNames::default();
        let photos = ["a/000.png", "b/000.png", "b/000.jpg", "c/b/000.png", "000.png", "B_000.PNG"];
        let found = photos.map(|photo| names.name(Path::new(photo)));
        assert_eq!(found, ["000.png", "b_000.png", "000.jpg", "2_000.png", "3_000.png", "2_B_000.PNG"]);
    }
}
