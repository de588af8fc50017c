//! What every page must hold to, whatever it is made of.

use std::collections::{BTreeMap, HashSet};

use image::{Rgb, RgbImage};
use patchcore_metrics::threshold::{Calibration, GoodScoreSource, Threshold as Stored};
use patchcore_metrics::{
    Bootstrap, ComparedPhoto, Comparison, EvaluatedModel, Interval, Judged, METRICS, Metric, MetricDifference, Results,
    SetResults, Share, StressLevel, StressOutcome, StressResults, StressSeries,
};
use patchcore_report::{
    CertificatePage, CertifiedPhoto, ColorScale, ComparisonPage, EvaluationPage, Evidence, Fact, ImageRow,
    NearestPatch, PixelBox, Threshold,
};

use crate::markup::tags;

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=http://evil.example/x>&amp;{{ 7 }}";

fn results() -> Results {
    let value = |metric| (metric, 0.9);
    let interval = Interval { low: 0.8, high: 0.95 };
    let no_width = Interval { low: 0.9, high: 0.9 };
    let set = SetResults {
        values: [value(&Metric::IMAGE_AUROC), value(&Metric::IMAGE_AP)].into_iter().collect(),
        intervals: [(&Metric::IMAGE_AUROC, interval), (&Metric::IMAGE_AP, no_width)].into_iter().collect(),
        found: Share::new(1, 3).unwrap(),
        false_alarms: Share::new(2, 4).unwrap(),
        worst_on_defect: Share::new(2, 3).unwrap(),
        ..SetResults::new(3, 3, None, None)
    };
    Results {
        version: Results::VERSION,
        sentence: None,
        verdicts_at: Some(Stored::manual(3.5)),
        overall: set,
        n_failed: 0,
        n_without_mask: 0,
        n_defect_out_of_view: 0,
        hidden_defects: BTreeMap::new(),
        mask_rule: None,
        kinds: [(HOSTILE.to_owned(), set)].into(),
        authors_normalization: None,
        thresholds: None,
        seconds: BTreeMap::new(),
        model: EvaluatedModel {
            mode: "paper".to_owned(),
            backbone: "resnet18".to_owned(),
            weights_sha256: String::new(),
            bank_rows: 1,
            seed: 0,
            device: "flex".to_owned(),
            precision: "f32".to_owned(),
            version: "0".to_owned(),
            ..EvaluatedModel::default()
        },
        run: None,
    }
}

/// Four good and two defective photos; at half the light two good ones more are above 3.5, and one defective one is below.
fn stress() -> StressResults {
    let labels = [false, false, false, false, true, true];
    let (unchanged, dark) = ([1.0, 2.0, 2.0, 5.0, 6.0, 7.0], [4.0, 4.0, 2.0, 5.0, 3.0, 9.0]);
    let threshold = Stored::manual(3.5);
    let outcome = |scores: &[f32; 6]| StressOutcome::new(scores, &unchanged, &labels, Some(&threshold)).unwrap();
    let level = |level, outcome| StressLevel { level, label: format!("x{level}"), words: HOSTILE.to_owned(), outcome };
    StressResults {
        version: StressResults::VERSION,
        sentence: HOSTILE.to_owned(),
        n_normal: 4,
        n_anomalous: 2,
        of_normal: 9,
        of_anomalous: 2,
        n_failed: 1,
        threshold: Some(threshold),
        unchanged: outcome(&unchanged),
        kinds: vec![StressSeries {
            kind: "light".to_owned(),
            about: "light, times what it was".to_owned(),
            unchanged: 1.0,
            levels: vec![level(0.5, outcome(&dark)), level(1.5, outcome(&unchanged))],
        }],
        model: results().model,
        seconds: BTreeMap::new(),
        run: None,
    }
}

