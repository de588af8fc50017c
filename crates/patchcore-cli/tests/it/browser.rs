//! A page in headless Chromium: what it measures at a width, what it would load from elsewhere, and how it is printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Chromium, or a printed "skipped".
pub fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("PATCHCORE_CHROMIUM").map(PathBuf::from);
    let found = named.unwrap_or_else(|| PathBuf::from("/usr/bin/chromium"));
    if !found.exists() {
        println!("skipped: no Chromium at {} (set PATCHCORE_CHROMIUM)", found.display());
        return None;
    }
    Some(found)
}

/// Reads the page inside a frame: the frame decides about its width, whatever the window's least is. Contrast: the smallest ratio of a
/// text to what lies behind it (WCAG 2, 1.4.3).
const PROBE: &str = r#"<!DOCTYPE html><html><body><script>
const frame = document.createElement('iframe');
frame.style.cssText = 'width:WIDTHpx;height:800px;border:0';
frame.srcdoc = PAGE;
frame.onload = () => {
  const inside = frame.contentDocument, all = (what) => [...inside.querySelectorAll(what)];
  all('details').forEach(details => details.open = true);
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => channels(color).slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
  const style = (element) => frame.contentWindow.getComputedStyle(element);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = style(at).backgroundColor, [, , , alpha] = channels(color);
      if (alpha === undefined || alpha > 0) return color;
    }
    return 'rgb(255,255,255)';
  };
  const ratio = (element) => {
    const own = element.closest('svg') ? style(element).fill : style(element).color;
    const [low, high] = [light(own), light(behind(element))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const written = all('body *').filter(element => element.getClientRects().length
    && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && !element.closest('style,title,desc'));
  const first = all('a,button,summary,[tabindex]')[0];
  const found = {
    width: inside.documentElement.clientWidth,
    needs: inside.documentElement.scrollWidth,
    loads: frame.contentWindow.performance.getEntriesByType('resource').map(entry => entry.name),
    landmarks: ['header', 'nav', 'main', 'footer'].map(name => all(name).length),
    headings: all('h1').length,
    blank: all('img').filter(image => !image.complete || image.naturalWidth === 0).length,
    images: all('img').length,
    charts: all('svg').map(chart => chart.getBoundingClientRect().width),
    skip: first.getAttribute('href'),
    text: inside.body.innerText.length,
    contrast: Math.min(...written.map(ratio)),
    written: written.length,
    broken: all('.kinds tbody th').map(cell => {
      const text = inside.createRange();
      text.selectNodeContents(cell);
      return new Set([...text.getClientRects()].map(line => Math.round(line.top))).size;
    }),
  };
  const result = document.createElement('pre');
  result.id = 'found';
  result.textContent = JSON.stringify(found);
  document.body.replaceChildren(result);
};
document.body.append(frame);
</script></body></html>"#;

/// [`probe_at`] the width of a phone, in light.
pub fn probe(chromium: &Path, page: &str, folder: &Path) -> Value {
    probe_at(chromium, page, folder, 360)
}

/// The page as it is in the dark.
pub fn in_the_dark(page: &str) -> String {
    let (light, dark) = ("@media (prefers-color-scheme:dark)", "@media all");
    assert!(page.contains(light), "no colours for the dark");
    page.replace(light, dark)
}

/// Renders a page of so many pixels across and reads what the probe found. The page's policy, which would hide attempts to load, is
/// taken out.
pub fn probe_at(chromium: &Path, page: &str, folder: &Path, width: u32) -> Value {
    let start = page.find("<meta http-equiv=\"Content-Security-Policy\"").expect("a content security policy");
    let end = start + page[start..].find('>').unwrap() + 1;
    let open = format!("{}{}", &page[..start], &page[end..]);
    // A `</script>` inside the text would end the probe's own script.
    let quoted = serde_json::to_string(&open).unwrap().replace("</", "<\\/").replace("<!--", "<\\!--");
    let file = folder.join("probe.html");
    fs::write(&file, PROBE.replace("WIDTH", &width.to_string()).replace("PAGE", &quoted)).unwrap();
    let profile = tempfile::tempdir_in(folder).unwrap();
    let output = headless(chromium, profile.path())
        .args(["--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let found = dom.split_once("id=\"found\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (found, _) = found.unwrap_or_else(|| {
        panic!("the page did not load: {:.400} {:.400}", dom, String::from_utf8_lossy(&output.stderr))
    });
    serde_json::from_str(&found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).unwrap()
}

fn headless(chromium: &Path, profile: &Path) -> Command {
    let mut command = Command::new(chromium);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg("--disable-dev-shm-usage")
        .arg(format!("--user-data-dir={}", profile.display()));
    command
}

/// A line of a printed page: how far below its top, and the words from left to right.
#[derive(Debug)]
pub struct Line {
    pub top: f64,
    pub words: Vec<String>,
}

/// The lines of each page that a page is printed on; `None`, which is printed, without `pdftotext`.
pub fn printed(chromium: &Path, page: &Path, folder: &Path) -> Option<Vec<Vec<Line>>> {
    let (pdf, profile) = (folder.join("printed.pdf"), tempfile::tempdir_in(folder).unwrap());
    let mut command = headless(chromium, profile.path());
    command.arg("--no-pdf-header-footer").arg(format!("--print-to-pdf={}", pdf.display()));
    let output = command.arg(format!("file://{}", page.display())).output().unwrap();
    assert!(pdf.exists(), "nothing was printed: {}", String::from_utf8_lossy(&output.stderr));
    let Ok(output) = Command::new("pdftotext").arg("-bbox").args([&pdf, Path::new("-")]).output() else {
        println!("skipped: no pdftotext");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.split("<page ").skip(1).map(lines).collect())
}

/// Words whose tops lie within a third of a line of text are in one line.
fn lines(page: &str) -> Vec<Line> {
    let words = page.lines().filter_map(|line| line.trim().strip_prefix("<word "));
    let mut placed: Vec<(f64, f64, String)> = words
        .map(|word| {
            let number = |name: &str| -> f64 {
                let after = word.split_once(&format!("{name}=\"")).unwrap().1;
                after.split_once('"').unwrap().0.parse().unwrap()
            };
            let text = word.split_once('>').unwrap().1.trim_end_matches("</word>").to_owned();
            (number("yMin"), number("xMin"), text)
        })
        .collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut lines: Vec<Vec<(f64, f64, String)>> = Vec::new();
    for word in placed {
        match lines.last_mut().filter(|line| word.0 - line[0].0 < 3.0) {
            Some(line) => line.push(word),
            None => lines.push(vec![word]),
        }
    }
    let in_order = |mut line: Vec<(f64, f64, String)>| {
        line.sort_by(|a, b| a.1.total_cmp(&b.1));
        Line { top: line[0].0, words: line.into_iter().map(|word| word.2).collect() }
    };
    lines.into_iter().map(in_order).collect()
}
