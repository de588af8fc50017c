//! `patchcore inspect-data`: how a data set is understood, before anything is fitted on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;

use patchcore::error::MaskFault;
use patchcore::{DataSet, Limits, Photo, PhotoIdentity, Progress, Stage, one_line};
use serde::Serialize;

use crate::arguments::{InspectData, InspectFormat};
use crate::command_line::shell_path;
use crate::data::{self, orphans};
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Display;
use crate::said;

/// Lines of one kind that the table has; JSON has all.
const SHOWN: usize = 10;

/// Everything that is said.
#[derive(Serialize)]
struct Found {
    path: String,
    layout: &'static str,
    train: usize,
    validation: usize,
    test: Test,
    sizes: Vec<Size>,
    colours: Vec<Colour>,
    masks: Masks,
    /// Photos of the same pixels, whatever their files.
    doubles: Vec<Vec<String>>,
    unreadable: Vec<Unreadable>,
    left_out: Left,
    remarks: Vec<String>,
}

#[derive(Serialize)]
struct Test {
    good: usize,
    defective: usize,
    kinds: BTreeMap<String, usize>,
}

#[derive(Serialize)]
struct Size {
    width: u32,
    height: u32,
    photos: usize,
}

#[derive(Serialize)]
struct Colour {
    channels: usize,
    bits: u32,
    photos: usize,
}

#[derive(Serialize, Default)]
struct Masks {
    /// Defective photos with a mask.
    photos: usize,
    /// Files of masks.
    files: usize,
    missing: Vec<String>,
    ambiguous: Vec<String>,
    other_size: Vec<String>,
    orphan: Vec<String>,
    of_good_photos: usize,
}

#[derive(Serialize)]
struct Unreadable {
    image_path: String,
    error: String,
}

#[derive(Serialize)]
struct Left {
    files: usize,
    extensions: BTreeMap<String, usize>,
    folders: Vec<String>,
}

pub fn run(arguments: &InspectData) -> anyhow::Result<Outcome> {
    let set = data::read(&arguments.data)?;
    let found = found(&set)?;
    output::print(&match arguments.format {
        InspectFormat::Json => format!("{}\n", serde_json::to_string_pretty(&found)?),
        InspectFormat::Table => table(&set, &found),
    })?;
    let path = shell_path(&arguments.data);
    output::next(&match set.train.is_empty() {
        false => format!("patchcore fit --data {path} -o part.patchcore"),
        true => format!("patchcore evaluate --model part.patchcore --data {path} -o results"),
    });
    Ok(if found.unreadable.is_empty() { Outcome::Done } else { Outcome::SomeImagesFailed })
}

/// Decodes all photos and masks, on all threads, and counts.
fn found(set: &DataSet) -> anyhow::Result<Found> {
    let photos: Vec<&Path> = set
        .train
        .iter()
        .chain(&set.validation)
        .map(PathBuf::as_path)
        .chain(set.test.iter().map(|image| image.path.as_path()))
        .collect();
    let masks: Vec<&Path> = set.test.iter().flat_map(|image| &image.masks).map(PathBuf::as_path).collect();
    let identities = each(&photos, |photo| (photo.identity(), photo.kind()))?;
    let mask_sizes: Vec<_> = each(&masks, Photo::size)?;

    let (mut sizes, mut colours, mut digests) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::<[u8; 32], Vec<String>>::new());
    let mut unreadable = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (path, identity) in photos.iter().zip(&identities) {
        // A manifest may have a photo both to fit on and to test.
        if !seen.insert(*path) {
            continue;
        }
        match identity {
            Err(error) => unreadable.push(Unreadable { image_path: set.relative(path), error: error.clone() }),
            Ok((PhotoIdentity { size, sha256, .. }, kind)) => {
                *sizes.entry((size.width, size.height)).or_insert(0) += 1;
                *colours.entry((kind.channels, kind.bits)).or_insert(0) += 1;
                digests.entry(*sha256).or_default().push(set.relative(path));
            }
        }
    }
    let of_tests = identities.iter().skip(set.train.len() + set.validation.len());
    let mut sizes_of_masks = masks.iter().zip(mask_sizes);
    let mut counted = Masks { of_good_photos: set.masks_of_good, ..Masks::default() };
    for (image, identity) in set.test.iter().zip(of_tests) {
        match &image.mask_fault {
            Some(MaskFault::Missing { .. }) => counted.missing.push(image.relative.clone()),
            Some(fault) => counted.ambiguous.push(fault.to_string()),
            None => {}
        }
        counted.photos += usize::from(!image.masks.is_empty());
        for (mask, size) in sizes_of_masks.by_ref().take(image.masks.len()) {
            counted.files += 1;
            match (size, identity) {
                (Err(error), _) => unreadable.push(Unreadable { image_path: set.relative(mask), error }),
                (Ok(size), Ok((identity, _))) if size != identity.size => counted.other_size.push(format!(
                    "{} is {} x {}, its photo {} x {}",
                    set.relative(mask),
                    size.width,
                    size.height,
                    identity.size.width,
                    identity.size.height
                )),
                _ => {}
            }
        }
    }
    counted.orphan = set.orphan_masks.iter().map(|mask| set.relative(mask)).collect();
    let mut kinds = BTreeMap::new();
    for image in set.test.iter().filter(|image| image.is_anomalous) {
        *kinds.entry(image.kind.clone()).or_insert(0) += 1;
    }
    let defective = kinds.values().sum();
    let mut doubles: Vec<Vec<String>> = digests.into_values().filter(|photos| photos.len() > 1).collect();
    doubles.sort();
    let mut remarks: Vec<String> = set.remarks.iter().map(ToString::to_string).collect();
    remarks.extend(set.one_class());
    Ok(Found {
        path: patchcore::path_text(&set.root),
        layout: set.layout.name(),
        train: set.train.len(),
        validation: set.validation.len(),
        test: Test { good: set.test.len() - defective, defective, kinds },
        sizes: sizes.into_iter().map(|((width, height), photos)| Size { width, height, photos }).collect(),
        colours: colours.into_iter().map(|((channels, bits), photos)| Colour { channels, bits, photos }).collect(),
        masks: counted,
        doubles,
        unreadable,
        left_out: Left {
            files: set.left_out.files.len(),
            extensions: set.left_out.extensions(),
            folders: set.left_out.folders.iter().map(|folder| set.relative(folder)).collect(),
        },
        remarks,
    })
}