fn page() -> EvaluationPage {
    let image = |index: usize| ImageRow {
        path: format!("{HOSTILE}/{index}.png"),
        kind: if index.is_multiple_of(2) { "good".to_owned() } else { HOSTILE.to_owned() },
        is_anomalous: !index.is_multiple_of(2),
        score: (index != 5).then_some(index as f32),
        error: (index == 5).then(|| HOSTILE.to_owned()),
    };
    let threshold = |value| Some(Threshold { value, how: HOSTILE.to_owned() });
    EvaluationPage {
        title: HOSTILE.to_owned(),
        results: results(),
        images: (0..8).map(image).collect(),
        image_threshold: threshold(3.5),
        look_again: None,
        pixel_threshold: threshold(0.5),
        scale: ColorScale { low: 0.0, threshold: 0.5, high: 1.0 },
        roc: vec![[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]],
        pr: vec![[0.5, 1.0], [1.0, 0.5]],
        pro: vec![[0.0, 0.0], [0.1, 0.9], [1.0, 1.0]],
        pimo: vec![[-5.5, 0.2], [-4.5, 0.6], [-2.0, 0.9]],
        stress: Some(stress()),
        notes: vec![HOSTILE.to_owned()],
        configuration: vec![Fact::new(HOSTILE, HOSTILE)],
        environment: vec![Fact::new("device", "flex")],
        gallery_size: 2,
    }
}

fn evidence(index: usize) -> Result<Evidence, String> {
    if index == 1 {
        return Err(HOSTILE.to_owned());
    }
    let photo = RgbImage::from_fn(32, 24, |x, y| image::Rgb([x as u8 * 8, y as u8 * 8, 90]));
    let crop = if index == 6 { Err(HOSTILE.to_owned()) } else { Ok(photo.clone()) };
    Ok(Evidence {
        map: (0..32 * 24).map(|i| i as f32 / (32.0 * 24.0)).collect(),
        map_width: 32,
        map_height: 24,
        truth: (index % 2 == 1).then(|| (0..32 * 24).map(|i| i % 32 > 20).collect()),
        regions: vec![PixelBox { left: 3, top: 4, width: 9, height: 5 }; index % 3],
        largest_region: "45 pixels of the photo".to_owned(),
        worst: Some(photo.clone()),
        nearest: Some(NearestPatch { image: Some(HOSTILE.to_owned()), cell: Some([1, 2]), distance: 0.5, crop }),
        photo,
    })
}

