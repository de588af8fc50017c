//! `jpeg_against_libjpeg [CASES]`: decodes JPEGs of random scans, samplings, restart intervals, qualities and sizes, and compares
//! with libjpeg-turbo (`cjpeg` and `djpeg`, Debian's package libjpeg-turbo-progs). `cargo xtask soak jpeg` runs it.
//!
//! Prints how many were accepted, refused and wrong, and fails when one is wrong, when one is refused for another reason than
//! those of [`REFUSALS`], or when the decoder's SIMD code gives other pixels than its scalar code.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use patchcore_io::{ImageError, Limits, Photo};
use rand_core::Rng as _;
use rand_pcg::Pcg32;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// What may be refused, by the words of the error.
const REFUSALS: [&str; 5] = [
    "scans that are not progressive",
    "a brightness that is coarser than its colours",
    "a sampling factor of 3",
    "arithmetic coding",
    "lossless",
];

/// The pictures are smooth, so that decoders may differ by their rounding and by how they enlarge chroma, and by no more: a
/// misplaced block differs by half the range.
const MEAN_ALLOWED: f64 = 3.0;
const LARGEST_ALLOWED: u8 = 48;

struct Random(Pcg32);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0.next_u32() % bound
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        let at = self.below(values.len() as u32) as usize;
        values.iter().copied().nth(at).unwrap_or_else(|| unreachable!("{at} is below the length"))
    }

    fn shuffled(&mut self) -> [u32; 3] {
        self.pick(&[[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    }
}

fn main() -> ExitCode {
    let cases = std::env::args().nth(1).map_or(Ok(2000), |cases| cases.parse());
    let result = cases.map_err(Into::into).and_then(run);
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cases: u32) -> Fallible<bool> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("scans.txt");
    let mut random = Random(Pcg32::new(17, 0));
    let mut refused: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut accepted, mut wrong, mut faults, mut invalid, mut case) = (0, 0, 0, 0, 0);
    while case < cases {
        let (file, what) = draw(&mut random, &script)?;
        // Samplings that do not go into each other are none of libjpeg's.
        let Some(jpeg) = file else {
            invalid += 1;
            continue;
        };
        let Ok(reference) = pipe(Command::new("djpeg").arg("-pnm"), &jpeg) else {
            invalid += 1;
            continue;
        };
        case += 1;
        match Photo::decode("case", &jpeg, &Limits::default()) {
            Ok(photo) => {
                accepted += 1;
                let (mean, largest) = difference(&photo, &reference)?;
                if mean > MEAN_ALLOWED || largest > LARGEST_ALLOWED {
                    wrong += 1;
                    println!("wrong by {mean:.1} on average, {largest} at most: {what}");
                }
                if simd_differs(&jpeg)? {
                    faults += 1;
                    println!("SIMD code and scalar code differ: {what}");
                }
            }
            Err(error) => {
                let told = error.to_string();
                let known = REFUSALS.into_iter().find(|words| told.contains(words));
                match known.filter(|_| matches!(error, ImageError::UnsupportedFeature { .. })) {
                    Some(words) => *refused.entry(words).or_default() += 1,
                    None => {
                        faults += 1;
                        println!("refused as {told}: {what}");
                    }
                }
            }
        }
    }
    let all: u32 = refused.values().sum();
    println!(
        "{cases} JPEGs ({invalid} more that libjpeg does not write or read): accepted {accepted}, refused {all}, wrong {wrong}"
    );
    for (words, files) in &refused {
        println!("  refused for {words}: {files}");
    }
    Ok(wrong == 0 && faults == 0)
}

/// A file, and how it was made; no file where libjpeg does not write such.
fn draw(random: &mut Random, script: &Path) -> Fallible<(Option<Vec<u8>>, String)> {
    let (width, height) = (1 + random.below(130), 1 + random.below(130));
    let phase = f64::from(random.below(600)) / 100.0;
    let quality = 5 + random.below(92);
    let mut options = vec!["-quality".to_owned(), quality.to_string()];
    let grey = random.below(8) == 0;
    let scans = match random.below(if grey { 2 } else { 5 }) {
        0 => String::new(),
        1 if grey => {
            "0: 0-0, 0, 1;\n0: 1-5, 0, 0;\n0: 0-0, 1, 0;\n0: 6-63, 0, 2;\n0: 6-63, 2, 1;\n0: 6-63, 1, 0;\n".to_owned()
        }
        1 | 2 => progressive(random),
        _ => sequential(random),
    };
    if grey {
        options.push("-grayscale".to_owned());
    }
    options.extend(["-sample".to_owned(), sampling(random)]);
    let restart = random.pick(&["", "", "", "1", "2", "1B", "3B", "7B"]);
    if !restart.is_empty() {
        options.extend(["-restart".to_owned(), restart.to_owned()]);
    }
    match random.below(30) {
        0 => options.push("-arithmetic".to_owned()),
        1 if !grey => options.push("-rgb".to_owned()),
        2..10 => options.push("-optimize".to_owned()),
        _ => {}
    }
    let what = format!("cjpeg {} of {width}x{height}, scans {scans:?}", options.join(" "));
    if !scans.is_empty() {
        std::fs::write(script, &scans)?;
        options.push("-scans".to_owned());
    }
    let mut command = Command::new("cjpeg");
    command.args(&options);
    if !scans.is_empty() {
        command.arg(script);
    }
    Ok((pipe(&mut command, &picture(width, height, phase)).ok(), what))
}

