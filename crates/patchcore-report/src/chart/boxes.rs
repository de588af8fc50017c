//! No word of a chart covers a value or another word: boxes of both, from the SVG as it is written.

use patchcore_metrics::Interval;

use super::{
    Histogram, Level, LevelChart, LineChart, Scatter, Series, color_bar, histogram, level_chart, line_chart, scatter,
};
use crate::ColorScale;

/// Left, top, right, bottom.
#[derive(Debug, Clone, Copy)]
struct Area([f64; 4]);

impl Area {
    fn meets(self, other: Self) -> bool {
        let (Area([left, top, right, bottom]), Area([l, t, r, b])) = (self, other);
        left < r && l < right && top < b && t < bottom
    }
}

/// What lies in an SVG: words with their boxes, values with theirs, and its width and height.
struct Drawn {
    words: Vec<(String, Area)>,
    values: Vec<(String, Area)>,
    size: (f64, f64),
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let from = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[from..].split('"').next()
}

fn number(tag: &str, name: &str) -> f64 {
    attribute(tag, name).unwrap().parse().unwrap()
}

fn drawn(svg: &str) -> Drawn {
    let size = attribute(svg, "viewBox").unwrap().split(' ').map(|side| side.parse::<f64>().unwrap());
    let size: Vec<f64> = size.collect();
    let mut drawn = Drawn { words: Vec::new(), values: Vec::new(), size: (size[2], size[3]) };
    for element in svg.split('<').skip(1) {
        let (tag, text) = element.split_once('>').unwrap();
        let class = attribute(tag, "class").unwrap_or_default();
        let value = |drawn: &mut Drawn, area| drawn.values.push((tag.to_owned(), area));
        if tag.starts_with("text") {
            // A sans serif is about 0.6 em wide a letter; the style sheet has the sizes.
            let size = if class == "tick" { 11.0 } else { 12.0 };
            let (long, up, down) = (0.6 * size * text.chars().count() as f64, 0.75 * size, 0.22 * size);
            let area = match attribute(tag, "transform") {
                // Turned: it runs upwards around its middle.
                Some(transform) => {
                    let at = transform.split(['(', ' ', ')']).skip(1).take(2).map(|at| at.parse::<f64>().unwrap());
                    let at: Vec<f64> = at.collect();
                    [at[0] - up, at[1] - long / 2.0, at[0] + down, at[1] + long / 2.0]
                }
                None => {
                    let (x, y) = (number(tag, "x"), number(tag, "y"));
                    let left = match attribute(tag, "text-anchor").unwrap() {
                        "start" => x,
                        "middle" => x - long / 2.0,
                        _ => x - long,
                    };
                    [left, y - up, left + long, y + down]
                }
            };
            drawn.words.push((text.to_owned(), Area(area)));
        } else if tag.starts_with("rect") {
            let (x, y) = (number(tag, "x"), number(tag, "y"));
            value(&mut drawn, Area([x, y, x + number(tag, "width"), y + number(tag, "height")]));
        } else if tag.starts_with("circle") {
            let (x, y, r) = (number(tag, "cx"), number(tag, "cy"), number(tag, "r") + 1.0);
            value(&mut drawn, Area([x - r, y - r, x + r, y + r]));
        } else if tag.starts_with("line") && class != "grid" {
            let (x, y) = ([number(tag, "x1"), number(tag, "x2")], [number(tag, "y1"), number(tag, "y2")]);
            // Along the line, as it may be a diagonal.
            for step in 0..50 {
                let at = |[from, to]: [f64; 2], share: f64| from + (to - from) * share;
                let ends = [f64::from(step) / 50.0, f64::from(step + 1) / 50.0];
                let (xs, ys) = (ends.map(|share| at(x, share)), ends.map(|share| at(y, share)));
                value(&mut drawn, around(&[(xs[0], ys[0]), (xs[1], ys[1])]));
            }
        } else if tag.starts_with("path") {
            let d = attribute(tag, "d").unwrap();
            if class == "defective" {
                let at: Vec<f64> = d[1..].split(['m', ' ']).take(2).map(|at| at.parse().unwrap()).collect();
                value(&mut drawn, Area([at[0] - 5.0, at[1] - 5.0, at[0] + 5.0, at[1] + 5.0]));
                continue;
            }
            let points: Vec<(f64, f64)> = d
                .split(['M', 'L'])
                .skip(1)
                .map(|point| {
                    let (x, y) = point.split_once(' ').unwrap();
                    (x.parse().unwrap(), y.parse().unwrap())
                })
                .collect();
            for pair in points.windows(2) {
                for step in 0..20 {
                    let at = |share: f64| {
                        let along = |from: f64, to: f64| from + (to - from) * share;
                        (along(pair[0].0, pair[1].0), along(pair[0].1, pair[1].1))
                    };
                    value(&mut drawn, around(&[at(f64::from(step) / 20.0), at(f64::from(step + 1) / 20.0)]));
                }
            }
        }
    }
    drawn
}

fn around(points: &[(f64, f64)]) -> Area {
    let ends = |of: fn(&(f64, f64)) -> f64| {
        points.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)))
    };
    let ((left, right), (top, bottom)) = (ends(|point| point.0), ends(|point| point.1));
    Area([left - 1.0, top - 1.0, right + 1.0, bottom + 1.0])
}