fn comparison() -> ComparisonPage {
    let image = |index: usize| ComparedPhoto {
        path: format!("{HOSTILE}{index}"),
        kind: HOSTILE.to_owned(),
        is_anomalous: index > 2,
        first: index as f32,
        second: 5.0 - index as f32,
    };
    let images: Vec<ComparedPhoto> = (0..6).map(image).collect();
    let interval = Some(Interval { low: -0.1, high: 0.2 });
    let metric = |metric: Metric, b| (metric.key.to_owned(), MetricDifference::new(Some(0.5), b, interval));
    let metrics = [metric(Metric::IMAGE_AUROC, Some(0.75)), metric(Metric::AUPRO_30, None)];
    let model = || EvaluatedModel { mode: HOSTILE.to_owned(), ..EvaluatedModel::default() };
    let models = [model(), EvaluatedModel { backbone: HOSTILE.to_owned(), seed: 1, ..EvaluatedModel::default() }];
    let judged = Judged::new(&images, [None, None], &Bootstrap::default()).unwrap();
    let names = [HOSTILE.to_owned(), "second".to_owned()];
    let picture = RgbImage::from_pixel(30, 20, Rgb([200, 10, 10]));
    ComparisonPage {
        comparison: Comparison::new(names, &images, &judged, metrics.into(), models).unwrap(),
        images,
        thresholds: [Some(Threshold { value: 2.5, how: HOSTILE.to_owned() }), None],
        roc: [vec![[0.0, 0.0], [1.0, 1.0]], vec![[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]],
        heat_maps: vec![[Ok(picture), Err(HOSTILE.to_owned())]],
        notes: vec![HOSTILE.to_owned()],
        facts: vec![Fact::new("command line", HOSTILE)],
        most_rows: 50,
    }
}

fn certificate() -> CertificatePage {
    let photo = |index: usize| CertifiedPhoto {
        path: format!("{HOSTILE}{index}"),
        score: index as f32,
        sha256: Some(format!("{index:064x}")),
    };
    let source = GoodScoreSource::HeldOut;
    CertificatePage {
        title: HOSTILE.to_owned(),
        model_sha256: "0".repeat(64),
        threshold: 29.0,
        calibration: Calibration { fpr: 0.1, confidence: 0.95, n: 30, rank: 1, source },
        pixel_threshold: Some(31.0),
        look_again: Some(patchcore_metrics::threshold::Threshold::manual(25.5)),
        photos: (0..30).map(photo).collect(),
        n_rejected: 1,
        model: vec![Fact::new(HOSTILE, HOSTILE)],
        made: vec![Fact::new("command line", HOSTILE)],
    }
}

fn all() -> [String; 3] {
    [page().render(&mut evidence).unwrap(), comparison().render().unwrap(), certificate().render().unwrap()]
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for html in all() {
        assert!(html.contains("Content-Security-Policy\" content=\"default-src 'none'; img-src data:;"));
        for tag in tags(&html) {
            assert!(!["script", "iframe", "object", "embed", "base", "form"].contains(&tag.name.as_str()), "{tag:?}");
            for (name, value) in &tag.attributes {
                assert!(!name.starts_with("on"), "{tag:?}");
                if ["src", "href", "srcset", "xlink:href", "action", "poster"].contains(&name.as_str()) {
                    assert!(value.starts_with("data:") || value.starts_with('#'), "{name}={value:.80}");
                }
            }
        }
        let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        assert!(!style.contains("url(") && !style.contains("@import"));
    }
}

#[test]
fn hostile_names_stay_text() {
    for html in all() {
        assert!(!html.contains("<script") && !html.contains("<img src=http"), "a name became markup");
        assert!(html.contains("&#60;script&#62;alert(1)"), "the name is not shown");
        assert!(html.contains("{{ 7 }}"));
    }
}

#[test]
fn a_screen_reader_finds_its_way() {
    for html in all() {
        let tags = tags(&html);
        let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
        assert_eq!((count("h1"), count("main"), count("header"), count("nav"), count("footer")), (1, 1, 1, 1, 1));
        assert!(tags.iter().any(|tag| tag.name == "html" && tag.get("lang") == Some("en")));
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let unique: HashSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{ids:?}");
        for tag in &tags {
            for target in tag.get("href").and_then(|href| href.strip_prefix('#')).into_iter() {
                assert!(unique.contains(target), "a link leads nowhere: {target}");
            }
            for target in tag.get("aria-labelledby").unwrap_or_default().split_whitespace() {
                assert!(unique.contains(target), "a label is missing: {target}");
            }
            match tag.name.as_str() {
                "img" => assert!(tag.get("alt").is_some_and(|alt| alt.len() > 10), "{tag:?}"),
                "th" => assert!(tag.get("scope").is_some(), "{tag:?}"),
                "svg" => assert!(tag.get("role") == Some("img") && tag.get("aria-labelledby").is_some(), "{tag:?}"),
                _ => {}
            }
        }
        let levels: Vec<u8> = tags.iter().filter_map(|tag| tag.name.strip_prefix('h')?.parse().ok()).collect();
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "a heading level is skipped: {levels:?}");
    }
}

#[test]
fn the_tables_hold_every_metric_and_the_captions_its_value() {
    let html = page().render(&mut evidence).unwrap();
    for metric in METRICS {
        // The two beside the counts stand in two tables.
        let tables = if [Metric::IMAGE_AUROC, Metric::AUPRO_05].contains(&metric) { 2 } else { 1 };
        let heading = format!("<th scope=\"col\" role=\"columnheader\">{}</th>", metric.label);
        assert_eq!(html.matches(&heading).count(), tables);
        // One kind and all images.
        assert_eq!(html.matches(&format!("data-name=\"{}\"", metric.label)).count(), 2 * tables);
    }
    assert!(html.contains("<dt>image AUROC</dt><dd>90.00\u{a0}% <small>80.0\u{a0}to\u{a0}95.0</small></dd>"));
    assert!(
        html.contains("<dt>image AP</dt><dd>90.00\u{a0}% <small>too few photos to say</small></dd>")
            && html.contains("<dt>AUPRO 0.3</dt><dd>–</dd>")
    );
    assert!(html.contains("of the images; area 90.00\u{a0}%.") && html.contains("AUPRO up to 0.05 is –, up to 0.3 –."));
    assert!(html.contains("AUPIMO from 1e-5 to 1e-4 is –.") && html.contains(">1e-5</text>"));
    // At 3.5: of four good images 4 and 6 are called defective, of three defective ones with a score 7.
    let cells = |row: &str| html.split_once(row).unwrap().1.split_once("</tr>").unwrap().0.to_owned();
    assert_eq!(cells("<tr><th scope=\"row\">good</th>"), "<td>2</td><td>2</td>");
    assert_eq!(cells("<tr><th scope=\"row\">defective</th>"), "<td>2</td><td>1</td>");
}

