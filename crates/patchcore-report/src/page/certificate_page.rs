//! The certificate of a calibrated threshold: what it promises, on what grounds, and when that ends.

use askama::Template;
use patchcore_metrics::threshold::{Calibration, GoodScoreSource, Threshold, ThresholdOrigin, Verdict};

use super::STYLE;
use super::rows::Fact;
use crate::ReportError;
use crate::chart::{Histogram, histogram};
use crate::number::number;

/// A photo of a good part that the threshold was calibrated on.
#[derive(Debug, Clone, PartialEq)]
pub struct CertifiedPhoto {
    /// Its path.
    pub path: String,
    /// Its image score, finite.
    pub score: f32,
    /// SHA-256 of its decoded pixels in hex digits; `None` where it is not known.
    pub sha256: Option<String>,
}

/// What a certificate is made of.
#[derive(Debug, Clone)]
pub struct CertificatePage {
    /// The model's name, such as that of its file.
    pub title: String,
    /// SHA-256 of the model's file, thresholds included, in hex digits.
    pub model_sha256: String,
    /// The value, in the unit of the model's distance.
    pub threshold: f32,
    /// What it promises.
    pub calibration: Calibration,
    /// The pixel threshold, where there is one.
    pub pixel_threshold: Option<f32>,
    /// The second, lower threshold, above which a person looks again, where there is one.
    pub look_again: Option<Threshold>,
    /// The photos, in their order.
    pub photos: Vec<CertifiedPhoto>,
    /// Photos that could not be used.
    pub n_rejected: usize,
    /// What the model is.
    pub model: Vec<Fact>,
    /// How the certificate came about: when, with which program, by which command.
    pub made: Vec<Fact>,
}

#[derive(Template)]
#[template(path = "certificate.html")]
struct Page<'a> {
    style: &'static str,
    page: &'a CertificatePage,
    chart: String,
}

impl Page<'_> {
    fn number(&self, value: &f32) -> String {
        number(*value)
    }

    /// The promise in plain words.
    fn promise(&self) -> String {
        let Calibration { fpr, confidence, n, source, .. } = self.page.calibration;
        let (rate, sure) = (percent(fpr), percent(confidence));
        match source {
            GoodScoreSource::HeldOut => format!(
                "Of all good parts that are like those in the {n} photos, at most {rate} % are called defective. This holds with {sure} % \
                 confidence: of a hundred such certificates, each from {n} photos of its own, at least {sure} keep their word."
            ),
            GoodScoreSource::CrossFitted { folds } => format!(
                "No promise, but an estimate: at most about {rate} % of good parts are called defective, at {sure} % confidence. The scores \
                 come from {folds} smaller models, each fitted on a part of the photos, and not from this model."
            ),
        }
    }

    /// How the value was chosen.
    fn rule(&self) -> String {
        let Calibration { fpr, confidence, n, rank, .. } = self.page.calibration;
        let (rate, doubt) = (percent(fpr), percent(1.0 - confidence));
        let fewer = match rank - 1 {
            0 => "none".to_owned(),
            fewer => format!("{fewer} or fewer"),
        };
        format!(
            "The threshold is number {rank} of the {n} scores, the largest first. If more than {rate} % of good parts scored above it, {fewer} \
             of {n} photos would do so with a probability of at most {doubt} % (binomial distribution); no lower threshold has this."
        )
    }

    fn origin(&self) -> ThresholdOrigin {
        ThresholdOrigin::Calibrated(self.page.calibration)
    }

    fn holds_until(&self) -> &'static str {
        self.origin().holds_until()
    }

    fn verdict(&self, photo: &CertifiedPhoto) -> &'static str {
        match self.page.look_again {
            _ if photo.score > self.page.threshold => "yes",
            Some(lower) if lower.verdict(photo.score) == Verdict::Anomalous => "look again",
            _ => "no",
        }
    }
}

/// In percent, as people write it.
fn percent(share: f64) -> f64 {
    (share * 1e10).round() / 1e8
}

impl CertificatePage {
    /// Writes the page.
    ///
    /// # Errors
    /// [`ReportError::Template`], and an error for a score that is not finite.
    pub fn render(&self) -> Result<String, ReportError> {
        let good: Vec<f32> = self.photos.iter().map(|photo| photo.score).collect();
        let (id, title) = ("scores", "Scores of the good photos");
        let chart = histogram(&Histogram { id, title, good: &good, defective: &[], threshold: Some(self.threshold) })?;
        Ok(Page { style: STYLE, page: self, chart }.render()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(source: GoodScoreSource) -> CertificatePage {
        let photo = |index: usize| CertifiedPhoto {
            path: format!("good/{index:03}.png"),
            score: index as f32,
            sha256: Some(format!("{index:064x}")).filter(|_| index != 3),
        };
        CertificatePage {
            title: "part.patchcore".to_owned(),
            model_sha256: "ab".repeat(32),
            threshold: 58.0,
            calibration: Calibration { fpr: 0.05, confidence: 0.95, n: 59, rank: 1, source },
            pixel_threshold: None,
            look_again: None,
            photos: (0..59).map(photo).collect(),
            n_rejected: 2,
            model: vec![Fact::new("mode", "paper")],
            made: vec![Fact::new("written", "today")],
        }
    }

    #[test]
    fn the_promise_its_grounds_and_its_end_are_said() {
        let html = page(GoodScoreSource::HeldOut).render().unwrap();
        for needle in [
            "at most 5 % are called defective. This holds with 95 % confidence",
            "number 1 of the 59 scores, the largest first. If more than 5 % of good parts scored above it, none of 59",
            "calibrate again after any change",
            &"ab".repeat(32),
            &format!("{:064x}", 58),
            "not known",
            "2 photos could not be used",
            "Scores of the good photos",
            "content=\"patchcore certificate\"",
        ] {
            assert!(html.contains(needle), "{needle}");
        }
        let html = page(GoodScoreSource::CrossFitted { folds: 5 }).render().unwrap();
        assert!(html.contains("No promise, but an estimate") && html.contains("5 smaller models"), "{html}");
    }

    #[test]
    fn a_second_threshold_has_its_own_promise() {
        let without = page(GoodScoreSource::HeldOut).render().unwrap();
        assert!(!without.contains("look again") && !without.contains("looked at again"), "{without}");
        let source = GoodScoreSource::HeldOut;
        let lower = Calibration { fpr: 0.2, confidence: 0.95, n: 59, rank: 7, source };
        let look_again = Some(Threshold { value: 52.5, origin: ThresholdOrigin::Calibrated(lower) });
        let html = CertificatePage { look_again, n_rejected: 1, ..page(source) }.render().unwrap();
        for needle in [
            "A photo is looked at again, by a person, at a score above <strong>52.5</strong>",
            "at most 20 % false alarms with 95 % confidence, 7th largest of 59 held-out scores",
            "1 photo could not be used and is not counted",
        ] {
            assert!(html.contains(needle), "{needle}: {html}");
        }
        // 53 to 58: 58 is the threshold, and good.
        assert_eq!(html.matches("data-name=\"above\">look again<").count(), 6);
        assert_eq!(html.matches("data-name=\"above\">no<").count(), 53);
    }
}
