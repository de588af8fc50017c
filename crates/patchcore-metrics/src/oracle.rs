//! Every metric again, slow and obvious: each threshold counts the whole input from scratch. Tests only.

use super::LabelledMap;

/// Distinct scores, highest first.
fn thresholds(scores: &[f32]) -> Vec<f32> {
    let mut distinct = scores.to_vec();
    distinct.sort_by(|a, b| b.total_cmp(a));
    distinct.dedup_by(|a, b| a == b);
    distinct
}

/// (false positives, true positives) at `score >= threshold`.
fn count(scores: &[f32], labels: &[bool], threshold: f32) -> (f64, f64) {
    let called =
        |label: bool| scores.iter().zip(labels).filter(|&(&s, &l)| l == label && s >= threshold).count() as f64;
    (called(false), called(true))
}

/// (fpr, tpr, threshold) per distinct score, after (0, 0, inf).
pub(super) fn roc_curve(scores: &[f32], labels: &[bool]) -> Vec<(f64, f64, f32)> {
    let (normal, anomalous) = count(scores, labels, f32::NEG_INFINITY);
    let mut points = vec![(0.0, 0.0, f32::INFINITY)];
    for threshold in thresholds(scores) {
        let (fp, tp) = count(scores, labels, threshold);
        points.push((fp / normal, tp / anomalous, threshold));
    }
    points
}

/// Share of correctly ordered pairs, ties half.
pub(super) fn auroc(scores: &[f32], labels: &[bool]) -> f64 {
    let (mut ordered, mut pairs) = (0.0, 0.0);
    for (&positive, _) in scores.iter().zip(labels).filter(|(_, l)| **l) {
        for (&negative, _) in scores.iter().zip(labels).filter(|(_, l)| !**l) {
            pairs += 1.0;
            ordered += if positive > negative {
                1.0
            } else if positive == negative {
                0.5
            } else {
                0.0
            };
        }
    }
    ordered / pairs
}

/// Sum of precision times gained recall.
pub(super) fn average_precision(scores: &[f32], labels: &[bool]) -> f64 {
    let (_, anomalous) = count(scores, labels, f32::NEG_INFINITY);
    let (mut sum, mut last_recall) = (0.0, 0.0);
    for threshold in thresholds(scores) {
        let (fp, tp) = count(scores, labels, threshold);
        sum += (tp / anomalous - last_recall) * (tp / (tp + fp));
        last_recall = tp / anomalous;
    }
    sum
}

/// Largest harmonic mean of precision and recall.
pub(super) fn f1_max(scores: &[f32], labels: &[bool]) -> f64 {
    let (_, anomalous) = count(scores, labels, f32::NEG_INFINITY);
    let f1 = |threshold: &f32| {
        let (fp, tp) = count(scores, labels, *threshold);
        let (precision, recall) = (tp / (tp + fp), tp / anomalous);
        if tp == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
    };
    thresholds(scores).iter().map(f1).fold(0.0, f64::max)
}

/// F1 at one threshold.
pub(super) fn f1_at(scores: &[f32], labels: &[bool], threshold: f32) -> f64 {
    let (_, anomalous) = count(scores, labels, f32::NEG_INFINITY);
    let (fp, tp) = count(scores, labels, threshold);
    2.0 * tp / (tp + fp + anomalous)
}

/// Regions as lists of pixel indices, by flood fill from each unseen pixel in raster order.
pub(super) fn regions(mask: &[bool], width: usize, height: usize) -> Vec<Vec<usize>> {
    let mut seen = vec![false; mask.len()];
    let mut regions = Vec::new();
    for start in 0..mask.len() {
        if !mask[start] || seen[start] {
            continue;
        }
        let (mut region, mut stack) = (Vec::new(), vec![start]);
        seen[start] = true;
        while let Some(pixel) = stack.pop() {
            region.push(pixel);
            for y in (pixel / width).saturating_sub(1)..=(pixel / width + 1).min(height - 1) {
                for x in (pixel % width).saturating_sub(1)..=(pixel % width + 1).min(width - 1) {
                    let neighbour = y * width + x;
                    if mask[neighbour] && !seen[neighbour] {
                        seen[neighbour] = true;
                        stack.push(neighbour);
                    }
                }
            }
        }
        regions.push(region);
    }
    regions
}

/// Mean overlap at each threshold, then the area of the curve cut at the limit.
pub(super) fn aupro(maps: &[LabelledMap<'_>], limit: f64) -> f64 {
    let all: Vec<f32> = maps.iter().flat_map(|map| map.scores.iter().copied()).collect();
    let mut points = vec![(0.0, 0.0)];
    for threshold in thresholds(&all) {
        let (mut false_positives, mut normal) = (0.0, 0.0);
        let mut overlaps = Vec::new();
        for map in maps {
            let no_defect = vec![false; map.scores.len()];
            let mask = map.mask.unwrap_or(&no_defect);
            normal += mask.iter().filter(|m| !**m).count() as f64;
            false_positives += mask.iter().zip(map.scores).filter(|&(m, s)| !m && *s >= threshold).count() as f64;
            for region in regions(mask, map.width, map.height) {
                let hits = region.iter().filter(|&&pixel| map.scores[pixel] >= threshold).count();
                overlaps.push(hits as f64 / region.len() as f64);
            }
        }
        points.push((false_positives / normal, overlaps.iter().sum::<f64>() / overlaps.len() as f64));
    }
    let mut area = 0.0;
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        if x1 > x0 && x0 < limit {
            let x = x1.min(limit);
            let y = y0 + (y1 - y0) * (x - x0) / (x1 - x0);
            area += (x - x0) * (y0 + y) / 2.0;
        }
    }
    area / limit
}