#[test]
fn the_first_screen_says_what_was_found_and_leads_to_what_was_not() {
    let html = page().render(&mut evidence).unwrap();
    let summary = html.split_once("<section aria-labelledby=\"summary\">").unwrap().1;
    let summary = summary.split_once("</section>").unwrap().0;
    let said = "Found 1 of 3 defective parts (33 %, 1 to 91 %). Rejected 2 of 4 good ones (50 %, 7 to 93 %).";
    assert!(summary.contains(said), "{summary}");
    // Good 4 and 6 are above 3.5; defective 1 and 3 are below.
    let links: Vec<String> = tags(summary).iter().filter_map(|tag| tag.get("href").map(ToOwned::to_owned)).collect();
    assert_eq!(links, ["#card-6", "#card-4", "#card-1", "#card-3"]);
    // Of each kind the counts, before any metric.
    let kinds = html.split_once("<section aria-labelledby=\"kinds\">").unwrap().1;
    let kinds = kinds.split_once("</section>").unwrap().0;
    assert_eq!(kinds.matches("<td role=\"cell\" data-name=\"found\">1 of 3<br>").count(), 2, "{kinds}");
    assert_eq!(kinds.matches("data-name=\"worst place on the defect\">2 of 3<br>").count(), 2);
    // With one card in a gallery the rest is counted, and only there.
    let one = EvaluationPage { gallery_size: 1, ..page() }.render(&mut evidence).unwrap();
    assert_eq!(one.matches(">and 1 more</a>").count(), 2);
    assert_eq!((one.matches("Shown are 1 of 2.").count(), one.matches("Shown are").count()), (2, 2));
    // What metrics.json says is said here, in the same words.
    let mut told = page();
    told.results.sentence = Some("As it is written there.".to_owned());
    assert!(told.render(&mut evidence).unwrap().contains("<p class=\"lead\">As it is written there.</p>"));
}

#[test]
fn two_thresholds_make_three_classes() {
    let look_again = Some(Threshold { value: 1.5, how: "somebody looks".to_owned() });
    let html = EvaluationPage { look_again, ..page() }.render(&mut evidence).unwrap();
    // Above 1.5 and up to 3.5 are good 2 and defective 3.
    assert!(html.contains(" To look at again: 1 defective, 1 good.</p>"), "the sentence");
    let cells = |row: &str| html.split_once(row).unwrap().1.split_once("</tr>").unwrap().0.to_owned();
    assert_eq!(cells("<tr><th scope=\"row\">good</th>"), "<td>1</td><td>1</td><td>2</td>");
    assert_eq!(cells("<tr><th scope=\"row\">defective</th>"), "<td>1</td><td>1</td><td>1</td>");
    assert!(html.contains("<th scope=\"col\">look again</th>") && html.contains("called one to look at again: score"));
    assert!(html.contains("data-name=\"called\">look again</td>"));
}

#[test]
fn pictures_are_enlarged_in_their_place_and_closed_again() {
    let html = page().render(&mut evidence).unwrap();
    let tags = tags(&html);
    let zoomed: Vec<&str> =
        tags.iter().filter(|tag| tag.get("class") == Some("zoom")).filter_map(|tag| tag.get("id")).collect();
    assert_eq!(zoomed.len(), tags.iter().filter(|tag| tag.name == "img").count());
    let links = |class: &str| -> Vec<&str> {
        tags.iter().filter(|tag| tag.get("class") == Some(class)).filter_map(|tag| tag.get("href")).collect()
    };
    assert_eq!(links("open"), zoomed.iter().map(|id| format!("#{id}")).collect::<Vec<String>>());
    let cards: Vec<String> = zoomed.iter().map(|id| format!("#{}", id.rsplit_once('-').unwrap().0)).collect();
    assert_eq!(links("close"), cards);
    assert!(html.contains(".zoom:target{position:fixed"));
    // Of the images with a photo, 3, 4 and 6 are called what they are not: there the map stands alone too.
    assert_eq!(html.matches("<figcaption>the map alone</figcaption>").count(), 3);
}

