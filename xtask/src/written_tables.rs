//! Tables in docs that a command writes: between `<!-- NAME -->` and `<!-- /NAME -->`.

use anyhow::Context;

use crate::tidy::root;

/// Replaces what stands between a pair of markers of a file of the repository.
pub fn replace(file: &str, name: &str, content: &str) -> anyhow::Result<()> {
    let path = root().join(file);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
    std::fs::write(&path, replaced(&text, name, content)?)?;
    println!("{file}: rewrote the table `{name}`");
    Ok(())
}

fn replaced(text: &str, name: &str, content: &str) -> anyhow::Result<String> {
    let (open, close) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&open).with_context(|| format!("no {open} in the file"))?;
    let (_, after) = rest.split_once(&close).with_context(|| format!("no {close} in the file"))?;
    Ok(format!("{before}{open}\n{}\n{close}{after}", content.trim()))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// What stands between a pair of markers of a file of the repository.
    pub fn written(file: &str, name: &str) -> String {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let (_, rest) = text.split_once(&format!("<!-- {name} -->")).unwrap();
        rest.split_once(&format!("<!-- /{name} -->")).unwrap().0.trim().to_owned()
    }

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let text = "a\n<!-- t -->\nold\n<!-- /t -->\nb\n";
        assert_eq!(replaced(text, "t", "new\n").unwrap(), "a\n<!-- t -->\nnew\n<!-- /t -->\nb\n");
        assert!(replaced(text, "u", "new").is_err());
    }
}