/// Usual samplings, rare ones, and any mixture.
fn sampling(random: &mut Random) -> String {
    const FACTORS: [&str; 9] = ["1x1", "2x1", "1x2", "2x2", "4x1", "1x4", "4x2", "2x4", "3x1"];
    const RARE: [&str; 12] = [
        "2x2,2x1,2x1",
        "2x2,1x2,1x2",
        "2x2,2x1,1x2",
        "2x2,2x2,1x1",
        "2x2,2x2,2x2",
        "2x1,2x1,2x1",
        "4x2,2x1,2x1",
        "1x1,2x1,2x1",
        "1x1,2x2,2x2",
        "2x1,2x2,2x2",
        "1x1,1x1,2x2",
        "3x3,1x1,1x1",
    ];
    match random.below(10) {
        0..3 => "2x2,1x1,1x1".to_owned(),
        3 => "1x1,1x1,1x1".to_owned(),
        4 => "2x1,1x1,1x1".to_owned(),
        5 => "1x2,1x1,1x1".to_owned(),
        6 => format!("{},1x1,1x1", random.pick(&FACTORS)),
        7 => random.pick(&RARE).to_owned(),
        _ => [(); 3].map(|()| random.pick(FACTORS.split_at(4).0)).join(","),
    }
}

fn sequential(random: &mut Random) -> String {
    let [a, b, c] = random.shuffled();
    let scans = [
        format!("{a};\n{b};\n{c};\n"),
        format!("{a};\n{};{};\n", b.min(c), b.max(c)),
        format!("{a};\n{} {};\n", b.min(c), b.max(c)),
        format!("{} {};\n{c};\n", a.min(b), a.max(b)),
        "0 1 2;\n".to_owned(),
    ];
    let at = random.below(scans.len() as u32) as usize;
    scans.into_iter().nth(at).unwrap_or_default()
}

/// The lowest frequency first, together or one component after the other; then bands of each component in any order; of each
/// the high bits first, the low ones later.
fn progressive(random: &mut Random) -> String {
    let mut written = String::new();
    let mut queues: Vec<Vec<String>> = Vec::new();
    let low_bits = random.below(3);
    let mut begin = |components: String, band: &str, low_bits: u32, at_once: bool| {
        let first = format!("{components}: {band}, 0, {low_bits};\n");
        let later = (0..low_bits).rev().map(|bit| format!("{components}: {band}, {}, {bit};\n", bit + 1));
        if at_once {
            written.push_str(&first);
            queues.push(later.collect());
        } else {
            queues.push(std::iter::once(first).chain(later).collect());
        }
    };
    if random.below(2) == 0 {
        begin("0 1 2".to_owned(), "0-0", low_bits, true);
    } else {
        for component in random.shuffled() {
            begin(component.to_string(), "0-0", low_bits, true);
        }
    }
    for component in 0..3 {
        let cut = 2 + random.below(60);
        let bands = match random.below(3) {
            0 => vec!["1-63".to_owned()],
            1 => vec![format!("1-{cut}"), format!("{}-63", cut + 1)],
            _ => ["1-5", "6-20", "21-63"].map(str::to_owned).to_vec(),
        };
        for band in bands {
            begin(component.to_string(), &band, random.below(3), false);
        }
    }
    queues.retain(|queue| !queue.is_empty());
    while !queues.is_empty() {
        let at = random.below(queues.len() as u32) as usize;
        if let Some(queue) = queues.get_mut(at) {
            written.push_str(&queue.remove(0));
        }
        queues.retain(|queue| !queue.is_empty());
    }
    written
}

/// A smooth picture as PPM.
fn picture(width: u32, height: u32, phase: f64) -> Vec<u8> {
    let mut file = format!("P6\n{width} {height}\n255\n").into_bytes();
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (f64::from(x) / 24.0, f64::from(y) / 24.0))) {
        let red = 128.0 + 90.0 * (x + phase).sin() * (y * 0.7).cos();
        let green = 128.0 + 80.0 * (x * 0.6 - y + phase * 2.0).sin();
        let blue = 128.0 + 100.0 * (y * 0.9 + x * 0.3).cos();
        file.extend([red, green, blue].map(|value| value as u8));
    }
    file
}

/// What `command` writes when it reads `input`; an error with what it says when it fails.
fn pipe(command: &mut Command, input: &[u8]) -> Fallible<Vec<u8>> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap_or_else(|error| {
        eprintln!("cannot run {command:?}: {error}; install libjpeg-turbo-progs");
        std::process::exit(1)
    });
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // Whoever does not read all of it ends with an error of its own.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    })?;
    if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

/// The mean and the largest difference from a PGM or PPM.
fn difference(photo: &Photo, reference: &[u8]) -> Fallible<(f64, u8)> {
    let pixels = photo.to_rgb8().into_raw();
    let expected = if reference.starts_with(b"P5") {
        let length = photo.width() as usize * photo.height() as usize;
        let start = reference.len().checked_sub(length).ok_or("another size")?;
        reference.split_at(start).1.iter().flat_map(|grey| [*grey; 3]).collect()
    } else {
        reference.split_at(reference.len().checked_sub(pixels.len()).ok_or("another size")?).1.to_vec()
    };
    let differences = || pixels.iter().zip(&expected).map(|(one, other)| one.abs_diff(*other));
    let sum: u64 = differences().map(u64::from).sum();
    Ok((sum as f64 / pixels.len() as f64, differences().max().unwrap_or(0)))
}

/// Whether the decoder gives other pixels without its code for this processor.
fn simd_differs(jpeg: &[u8]) -> Fallible<bool> {
    let decode = |fast| {
        let options = DecoderOptions::default().set_use_unsafe(fast);
        JpegDecoder::new_with_options(ZCursor::new(jpeg), options).decode().map_err(|error| format!("{error:?}"))
    };
    Ok(decode(true)? != decode(false)?)
}