/// What is asked of each file, or why it cannot be read; in order.
fn each<T: Send>(files: &[&Path], ask: impl Fn(&Photo) -> T + Sync) -> anyhow::Result<Vec<Result<T, String>>> {
    let threads = crate::threads::in_force().min(files.len().max(1));
    let (next, is_enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (done, steps) = std::sync::mpsc::channel();
    let work = |done: Sender<()>| {
        let mut answers = Vec::new();
        while !is_enough.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(at) else { break };
            let photo = Photo::open(file, &Limits::default());
            answers.push((at, photo.map(|photo| ask(&photo)).map_err(|error| said::of(&error))));
            // Whoever listens does so until the last step.
            let _ = done.send(());
        }
        answers
    };
    let mut display = Display::new();
    let mut answers: Vec<_> = std::thread::scope(|scope| {
        let start = |_| {
            let (work, done) = (&work, done.clone());
            scope.spawn(move || work(done))
        };
        let workers: Vec<_> = (0..threads).map(start).collect();
        // The steps end with the last worker, however it ends.
        drop(done);
        for (at, ()) in steps.iter().enumerate() {
            if display.show(Progress::new(Stage::Reading, at + 1, files.len())).is_break() {
                is_enough.store(true, Ordering::Relaxed);
                break;
            }
        }
        // A decoder's panic is an error of its photo already.
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    if is_enough.into_inner() {
        return Err(patchcore::Error::Cancelled { what: "look at the data" }.into());
    }
    answers.sort_by_key(|(at, _)| *at);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// Lines for a reader.
fn table(set: &DataSet, found: &Found) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| text.push_str(&format!("{name:<13} {value}\n"));
    let counted = |count: usize, what: &str| if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") };
    let photos = |count: usize| counted(count, "photo");
    row("data", &one_line(&found.path));
    row("layout", found.layout);
    row("train", &format!("{} good", found.train));
    row("validation", &format!("{} good", found.validation));
    row("test", &format!("{} good, {} defective", found.test.good, found.test.defective));
    for (kind, count) in &found.test.kinds {
        row("", &format!("{count} {}", one_line(kind)));
    }
    let mut some = |name: &str, lines: Vec<String>| {
        let more = lines.len().saturating_sub(SHOWN);
        for (at, line) in lines.into_iter().take(SHOWN).enumerate() {
            row(if at == 0 { name } else { "" }, &line);
        }
        if more > 0 {
            row("", &format!("and {more} more (--format json has all)"));
        }
    };
    let escaped = |text: &String| one_line(text);
    some(
        "sizes",
        found.sizes.iter().map(|size| format!("{} x {}: {}", size.width, size.height, photos(size.photos))).collect(),
    );
    let colour = |colour: &Colour| {
        let name = if colour.channels == 1 { "grey" } else { "RGB" };
        format!("{name}, {} bits: {}", colour.bits, photos(colour.photos))
    };
    some("colours", found.colours.iter().map(colour).collect());
    let masks = &found.masks;
    some(
        "masks",
        vec![format!(
            "{} with a mask ({}), {} without, {} ambiguous, {} of another size; {} of no photo, {} of good photos",
            photos(masks.photos),
            counted(masks.files, "file"),
            masks.missing.len(),
            masks.ambiguous.len(),
            masks.other_size.len(),
            masks.orphan.len(),
            masks.of_good_photos
        )],
    );
    some("without mask", masks.missing.iter().map(escaped).collect());
    some("ambiguous", masks.ambiguous.iter().map(escaped).collect());
    some("other size", masks.other_size.iter().map(escaped).collect());
    some("orphans", orphans(set).into_iter().collect());
    let doubles = found.doubles.iter().map(|same| same.iter().map(escaped).collect::<Vec<_>>().join(" = "));
    some("doubles", if found.doubles.is_empty() { vec!["none".to_owned()] } else { doubles.collect() });
    let unreadable = |photo: &Unreadable| one_line(&format!("{}: {}", photo.image_path, photo.error));
    some("unreadable", found.unreadable.iter().map(unreadable).collect());
    some("left out", vec![set.left_out.to_string()]);
    some("", found.left_out.folders.iter().map(escaped).collect());
    some("remarks", found.remarks.clone());
    text
}
