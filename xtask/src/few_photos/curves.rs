//! The curves as an SVG: a row of panels for each measure, a panel for each set, a line for each variant.

use std::fmt::Write;

use super::row::{COUNTS, Row, SETS, VARIANTS};

const PANEL: (f64, f64) = (260.0, 180.0);
const GAP: (f64, f64) = (60.0, 60.0);
const COLOURS: [&str; 3] = ["#767676", "#0b6bcb", "#c4560a"];

/// A measure of a row, with its name.
type Measure = (&'static str, fn(&Row) -> f64);
const MEASURES: [Measure; 2] = [("image AUROC, %", |row| row.image_auroc), ("AUPRO 5 %, %", |row| row.aupro_05)];

/// Mean of the draws, with the lowest and the highest of them as a band.
pub fn picture(rows: &[Row]) -> String {
    let width = GAP.0 + SETS.len() as f64 * (PANEL.0 + GAP.0);
    let height = 40.0 + MEASURES.len() as f64 * (PANEL.1 + GAP.1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\" \
         role=\"img\" aria-label=\"Image AUROC and AUPRO 5 % over the number of training photos\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    for (at, (variant, colour)) in VARIANTS.iter().zip(COLOURS).enumerate() {
        let x = GAP.0 + 170.0 * at as f64;
        let _ = writeln!(
            svg,
            "<line x1=\"{x}\" y1=\"16\" x2=\"{}\" y2=\"16\" stroke=\"{colour}\" stroke-width=\"2\"/><text x=\"{}\" y=\"20\">{variant}</text>",
            x + 24.0,
            x + 30.0
        );
    }
    for (line, (name, value)) in MEASURES.into_iter().enumerate() {
        for (column, set) in SETS.iter().enumerate() {
            let left = GAP.0 + column as f64 * (PANEL.0 + GAP.0);
            let top = 56.0 + line as f64 * (PANEL.1 + GAP.1);
            let title = if line == 0 { format!("{}: {}", set.name, set.option.join(" ")) } else { String::new() };
            panel(&mut svg, (left, top), &title, name, &|photos, variant| {
                let own =
                    rows.iter().filter(|row| row.set == set.name && row.photos == photos && row.variant == variant);
                own.map(value).collect()
            });
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, (left, top): (f64, f64), title: &str, name: &str, values: &dyn Fn(usize, &str) -> Vec<f64>) {
    let all: Vec<f64> =
        COUNTS.iter().flat_map(|count| VARIANTS.iter().flat_map(|variant| values(*count, variant))).collect();
    let (low, high) =
        all.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    let (low, high) = if low < high { ((low / 5.0).floor() * 5.0, (high / 5.0).ceil() * 5.0) } else { (0.0, 100.0) };
    let y = |value: f64| top + PANEL.1 * (1.0 - (value - low) / (high - low));
    // One, two, four: equal steps.
    let x = |at: usize| left + PANEL.0 * at as f64 / (COUNTS.len() - 1) as f64;
    let _ = writeln!(svg, "<text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{title}</text>", top - 12.0);
    for step in 0..=4 {
        let value = low + (high - low) * f64::from(step) / 4.0;
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#dddddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
            left + PANEL.0,
            left - 6.0,
            y(value) + 4.0,
            y = y(value)
        );
    }
    for (at, count) in COUNTS.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{count}</text>",
            x(at),
            top + PANEL.1 + 16.0
        );
    }
    let _ = writeln!(svg, "<text x=\"{left}\" y=\"{:.1}\">photos of the fit; {name}</text>", top + PANEL.1 + 32.0);
    for (variant, colour) in VARIANTS.iter().zip(COLOURS) {
        let points: Vec<(usize, Vec<f64>)> = COUNTS
            .iter()
            .enumerate()
            .map(|(at, count)| (at, values(*count, variant)))
            .filter(|(_, values)| !values.is_empty())
            .collect();
        let path = |of: &dyn Fn(&[f64]) -> f64| {
            points.iter().map(|(at, values)| format!("{:.1},{:.1}", x(*at), y(of(values)))).collect::<Vec<_>>()
        };
        let (lowest, highest) = (path(&|values| values.iter().copied().fold(f64::INFINITY, f64::min)), {
            let mut back = path(&|values| values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            back.reverse();
            back
        });
        let mean = path(&|values| values.iter().sum::<f64>() / values.len() as f64);
        let _ = writeln!(
            svg,
            "<polygon points=\"{} {}\" fill=\"{colour}\" fill-opacity=\"0.08\"/><polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            lowest.join(" "),
            highest.join(" "),
            mean.join(" ")
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_has_its_panels_and_every_variant_its_line() {
        let rows: Vec<Row> = SETS
            .iter()
            .flat_map(|set| VARIANTS.iter().map(move |variant| (set, variant)))
            .flat_map(|(set, variant)| {
                COUNTS.map(|photos| Row {
                    set: set.name.to_owned(),
                    photos,
                    draw: 0,
                    variant: (*variant).to_owned(),
                    image_auroc: 50.0 + photos as f64,
                    aupro_05: 20.0,
                })
            })
            .collect();
        let svg = picture(&rows);
        assert_eq!(svg.matches("<polyline").count(), 2 * 3 * 3);
        assert!(svg.contains("magnetic_tile: --any-angle mirrored") && !svg.contains("NaN"));
        assert!(!picture(&[]).contains("NaN"));
    }
}