/// Whether words cover nothing, and lie in the picture; the first that do not.
fn covered(svg: &str) -> Option<String> {
    let Drawn { words, values, size } = drawn(svg);
    assert!(!words.is_empty() && !values.is_empty(), "{svg}");
    for (index, (text, area)) in words.iter().enumerate() {
        let Area([left, top, right, bottom]) = *area;
        if left < 0.0 || top < 0.0 || right > size.0 || bottom > size.1 {
            return Some(format!("{text:?} leaves the picture: {area:?}"));
        }
        if let Some((value, _)) = values.iter().find(|(_, value)| area.meets(*value)) {
            return Some(format!("{text:?} covers <{value}>"));
        }
        if let Some((other, _)) = words.iter().skip(index + 1).find(|(_, other)| area.meets(*other)) {
            return Some(format!("{text:?} covers {other:?}"));
        }
    }
    None
}

#[test]
fn a_word_over_a_value_is_found() {
    let svg = |x, y| {
        format!(
            "<svg viewBox=\"0 0 360 270\"><rect class=\"bar\" x=\"100\" y=\"100\" width=\"9\" height=\"90\"><title>t</title></rect>\
             <path class=\"curve\" d=\"M200.0 10.0L300.0 110.0\"/><text class=\"key\" x=\"{x}\" y=\"{y}\" text-anchor=\"start\">abc</text></svg>"
        )
    };
    assert_eq!(covered(&svg(20, 150)), None);
    for (x, y) in [(90, 150), (245, 60), (345, 150), (20, 5)] {
        assert!(covered(&svg(x, y)).is_some(), "{x} {y}");
    }
}

#[test]
fn no_word_covers_a_value() {
    // Scores at both ends, in the middle, everywhere, and few; the threshold among them, below and above all.
    let spread: Vec<f32> = (0..300).map(|at| at as f32 * 0.37).collect();
    let sets: [(&[f32], &[f32]); 5] =
        [(&spread, &spread), (&[0.0], &[111.0]), (&[55.0; 40], &[111.0; 3]), (&[111.0; 9], &[0.5]), (&[20.0], &[])];
    for (good, defective) in sets {
        for threshold in [None, Some(0.0), Some(30.0), Some(55.5), Some(80.0), Some(111.0)] {
            let drawn = histogram(&Histogram { id: "h", title: "t", good, defective, threshold }).unwrap();
            assert_eq!(covered(&drawn), None, "{threshold:?} {drawn}");
            let points: Vec<(f32, f32, bool, &str)> = good
                .iter()
                .map(|score| (*score, 0.1 * *score, false, "good"))
                .chain(defective.iter().map(|score| (*score, 120.0 - *score, true, "defective")))
                .chain([(111.0, 0.0, false, "corner"), (0.0, 120.0, true, "corner")])
                .collect();
            let (x_name, y_name, thresholds) = ("score, first", "score, second", (threshold, threshold));
            let drawn = scatter(&Scatter {
                id: "s",
                title: "t",
                description: "d",
                x_name,
                y_name,
                points: &points,
                thresholds,
            });
            let drawn = drawn.unwrap();
            assert_eq!(covered(&drawn), None, "{threshold:?} {drawn}");
        }
    }
    let points = |decades: bool| -> Vec<[f64; 2]> {
        (0..=20).map(|at| f64::from(at) / 20.0).map(|x| [if decades { 3.0 * x - 5.0 } else { x }, x * x]).collect()
    };
    for (decades, limits) in [(None, [0.0, 0.05, 0.6, 1.0]), (Some((-5, -2)), [-5.0, -4.0, -3.0, -2.0])] {
        for limit in limits {
            let points = points(decades.is_some());
            let series = [
                Series { name: "mean over images", points: &points, steps: false },
                Series {
                    name: "each image with a defect of its own",
                    points: &[[limits[0], 1.0], [limits[3], 0.0]],
                    steps: true,
                },
            ];
            let drawn = line_chart(&LineChart {
                id: "l",
                title: "t",
                description: "d",
                x_name: "good images called defective",
                y_name: "defective images found",
                series: &series,
                chance: Some((0.0, 1.0)).filter(|_| decades.is_none()),
                operating_point: None,
                limit: Some((limit, "limit of AUPRO 0.05")),
                decades,
            })
            .unwrap();
            assert_eq!(covered(&drawn), None, "{limit} {drawn}");
        }
    }
    let level = |share: f64| {
        let counted = |what: &str| Some((share, Interval { low: 0.0, high: 1.0 }, what.to_owned()));
        Level { label: "x0.85".to_owned(), false_alarms: counted("a"), misses: counted("m"), auroc: Some(1.0 - share) }
    };
    let levels = [0.0, 0.5, 1.0, 0.2].map(level);
    let drawn = level_chart(&LevelChart { id: "c", title: "t", description: "d", x_name: "light", levels: &levels });
    assert_eq!(covered(&drawn.unwrap()), None);
    for threshold in [20.1, 25.0, 39.9] {
        let drawn = color_bar("b", &ColorScale { low: 20.0, threshold, high: 40.0 }).unwrap();
        assert_eq!(covered(&drawn), None, "{threshold:?} {drawn}");
    }
}
