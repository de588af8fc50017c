//! Time and peak memory over the number of photos, as an SVG: both axes logarithmic.

use std::fmt::Write;

use super::row::Growth;

const PANEL: (f64, f64) = (300.0, 200.0);
const LEFT: f64 = 60.0;
const TOP: f64 = 60.0;
const GAP: f64 = 80.0;
/// Each way to a model, and its colour.
const WAYS: [(&str, &str); 3] = [("budget", "#0b6bcb"), ("all rows", "#767676"), ("anomalib mh_patchcore", "#c4560a")];

/// The picture of the rows of usual photos.
pub fn picture(rows: &[Growth]) -> String {
    let width = LEFT + 2.0 * PANEL.0 + GAP + 40.0;
    let height = TOP + PANEL.1 + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\" \
         role=\"img\" aria-label=\"Time and peak memory of a fit over the number of its photos\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    let measured = WAYS.iter().filter(|(what, _)| rows.iter().any(|row| row.what == *what));
    for (at, (what, colour)) in measured.enumerate() {
        let x = LEFT + 190.0 * at as f64;
        let _ = writeln!(
            svg,
            "<line x1=\"{x}\" y1=\"16\" x2=\"{}\" y2=\"16\" stroke=\"{colour}\" stroke-width=\"2\"/><text x=\"{}\" y=\"20\">{}</text>",
            x + 24.0,
            x + 30.0,
            if *what == "budget" { "budget of 512 MiB" } else { what }
        );
    }
    let usual: Vec<&Growth> = rows.iter().filter(|row| row.megapixels < 1.0).collect();
    panel(&mut svg, LEFT, "CPU seconds", &usual, |row| row.cpu_seconds);
    panel(&mut svg, LEFT + PANEL.0 + GAP, "peak memory, MiB", &usual, |row| row.peak_mib as f64);
    svg.push_str("</svg>\n");
    svg
}

/// The powers of ten around values.
fn decades(values: impl Iterator<Item = f64> + Clone) -> (i32, i32) {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(0.0, f64::max);
    let (low, high) = if low <= high { (low, high) } else { (1.0, 10.0) };
    (
        low.max(1e-3).log10().floor() as i32,
        (high.max(1e-3).log10().ceil() as i32).max(low.max(1e-3).log10().floor() as i32 + 1),
    )
}

fn panel(svg: &mut String, left: f64, name: &str, rows: &[&Growth], value: fn(&Growth) -> f64) {
    let photos = decades(rows.iter().map(|row| row.photos as f64));
    let values = decades(rows.iter().map(|row| value(row)));
    let along = |value: f64, (low, high): (i32, i32)| (value.log10() - f64::from(low)) / f64::from(high - low);
    let x = |count: f64| left + PANEL.0 * along(count, photos);
    let y = |height: f64| TOP + PANEL.1 * (1.0 - along(height, values));
    let _ = writeln!(svg, "<text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{name}</text>", TOP - 12.0);
    for decade in values.0..=values.1 {
        let at = y(10f64.powi(decade));
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#dddddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left + PANEL.0,
            left - 6.0,
            at + 4.0,
            10f64.powi(decade)
        );
    }
    for decade in photos.0..=photos.1 {
        let at = x(10f64.powi(decade));
        let _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            TOP + PANEL.1 + 16.0,
            10f64.powi(decade)
        );
    }
    let _ = writeln!(svg, "<text x=\"{left}\" y=\"{:.1}\">photos</text>", TOP + PANEL.1 + 34.0);
    for (what, colour) in WAYS {
        let mut own: Vec<(f64, f64)> =
            rows.iter().filter(|row| row.what == what).map(|row| (x(row.photos as f64), y(value(row)))).collect();
        own.sort_by(|one, other| one.0.total_cmp(&other.0));
        let line: Vec<String> = own.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.join(" ")
        );
        for (x, y) in own {
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
    }
}
