//! The good patch that a patch was compared with, and where it lies in its photo.

use patchcore::config::Checked;
use patchcore::{Geometry, Model, NearestGood, Size};
use pyo3::prelude::*;

/// Left, top, width and height, in pixels of the training photo, whose top left pixel has its centre at `(0, 0)`.
type PhotoBox = (f64, f64, f64, f64);

/// The good patch that is nearest to a photo's worst patch.
#[pyclass(frozen, get_all, eq, module = "patchcore._patchcore")]
#[derive(Clone, PartialEq)]
pub struct Nearest {
    /// The training photo; None where the fit was not told its name.
    name: Option<String>,
    /// Left, top, width and height of the patch in that photo, in its pixels; None where photos of several sizes were fitted, and for a
    /// bank from elsewhere.
    #[pyo3(name = "box")]
    place: Option<PhotoBox>,
    /// Distance of the two patches, in the unit of the scores.
    distance: f32,
    /// The bank that has the patch, from 0.
    bank: usize,
    /// Row and column of the patch in the grid of that photo, from 0.
    cell: Option<(u16, u16)>,
}

#[pymethods]
impl Nearest {
    #[new]
    #[pyo3(signature = (name, r#box, distance, bank, cell))]
    fn new(
        name: Option<String>,
        r#box: Option<PhotoBox>,
        distance: f32,
        bank: usize,
        cell: Option<(u16, u16)>,
    ) -> Self {
        Self { name, place: r#box, distance, bank, cell }
    }

    fn __repr__(&self) -> String {
        let name = self.name.as_deref().map_or_else(|| "None".to_owned(), |name| format!("{name:?}"));
        format!("<Nearest: {name}, distance {}>", self.distance)
    }

    #[expect(clippy::type_complexity, reason = "what pickle wants: the class, and what it is called with")]
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> (Bound<'py, PyAny>, (Option<String>, Option<PhotoBox>, f32, usize, Option<(u16, u16)>)) {
        let Self { name, place, distance, bank, cell } = self.clone();
        (py.get_type::<Self>().into_any(), (name, place, distance, bank, cell))
    }
}

impl Nearest {
    /// What a score or a region says of it.
    pub fn of(model: &Model, nearest: &NearestGood) -> Self {
        Self {
            name: nearest.image.clone(),
            place: box_of(model, nearest),
            distance: nearest.distance,
            bank: nearest.member,
            cell: nearest.origin.map(|origin| (origin.row, origin.column)),
        }
    }
}

/// The patch's place, where all photos of the fit had one size: a model keeps no size for each.
fn box_of(model: &Model, nearest: &NearestGood) -> Option<PhotoBox> {
    let [seen] = model.inputs_seen()?.sizes.as_slice() else { return None };
    let origin = nearest.origin?;
    let config: &Checked = model.config();
    let geometry = Geometry::new("", Size { width: seen.width, height: seen.height }, &config.view).ok()?;
    let grid = model.core().extractor().grid(geometry.input.height as usize, geometry.input.width as usize);
    let (row, column) = (usize::from(origin.row), usize::from(origin.column));
    if row >= grid.rows || column >= grid.columns {
        return None;
    }
    let centre = |cell: usize, cells: usize, pixels: u32| (cell as f64 + 0.5) * f64::from(pixels) / cells as f64 - 0.5;
    let half = f64::from(config.strides().0) * config.members.get(nearest.member)?.patch_size as f64 / 2.0;
    let (x, y) = (centre(column, grid.columns, geometry.input.width), centre(row, grid.rows, geometry.input.height));
    let ((left, top), (right, bottom)) =
        (geometry.to_original(x - half, y - half), geometry.to_original(x + half, y + half));
    // Within the photo: from the left edge of its first pixel to the right edge of its last.
    let within = |at: f64, side: u32| at.clamp(-0.5, f64::from(side) - 0.5);
    let (left, right) = (within(left, seen.width), within(right, seen.width));
    let (top, bottom) = (within(top, seen.height), within(bottom, seen.height));
    Some((left, top, right - left, bottom - top))
}
