//! The two data sets of many classes on which PatchCore is compared, and which of their classes lie in a folder.

use std::path::{Path, PathBuf};

use anyhow::ensure;

use crate::misuse::Misuse;

/// A data set of many classes, each of which is a data set to this program.
#[derive(Debug, PartialEq, Eq)]
pub struct Benchmark {
    /// Its name.
    pub name: &'static str,
    /// The folder of its results.
    pub folder: &'static str,
    /// Its classes, sorted by name.
    pub classes: &'static [Class],
    /// What must lie beside the classes to say which of their photos are for training; `None` where their folders do.
    table: Option<&'static str>,
}

/// A class as its makers ship it.
#[derive(Debug, PartialEq, Eq)]
pub struct Class {
    /// Its name and folder.
    pub name: &'static str,
    /// Photos for training.
    pub training: usize,
    /// Photos to judge with.
    pub test: usize,
}

/// <https://www.mvtec.com/company/research/datasets/mvtec-ad>
pub const MVTEC_AD: Benchmark = Benchmark {
    name: "MVTec AD",
    folder: "mvtec",
    classes: &[
        Class { name: "bottle", training: 209, test: 83 },
        Class { name: "cable", training: 224, test: 150 },
        Class { name: "capsule", training: 219, test: 132 },
        Class { name: "carpet", training: 280, test: 117 },
        Class { name: "grid", training: 264, test: 78 },
        Class { name: "hazelnut", training: 391, test: 110 },
        Class { name: "leather", training: 245, test: 124 },
        Class { name: "metal_nut", training: 220, test: 115 },
        Class { name: "pill", training: 267, test: 167 },
        Class { name: "screw", training: 320, test: 160 },
        Class { name: "tile", training: 230, test: 117 },
        Class { name: "toothbrush", training: 60, test: 42 },
        Class { name: "transistor", training: 213, test: 100 },
        Class { name: "wood", training: 247, test: 79 },
        Class { name: "zipper", training: 240, test: 151 },
    ],
    table: None,
};

/// <https://github.com/amazon-science/spot-diff>
pub const VISA: Benchmark = Benchmark {
    name: "VisA",
    folder: "visa",
    classes: &[
        Class { name: "candle", training: 900, test: 200 },
        Class { name: "capsules", training: 542, test: 160 },
        Class { name: "cashew", training: 450, test: 150 },
        Class { name: "chewinggum", training: 453, test: 150 },
        Class { name: "fryum", training: 450, test: 150 },
        Class { name: "macaroni1", training: 900, test: 200 },
        Class { name: "macaroni2", training: 900, test: 200 },
        Class { name: "pcb1", training: 904, test: 200 },
        Class { name: "pcb2", training: 901, test: 200 },
        Class { name: "pcb3", training: 905, test: 201 },
        Class { name: "pcb4", training: 904, test: 201 },
        Class { name: "pipe_fryum", training: 450, test: 150 },
    ],
    table: Some("split_csv/1cls.csv"),
};

impl Benchmark {
    /// Names of its classes.
    pub fn names(&self) -> Vec<&'static str> {
        self.classes.iter().map(|class| class.name).collect()
    }

    /// The asked classes with their folders, `None` for one that is not there. No class is an error: another folder is meant then.
    pub fn classes_in(
        &'static self,
        root: &Path,
        is_asked: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Vec<(&'static Class, Option<PathBuf>)>> {
        let shown = root.display();
        ensure!(root.exists(), "folder {shown} does not exist; check the path to {}", self.name);
        ensure!(root.is_dir(), "{shown} is a file, expected the folder of {}", self.name);
        let asked = self.classes.iter().filter(|class| is_asked(class.name));
        let found: Vec<_> =
            asked.map(|class| (class, Some(root.join(class.name)).filter(|path| path.is_dir()))).collect();
        let looked_for = || found.iter().map(|(class, _)| class.name).collect::<Vec<_>>().join(", ");
        ensure!(
            found.is_empty() || found.iter().any(|(_, path)| path.is_some()),
            "no class of {} in {shown}: looked for the folders {}; name the folder in which they lie",
            self.name,
            looked_for()
        );
        if let Some(table) = self.table {
            let path = root.join(table);
            ensure!(
                path.is_file(),
                "{} of {} is missing: it says which photos are for training; it comes with the data set",
                path.display(),
                self.name
            );
        }
        Ok(found)
    }
}

/// Refuses names that are no class of what is asked for.
pub fn check_classes(asked: &[String], benchmarks: &[&'static Benchmark]) -> anyhow::Result<()> {
    let known: Vec<&str> = benchmarks.iter().flat_map(|benchmark| benchmark.names()).collect();
    let unknown = asked.iter().find(|class| !known.contains(&class.as_str()));
    unknown.map_or(Ok(()), |class| {
        let names: Vec<&str> = benchmarks.iter().map(|benchmark| benchmark.name).collect();
        let text = format!("--classes: `{class}` is no class of {}; they are {}", names.join(" or "), known.join(", "));
        Err(Misuse(text).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_sorted_and_as_many_as_published() {
        // Classes, photos for training and photos of the test, as the makers count them.
        for (benchmark, counts) in [(&MVTEC_AD, (15, 3629, 1725)), (&VISA, (12, 8659, 2162))] {
            assert!(benchmark.names().is_sorted(), "{benchmark:?}");
            let training: usize = benchmark.classes.iter().map(|class| class.training).sum();
            let test: usize = benchmark.classes.iter().map(|class| class.test).sum();
            assert_eq!((benchmark.classes.len(), training, test), counts, "{}", benchmark.name);
        }
    }

    #[test]
    fn without_the_table_of_visa_nothing_says_what_to_fit_on() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("candle")).unwrap();
        let said = VISA.classes_in(root.path(), |_| true).unwrap_err().to_string();
        assert!(said.contains("1cls.csv of VisA is missing"), "{said}");
        std::fs::create_dir(root.path().join("split_csv")).unwrap();
        std::fs::write(root.path().join("split_csv/1cls.csv"), "").unwrap();
        let found = VISA.classes_in(root.path(), |class| class.starts_with('c')).unwrap();
        let there: Vec<bool> = found.iter().map(|(_, path)| path.is_some()).collect();
        assert_eq!(there, [true, false, false, false]);
        let none = VISA.classes_in(root.path(), |class| class == "pcb1").unwrap_err().to_string();
        assert!(none.contains("no class of VisA") && none.contains("the folders pcb1;"), "{none}");
    }

    #[test]
    fn an_unknown_class_is_a_misuse() {
        let asked = |name: &str| check_classes(&[name.to_owned()], &[&MVTEC_AD]);
        assert!(asked("metal_nut").is_ok());
        assert!(crate::misuse::is_misuse(&asked("candle").unwrap_err()));
    }
}
