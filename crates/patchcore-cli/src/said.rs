//! What an error says at the command line: each cause once, options where the library names fields, and no types of its API.

use std::error::Error as StdError;

use clap::CommandFactory;
use patchcore::Error;
use patchcore::error::{CalibrationError, ConfigError, FitError, ImageError, InputError, ScoreError};

use crate::arguments::Arguments;

/// An error and its causes, as one line. A cause that is part of what was said before is not said again.
pub fn of_chain(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let said = of(cause);
        if line.is_empty() {
            line = said;
        } else if !line.contains(&said) {
            line.push_str(": ");
            line.push_str(&said);
        }
    }
    line
}

/// [`of_chain`] of an error whose text has its causes, as those of the library do.
pub fn of(cause: &(dyn StdError + 'static)) -> String {
    let mut text = cause.to_string();
    if let Some(Error::NoUsablePhoto { first, .. }) = cause.downcast_ref() {
        text = text.replace(&first.to_string(), &of(first.as_ref()));
    }
    let wrong = out_of_range(cause);
    if let Some(parameter) = wrong
        && let Some(rest) = text.strip_prefix(parameter)
        && is_option(&parameter.replace('_', "-"))
    {
        return with_options(&format!("--{}{rest}", parameter.replace('_', "-")));
    }
    if wrong.is_some() || is_of_settings(cause) {
        return with_options(&text);
    }
    match of_image(cause) {
        // What an application can raise, the program cannot.
        Some(ImageError::TooLarge { .. } | ImageError::TooMuchMemory { .. }) => {
            text.split(" or raise `").next().unwrap_or_default().to_owned()
        }
        Some(ImageError::FloatRange { .. }) => text.replace("`Settings::full_scale`", "`fit --full-scale`"),
        _ => text,
    }
}

/// The field that holds a value out of its range.
fn out_of_range<'e>(cause: &'e (dyn StdError + 'static)) -> Option<&'e str> {
    let of_config = |error: &'e ConfigError| match error {
        ConfigError::OutOfRange { parameter, .. } => Some(*parameter),
        _ => None,
    };
    let of_rate = |error: &'e CalibrationError| match error {
        CalibrationError::OutOfRange { name, .. } => Some(*name),
        _ => None,
    };
    match cause.downcast_ref::<Error>() {
        Some(Error::Config(error)) => of_config(error),
        Some(Error::Calibration(error)) => of_rate(error),
        _ => cause.downcast_ref().and_then(of_config).or_else(|| cause.downcast_ref().and_then(of_rate)),
    }
}

/// Whether an error is of settings and what follows from them, and names no file of the user's.
fn is_of_settings(cause: &(dyn StdError + 'static)) -> bool {
    cause.is::<ConfigError>()
        || cause.is::<FitError>()
        || cause.is::<InputError>()
        || cause.is::<ScoreError>()
        || cause.is::<CalibrationError>()
        || matches!(
            cause.downcast_ref(),
            Some(Error::Config(_) | Error::Fit(_) | Error::Score(_) | Error::Calibration(_))
        )
}

fn of_image<'e>(cause: &'e (dyn StdError + 'static)) -> Option<&'e ImageError> {
    match cause.downcast_ref::<Error>() {
        Some(Error::Image(image)) => Some(image),
        _ => cause.downcast_ref(),
    }
}

/// Words that are fields of the settings become the options that set them: `num_neighbors` is `--num-neighbors`.
fn with_options(text: &str) -> String {
    let mut said = String::new();
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut rest = text;
    while let Some(start) = rest.find(is_of_word) {
        let (between, after) = rest.split_at(start);
        let (word, next) = after.split_at(after.find(|c| !is_of_word(c)).unwrap_or(after.len()));
        let option = word.replace('_', "-");
        said.push_str(between);
        said.push_str(&if word.contains('_') && is_option(&option) { format!("--{option}") } else { word.to_owned() });
        rest = next;
    }
    said + rest
}

/// Whether a command of the program has this option.
fn is_option(name: &str) -> bool {
    let program = Arguments::command();
    let mut options = program.get_subcommands().flat_map(clap::Command::get_arguments);
    options.any(|option| option.get_long() == Some(name))
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn fields_become_options_and_files_keep_their_names() {
        let error = Error::Fit(FitError::TooFewRows { num_neighbors: 7, rows: 6 });
        let said = of(&error);
        assert!(said.starts_with("--num-neighbors is 7") && said.contains("lower --num-neighbors"), "{said}");
        assert!(said.contains("raise --coreset-sampling-ratio or add photos"), "{said}");
        let found = "1.5".to_owned();
        for (parameter, option) in [("crop", "--crop is 1.5"), ("patch_size", "--patch-size is 1.5"), ("pad", "pad is")]
        {
            let error = ConfigError::OutOfRange { parameter, found: found.clone(), expected: "less" };
            assert!(of(&Error::Config(error)).starts_with(option), "{option}");
        }
        let name = "num_neighbors/seed.png".to_owned();
        let said = of(&Error::Image(ImageError::Empty { name }));
        assert!(said.starts_with("num_neighbors/seed.png is empty"), "{said}");
    }

    #[test]
    fn limits_of_the_api_are_not_spoken_of() {
        let (name, limit) = ("a.png".to_owned(), 9);
        let said = of(&Error::Image(ImageError::TooMuchMemory { name, needed: 10, limit }));
        assert_eq!(said, "a.png needs 10 bytes, expected at most 9; shrink the photo");
        let (name, lowest, highest) = ("a.tif".to_owned(), 0.0, 255.0);
        let said = of(&Error::Image(ImageError::FloatRange { name, lowest, highest }));
        assert!(said.contains("say which value is white (`fit --full-scale`)"), "{said}");
    }

    #[test]
    fn a_cause_is_said_once() {
        let cause = || std::io::Error::other("no room");
        let io = Error::Io { action: "write", path: "m".into(), source: cause(), remedy: "make some" };
        let error = Err::<(), _>(io).context("cannot fit on good").unwrap_err();
        assert_eq!(of_chain(&error), "cannot fit on good: cannot write m: no room (make some)");
        let error = Err::<(), _>(cause()).context("cannot fit").unwrap_err();
        assert_eq!(of_chain(&error), "cannot fit: no room");
    }
}
