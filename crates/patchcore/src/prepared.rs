//! Photos of a source on their way to a network: named, and made into its inputs ahead on another thread.

use patchcore_config::Checked;
use patchcore_io::{Limits, NetworkInput};

use crate::ahead::Ahead;
use crate::error::Error;
use crate::into_photo::{IntoPhoto, Known, PhotoSource, input_bytes};

/// A photo's name, and where its pixels are.
pub(crate) type NamedSource = (String, Result<PhotoSource, Error>);

/// The photos' names and inputs, in order, made ahead on another thread.
pub(crate) fn prepared<I>(
    config: &Checked,
    limits: Limits,
    known: Known,
    photos: I,
) -> impl Iterator<Item = (String, Result<NetworkInput, Error>)> + use<I>
where
    I: Iterator<Item: IntoPhoto>,
{
    let config = config.clone();
    let prepare =
        move |(name, source): NamedSource| (name, source.and_then(|source| source.prepare(&config, &limits, known)));
    Ahead::new(
        numbered(photos),
        |(_, source)| source.as_ref().map_or(0, PhotoSource::bytes),
        prepare,
        |(_, input)| input.as_ref().map_or(0, input_bytes),
    )
}

/// Photos with their names, or their numbers where they have none.
pub(crate) fn numbered<I>(photos: I) -> impl Iterator<Item = NamedSource> + use<I>
where
    I: Iterator<Item: IntoPhoto>,
{
    photos.enumerate().map(|(index, photo)| {
        let photo = photo.into_photo();
        (photo.name.unwrap_or_else(|| format!("photo {index}")), photo.source)
    })
}

/// Whether an iterator says how many items it has.
pub(crate) fn is_length_known(items: &(impl Iterator + ?Sized)) -> bool {
    let (least, most) = items.size_hint();
    most == Some(least)
}

/// How many items an iterator has, if it says so; else 0.
pub(crate) fn known_length(items: &impl Iterator) -> usize {
    if is_length_known(items) { items.size_hint().0 } else { 0 }
}
