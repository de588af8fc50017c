//! A page in headless Chromium, at the width of a phone: what it measures there, and what it would load from elsewhere.

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

/// Reads the page inside a frame of 360 pixels: the frame decides about its width, whatever the window's least is.
const PROBE: &str = r#"<!DOCTYPE html><html><body><script>
const frame = document.createElement('iframe');
frame.style.cssText = 'width:360px;height:800px;border:0';
frame.srcdoc = PAGE;
frame.onload = () => {
  const inside = frame.contentDocument, all = (what) => [...inside.querySelectorAll(what)];
  all('details').forEach(details => details.open = true);
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
  };
  const result = document.createElement('pre');
  result.id = 'found';
  result.textContent = JSON.stringify(found);
  document.body.replaceChildren(result);
};
document.body.append(frame);
</script></body></html>"#;

/// Renders a page and reads what the probe found. The page's policy, which would hide attempts to load, is taken out.
pub fn probe(chromium: &Path, page: &str, folder: &Path) -> Value {
    let start = page.find("<meta http-equiv=\"Content-Security-Policy\"").expect("a content security policy");
    let end = start + page[start..].find('>').unwrap() + 1;
    let open = format!("{}{}", &page[..start], &page[end..]);
    // A `</script>` inside the text would end the probe's own script.
    let quoted = serde_json::to_string(&open).unwrap().replace("</", "<\\/").replace("<!--", "<\\!--");
    let file = folder.join("probe.html");
    fs::write(&file, PROBE.replace("PAGE", &quoted)).unwrap();
    let profile = tempfile::tempdir_in(folder).unwrap();
    let output = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
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
