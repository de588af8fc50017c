//! A strict reader of the markup that our templates write: every tag closed in order, every attribute quoted.

/// A start tag with its attributes, unescaped enough for tests.
#[derive(Debug)]
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

const VOID: [&str; 5] = ["meta", "link", "img", "br", "!doctype"];

/// All tags of a document; panics where it is not well formed.
pub fn tags(html: &str) -> Vec<Tag> {
    let (mut tags, mut open) = (Vec::new(), Vec::<String>::new());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a bare > before {:.60}", &rest[start..]);
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix('/') {
            let end = after.find('>').unwrap();
            assert_eq!(open.pop().as_deref(), Some(&after[..end]), "closed out of order");
            rest = &after[end + 1..];
            continue;
        }
        let end = end_of_tag(rest);
        let (inside, closed) = match rest[..end].strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (&rest[..end], false),
        };
        let tag = tag(inside);
        rest = &rest[end + 1..];
        if tag.name == "style" {
            let end = rest.find("</style>").unwrap();
            rest = &rest[end + "</style>".len()..];
        } else if !closed && !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        tags.push(tag);
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    tags
}

fn end_of_tag(text: &str) -> usize {
    let mut quoted = false;
    text.char_indices()
        .find(|&(_, c)| {
            quoted ^= c == '"';
            c == '>' && !quoted
        })
        .expect("a tag that ends")
        .0
}

fn tag(text: &str) -> Tag {
    let (name, mut rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let mut attributes = Vec::new();
    while !rest.trim_start().is_empty() {
        rest = rest.trim_start();
        let Some((key, after)) = rest.split_once("=\"") else {
            assert!(rest.chars().all(|c| c.is_ascii_alphabetic()), "attribute {rest}");
            attributes.push((rest.to_owned(), String::new()));
            break;
        };
        assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "attribute {key}");
        let (value, after) = after.split_once('"').unwrap();
        attributes.push((key.to_owned(), value.to_owned()));
        rest = after;
    }
    Tag { name: name.to_ascii_lowercase(), attributes }
}