/// The pixels of a map that count, with whether they are defective.
fn counting(map: &LabelledMap<'_>) -> Vec<(f32, bool)> {
    let counts = |pixel: &usize| map.inside.is_none_or(|inside| inside[*pixel]);
    let entry = |pixel| (map.scores[pixel], map.mask.is_some_and(|mask| mask[pixel]));
    (0..map.scores.len()).filter(counts).map(entry).collect()
}

/// (mean rate over the good images, overlap of each defective image) at each distinct score, highest first; `None` without
/// one of them.
pub(super) fn pimo(maps: &[LabelledMap<'_>]) -> Option<Vec<(f64, Vec<f64>)>> {
    let images: Vec<Vec<(f32, bool)>> = maps.iter().map(counting).filter(|pixels| !pixels.is_empty()).collect();
    let is_good = |pixels: &&Vec<(f32, bool)>| pixels.iter().all(|(_, defective)| !defective);
    let (good, defective): (Vec<_>, Vec<_>) = images.iter().partition(is_good);
    if good.is_empty() || defective.is_empty() {
        return None;
    }
    let share = |pixels: &[(f32, bool)], of: bool, threshold: f32| {
        let all: Vec<f32> = pixels.iter().filter(|(_, is)| *is == of).map(|(score, _)| *score).collect();
        all.iter().filter(|score| **score >= threshold).count() as f64 / all.len() as f64
    };
    let all: Vec<f32> = images.iter().flatten().map(|(score, _)| *score).collect();
    let at = |threshold: f32| {
        let rate = good.iter().map(|pixels| share(pixels, false, threshold)).sum::<f64>() / good.len() as f64;
        (rate, defective.iter().map(|pixels| share(pixels, true, threshold)).collect())
    };
    Some(thresholds(&all).into_iter().map(at).collect())
}

/// The mean area under the curves over ln(rate), level below the first rate.
pub(super) fn aupimo(maps: &[LabelledMap<'_>], [lower, upper]: [f64; 2]) -> Option<f64> {
    let points = pimo(maps)?;
    let area_of = |image: usize| {
        let (mut area, mut before) = (0.0, (0.0_f64, 0.0));
        for (rate, overlaps) in &points {
            let (left, right) = (before.0.max(lower), rate.min(upper));
            if left < right {
                let height = |at: f64| match before {
                    (0.0, level) => level,
                    (from, low) => low + (overlaps[image] - low) * (at / from).ln() / (rate / from).ln(),
                };
                area += (right / left).ln() * (height(left) + height(right)) / 2.0;
            }
            before = (*rate, overlaps[image]);
        }
        area / (upper / lower).ln()
    };
    let images = points[0].1.len();
    Some((0..images).map(area_of).sum::<f64>() / images as f64)
}

/// (mean share above the threshold, share touched) of all regions of masks without a region of interest.
pub(super) fn region_recall(maps: &[LabelledMap<'_>], threshold: f32) -> Option<(f64, f64)> {
    let mut shares = Vec::new();
    for map in maps {
        for region in map.mask.map_or_else(Vec::new, |mask| regions(mask, map.width, map.height)) {
            let above = region.iter().filter(|&&pixel| map.scores[pixel] > threshold).count();
            shares.push(above as f64 / region.len() as f64);
        }
    }
    let count = shares.len() as f64;
    let touched = shares.iter().filter(|share| **share > 0.0).count() as f64;
    (count > 0.0).then(|| (shares.iter().sum::<f64>() / count, touched / count))
}

/// Covariance of two AUROCs: placements by counting pairs, then their sample covariances.
pub(super) fn delong_covariance(first: &[f32], second: &[f32], labels: &[bool]) -> f64 {
    let kernel = |positive: f32, negative: f32| match positive.total_cmp(&negative) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    };
    let members = |class: bool| (0..labels.len()).filter(|&i| labels[i] == class).collect::<Vec<_>>();
    let (positives, negatives) = (members(true), members(false));
    let covariance = |these: &[usize], those: &[usize], anomalous: bool| {
        let placement = |scores: &[f32], this: usize| {
            let pair = |that: usize| {
                if anomalous { kernel(scores[this], scores[that]) } else { kernel(scores[that], scores[this]) }
            };
            those.iter().map(|&that| pair(that)).sum::<f64>() / those.len() as f64
        };
        let pairs: Vec<(f64, f64)> =
            these.iter().map(|&this| (placement(first, this), placement(second, this))).collect();
        let count = pairs.len() as f64;
        let (a, b) = (pairs.iter().map(|p| p.0).sum::<f64>() / count, pairs.iter().map(|p| p.1).sum::<f64>() / count);
        pairs.iter().map(|p| (p.0 - a) * (p.1 - b)).sum::<f64>() / (count - 1.0) / count
    };
    covariance(&positives, &negatives, true) + covariance(&negatives, &positives, false)
}
