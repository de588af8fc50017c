//! What a report shows of one image: its photo, its map, and the pair of crops that says why it was flagged.

use std::path::{Component, Path, PathBuf};

use patchcore::{
    DefectRegion, EvaluatedImage, Geometry, Limits, MapGeometry, Model, NearestGood, NearestPhoto, Size, path_of_text,
    path_text,
};
use patchcore_report::{Evidence, NearestPatch, PixelBox, RgbImage, crop_with_box, part_at_most};

use crate::said;

/// Side of a crop as a share of the input's short side.
const CROP: f64 = 0.3;
/// Long side of a photo, at most: larger it is not embedded.
const LONG_SIDE: u32 = 512;

/// Loads the photo again: an evaluation keeps maps and what they were compared with, but no photos, of which the galleries show a few
/// that are known only when all are scored. `geometry` is that of the evaluation; paths are shown as seen from the folder `data`.
pub fn evidence(model: &Model, row: &EvaluatedImage, geometry: MapGeometry, data: &Path) -> Result<Evidence, String> {
    let (Some(map), Some(worst)) = (&row.map, &row.worst) else { return Err("it has no score".to_owned()) };
    let in_words = |error: patchcore::Error| without_folders(&said::of(&error), &row.image.path, &row.image.relative);
    let photo = model.open_photo(&row.image.path, &Limits::default()).map_err(in_words)?;
    let pixels = photo.to_rgb8();
    let seen = match geometry {
        MapGeometry::Input => match view(&pixels, &worst.geometry) {
            Some(seen) => seen,
            None => model.prepare(&photo).map_err(in_words)?.to_rgb8(),
        },
        MapGeometry::Photo => pixels.clone(),
    };
    let (width, height) = (map.width as u32, map.height as u32);
    let truth = row.truth.as_ref().map(|truth| stretched(truth, (width, height), seen.dimensions()));
    let member = worst.nearest_good.member;
    let regions = boxes(&row.regions, |x, y| match geometry {
        MapGeometry::Photo => (x + 0.5, y + 0.5),
        // What is seen is the network's view, at another size.
        MapGeometry::Input => {
            let (x, y) = worst.geometry.to_input(x, y);
            let Size { width, height } = worst.geometry.input;
            let scaled = |at: f64, side: u32, of: u32| (at + 0.5) * f64::from(side) / f64::from(of);
            (scaled(x, seen.width(), width), scaled(y, seen.height(), height))
        }
    });
    let largest = row.regions.iter().map(|region| region.area).reduce(f64::max);
    Ok(Evidence {
        regions,
        largest_region: largest.map(|area| format!("{area:.0} pixels of the photo")).unwrap_or_default(),
        map: map.scores.clone(),
        map_width: width,
        map_height: height,
        truth,
        worst: Some(boxed(model, &pixels, worst.at, &worst.geometry, member)),
        nearest: Some(nearest(model, &worst.nearest_good, data)),
        photo: seen,
    })
}

/// The regions as boxes of a picture, in which `place` puts places of the photo: distances from its left and upper edge.
fn boxes(regions: &[DefectRegion], place: impl Fn(f64, f64) -> (f64, f64)) -> Vec<PixelBox> {
    let of_region = |region: &DefectRegion| {
        let edge = |at: u32| f64::from(at) - 0.5;
        let (left, top) = place(edge(region.left), edge(region.top));
        let (right, bottom) = place(edge(region.left + region.width), edge(region.top + region.height));
        let (left, top) = (left.round().max(0.0) as u32, top.round().max(0.0) as u32);
        let (width, height) =
            ((right.round() as u32).saturating_sub(left), (bottom.round() as u32).saturating_sub(top));
        PixelBox { left, top, width: width.max(1), height: height.max(1) }
    };
    regions.iter().map(of_region).collect()
}

/// The part of the photo that the network sees, larger than the network sees it; `None` where it sees more than the photo (a padded
/// one), or the photo has no more pixels.
fn view(photo: &RgbImage, geometry: &Geometry) -> Option<RgbImage> {
    let (left, top) = geometry.to_original(-0.5, -0.5);
    let (right, bottom) =
        geometry.to_original(f64::from(geometry.input.width) - 0.5, f64::from(geometry.input.height) - 0.5);
    let [left, top, right, bottom] = [left, top, right, bottom].map(|edge| (edge + 0.5).round());
    let (columns, rows) = (f64::from(photo.width()), f64::from(photo.height()));
    let is_inside = left >= 0.0 && top >= 0.0 && right <= columns && bottom <= rows;
    let (width, height) = ((right - left) as u32, (bottom - top) as u32);
    if !is_inside || width.max(height) <= geometry.input.width.max(geometry.input.height) {
        return None;
    }
    Some(part_at_most(photo, (left as u32, top as u32), (width, height), LONG_SIDE))
}

/// A mask at another size: each pixel that of the nearest one.
fn stretched(mask: &[bool], from: (u32, u32), to: (u32, u32)) -> Vec<bool> {
    let nearest = |at: u32, from: u32, to: u32| (u64::from(at) * u64::from(from) / u64::from(to)) as usize;
    let pixel = |x, y| mask.get(nearest(y, from.1, to.1) * from.0 as usize + nearest(x, from.0, to.0)).copied();
    (0..to.1).flat_map(|y| (0..to.0).map(move |x| (x, y))).map(|(x, y)| pixel(x, y).unwrap_or(false)).collect()
}