#[test]
fn changed_conditions_have_their_sentence_chart_and_table() {
    let html = page().render(&mut evidence).unwrap();
    let section = html.split_once("<section aria-labelledby=\"stress\">").unwrap().1;
    let section = section.split_once("</section>").unwrap().0;
    assert!(html.contains("<a href=\"#stress\">") && section.contains("4 of 9 good photos and all 2 defective photos"));
    assert!(section.contains("1 more could not be scored") && section.contains("threshold 3.50: set by hand"));
    let chart = section.split_once("<svg").unwrap().1.split_once("</svg>").unwrap().0;
    // The photos as they are stand between half and one and a half times the light.
    assert!(
        chart.contains("x0.5: 75 % false alarms, 50 % misses; as is: 25 % false alarms, 0 % misses; x1.5: 25 %"),
        "{chart}"
    );
    assert_eq!(chart.matches("<circle").count(), 4);
    let cells = |row: usize| -> Vec<String> {
        let row = section.split("<tr role=\"row\"><th scope=\"row\"").nth(row).unwrap();
        row.split("<td")
            .skip(1)
            .map(|cell| cell.split_once('>').unwrap().1.split('<').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(cells(1), ["100.0\u{a0}%", "1 of 4", "0 of 2", "x1.00", "–"]);
    // 4, 4, 2 and 5 against 3 and 9: 5 of 8 pairs; the median is 4 instead of 2.
    assert_eq!(cells(2), ["62.5\u{a0}%", "3 of 4", "1 of 2", "x2.00", "too few"]);
    assert!(section.contains("19 to 99\u{a0}%"), "3 of 4");
    let without = EvaluationPage { stress: None, ..page() };
    assert!(!without.render(&mut evidence).unwrap().contains("stress"));
}

#[test]
fn pictures_say_score_and_verdict() {
    let html = page().render(&mut evidence).unwrap();
    let alts: Vec<String> = tags(&html)
        .iter()
        .filter(|tag| tag.name == "img")
        .filter_map(|tag| tag.get("alt").map(str::to_owned))
        .collect();
    let heat = alts.iter().find(|alt| alt.starts_with("Heat map")).unwrap();
    assert!(heat.contains("score") && heat.contains("threshold 3.50") && heat.contains("called"), "{heat}");
    // 8 images, one of them without a score: two false alarms (4, 6), two misses (1, 3), two of the rest.
    assert_eq!(html.matches("<li id=\"card-").count(), 6);
    assert!(html.contains("The photo cannot be shown:") && html.contains("The training photo"));
}

#[test]
fn a_set_of_one_class_is_a_page_too() {
    let page = EvaluationPage {
        images: page().images.into_iter().filter(|image| !image.is_anomalous).collect(),
        image_threshold: None,
        pixel_threshold: None,
        roc: Vec::new(),
        pr: Vec::new(),
        pro: Vec::new(),
        pimo: Vec::new(),
        ..page()
    };
    let html = page.render(&mut evidence).unwrap();
    assert!(html.contains("There is no threshold") && html.contains("Highest scores"));
    assert!(!html.contains("NaN") && !html.contains("inf"));
    tags(&html);
    let empty = EvaluationPage { images: Vec::new(), ..page };
    tags(&empty.render(&mut evidence).unwrap());
}

#[test]
fn the_page_and_its_pictures_stay_small() {
    let images = (0..100).map(|index| ImageRow {
        path: format!("{index}.png"),
        kind: "good".to_owned(),
        is_anomalous: false,
        score: Some(index as f32),
        error: None,
    });
    let page = EvaluationPage { images: images.collect(), gallery_size: 8, ..page() };
    let mut asked = Vec::new();
    let photo = RgbImage::from_fn(700, 500, |x, y| image::Rgb([(x ^ y) as u8, ((x * y) >> 4) as u8, (x + y) as u8]));
    let mut large = |index| {
        asked.push(index);
        Ok(Evidence {
            photo: photo.clone(),
            map: vec![0.2; 4],
            map_width: 2,
            map_height: 2,
            truth: None,
            regions: vec![],
            largest_region: String::new(),
            worst: None,
            nearest: None,
        })
    };
    let html = page.render(&mut large).unwrap();
    assert_eq!(asked.len(), 16, "eight false alarms and eight borderline cases");
    // Of noise, which JPEG cannot make small; reports of real photos have 1 to 2 MB.
    assert!(html.len() < 6_000_000, "{} bytes", html.len());
}
