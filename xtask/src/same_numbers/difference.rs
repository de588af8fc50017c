//! What differs between two programs' answers, and by how much.

use std::collections::BTreeMap;

use super::answers::{Answers, Array};

/// The differences of the arrays of one kind.
#[derive(Default)]
struct Kind {
    arrays: usize,
    different: usize,
    values: usize,
    differing: usize,
    largest: f64,
    relative: f64,
    is_float: bool,
    worst: String,
    other: Vec<String>,
}

/// A line for each kind of answer whose bits are not the same; empty when all are.
pub fn differences(theirs: &Answers, ours: &Answers) -> Vec<String> {
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    let kind_of = |array: &Array| array.name.split(": ").next().map_or(0, str::len);
    for ours in &ours.arrays {
        let kind = kinds.entry(&ours.name[..kind_of(ours)]).or_default();
        match theirs.arrays.iter().find(|theirs| theirs.name == ours.name) {
            Some(theirs) => kind.compare(theirs, ours),
            None => kind.other.push(format!("{} is on the new side only", ours.name)),
        }
    }
    for theirs in theirs.arrays.iter().filter(|theirs| ours.arrays.iter().all(|ours| ours.name != theirs.name)) {
        let kind = kinds.entry(&theirs.name[..kind_of(theirs)]).or_default();
        kind.other.push(format!("{} is on the old side only", theirs.name));
    }
    kinds.into_iter().flat_map(|(name, kind)| kind.lines(name)).collect()
}

impl Kind {
    fn compare(&mut self, theirs: &Array, ours: &Array) {
        self.arrays += 1;
        self.is_float = ours.is_float;
        if theirs.shape != ours.shape || theirs.is_float != ours.is_float {
            self.other.push(format!("{} has shape {:?}, had {:?}", ours.name, ours.shape, theirs.shape));
            return;
        }
        self.values += ours.bits.len();
        let pairs = theirs.bits.iter().zip(&ours.bits).filter(|(theirs, ours)| theirs != ours);
        let mut differing = 0;
        for (theirs, ours_bits) in pairs {
            differing += 1;
            let number = |bits: u32| if ours.is_float { f64::from(f32::from_bits(bits)) } else { f64::from(bits) };
            let (theirs, now) = (number(*theirs), number(*ours_bits));
            let off = (now - theirs).abs();
            // A NaN is as far off as can be.
            let off = if off.is_nan() { f64::INFINITY } else { off };
            if off > self.largest || self.worst.is_empty() {
                self.largest = off;
                self.worst = format!("{}: {now:e}, was {theirs:e}", ours.name);
            }
            self.relative = self.relative.max(off / theirs.abs().max(f64::from(f32::MIN_POSITIVE)));
        }
        self.differing += differing;
        self.different += usize::from(differing > 0);
    }

    fn lines(self, name: &str) -> Vec<String> {
        let mut lines = self.other;
        if self.different > 0 {
            let arrays =
                if self.arrays > 1 { format!(" in {} of {} arrays", self.different, self.arrays) } else { "".into() };
            let by = match self.is_float {
                true => format!(", by at most {:.3e} ({:.1e} of the value)", self.largest, self.relative),
                false => "".into(),
            };
            lines.push(format!("{name}: {} of {} values{arrays}{by}; {}", self.differing, self.values, self.worst));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(map: &[f32]) -> Answers {
        let mut answers = Answers::default();
        answers.add_floats("image scores", vec![2], &[1.0, 2.0]);
        answers.add_floats("map: a.png", vec![map.len()], map);
        answers.add_floats("map: b.png", vec![2], &[0.5, 0.5]);
        answers.add_counts("origins", vec![1, 3], vec![0, 1, 2]);
        answers
    }

    #[test]
    fn the_same_bits_are_no_difference_and_one_bit_is() {
        let map = [1.0, 2.0, f32::NAN];
        assert_eq!(differences(&answers(&map), &answers(&map)), Vec::<String>::new());
        let next = [1.0, 2.0f32.next_up(), f32::NAN];
        let found = differences(&answers(&map), &answers(&next));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("map: 1 of 5 values in 1 of 2 arrays, by at most 2.384e-7 (1.2e-7 of"),
            "{found:?}"
        );
        assert!(found[0].contains("map: a.png: 2.000000238418579e0, was 2e0"), "{found:?}");
    }

    #[test]
    fn zeros_of_two_signs_differ_and_so_does_a_nan() {
        let found = differences(&answers(&[0.0]), &answers(&[-0.0]));
        assert!(found[0].starts_with("map: 1 of 3 values"), "{found:?}");
        let found = differences(&answers(&[0.0]), &answers(&[f32::NAN]));
        assert!(found[0].contains("by at most inf"), "{found:?}");
    }

    #[test]
    fn shapes_and_missing_arrays_are_named() {
        let (mut fewer, all) = (answers(&[1.0]), answers(&[1.0, 2.0]));
        fewer.arrays.retain(|array| array.name != "origins");
        let found = differences(&all, &fewer);
        assert_eq!(found, ["map: a.png has shape [1], had [2]", "origins is on the old side only"]);
    }
}