/// The good patch that the worst patch was compared with, with its photo if that is still there.
fn nearest(model: &Model, good: &NearestGood, data: &Path) -> NearestPatch {
    let name = good.image.as_ref().map(|name| shown_path(&path_of_text(name), data));
    let crop = model.open_nearest(good, &Limits::default()).map_err(|error| {
        let text = said::of(&error);
        match (&good.image, &name) {
            (Some(image), Some(name)) => without_folders(&text, &path_of_text(image), name),
            _ => text,
        }
    });
    let is_small = crop.as_ref().is_ok_and(|found| found.is_thumbnail);
    let name = name.map(|name| if is_small { format!("{name} (a small picture that the model keeps)") } else { name });
    let cut = |found: NearestPhoto| boxed(model, &found.photo.to_rgb8(), found.at, &found.geometry, good.member);
    NearestPatch {
        image: name,
        cell: good.origin.map(|origin| [usize::from(origin.row), usize::from(origin.column)]),
        distance: good.distance,
        crop: crop.map(cut),
    }
}

/// The surroundings of a patch with a box around the cells that it was made of.
pub fn boxed(model: &Model, photo: &RgbImage, at: (f64, f64), geometry: &Geometry, member: usize) -> RgbImage {
    let config = model.config();
    let cells = config.members.get(member).map_or(1, |member| member.patch_size);
    let patch = f64::from(config.strides().0) * cells as f64;
    let short = f64::from(geometry.input.width.min(geometry.input.height));
    crop_with_box(photo, at, in_photo(short * CROP, geometry), in_photo(patch, geometry))
}

/// So many pixels of the input as columns and rows of the photo.
fn in_photo(side: f64, geometry: &Geometry) -> (u32, u32) {
    let scaled =
        |original: u32, resized: u32| (side * f64::from(original) / f64::from(resized)).round().max(1.0) as u32;
    (scaled(geometry.original.width, geometry.resized.width), scaled(geometry.original.height, geometry.resized.height))
}

/// A file as seen from the data set; of one that lies elsewhere the last folder and the name. A report travels, and where somebody's
/// folders lie is nobody else's business.
fn shown_path(file: &Path, data: &Path) -> String {
    let absolute =
        |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
    let (own, folder) = (absolute(file), absolute(data));
    if let Ok(inside) = own.strip_prefix(&folder) {
        return path_text(inside);
    }
    let parts: Vec<Component<'_>> = file.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    path_text(&parts.iter().rev().take(2).rev().collect::<PathBuf>())
}

/// What an error says, with the file as it is shown in the place of its whole path.
fn without_folders(text: &str, file: &Path, shown: &str) -> String {
    text.replace(&file.display().to_string(), shown)
}

#[cfg(test)]
mod tests {
    use patchcore::config::Size;

    use super::*;

    #[test]
    fn paths_are_shown_from_the_data_set_and_never_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("train/good/000.png");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "x").unwrap();
        assert_eq!(shown_path(&file, folder.path()), "train/good/000.png");
        assert_eq!(shown_path(Path::new("/home/somebody/part/good/001.png"), folder.path()), "good/001.png");
        assert_eq!(shown_path(Path::new("002.png"), folder.path()), "002.png");
        let said = without_folders("cannot read /a/b/c.png: gone", Path::new("/a/b/c.png"), "b/c.png");
        assert_eq!(said, "cannot read b/c.png: gone");
    }

    #[test]
    fn the_view_is_cut_from_the_photo_where_that_has_more_pixels() {
        let size = |width, height| Size { width, height };
        let geometry =
            |original, resized, crop_left, crop_top, input| Geometry { original, resized, crop_left, crop_top, input };
        let photo = RgbImage::from_fn(800, 800, |x, y| image::Rgb([(x / 4) as u8, (y / 4) as u8, 0]));
        let cropped = geometry(size(800, 800), size(200, 200), 50, 25, size(100, 150));
        let seen = view(&photo, &cropped).unwrap();
        assert_eq!(seen.dimensions(), (341, 512));
        // The first pixels are those of column 200 and row 100.
        let first = seen.get_pixel(0, 0).0;
        assert!(first[0].abs_diff(50) <= 1 && first[1].abs_diff(25) <= 1, "{first:?}");
        assert!(view(&photo, &geometry(size(800, 800), size(200, 200), -4, 0, size(208, 200))).is_none());
        assert!(view(&photo, &geometry(size(800, 800), size(800, 800), 0, 0, size(800, 800))).is_none());
    }

    #[test]
    fn masks_are_stretched_by_whole_pixels() {
        let mask = [true, false, false, true];
        let wide = stretched(&mask, (2, 2), (4, 2));
        assert_eq!(wide, [true, true, false, false, false, false, true, true]);
        assert_eq!(stretched(&mask, (2, 2), (2, 2)), mask);
    }
}
