//! A Rust file as the tokens of its code, without comments, the text of literals and test code: what the checks of
//! `unsafe` and of circles read.

/// A word, `::` or one other character, and the line it stands in. A literal is `"`, a lifetime is left out.
#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// The code of one file.
#[derive(Debug)]
pub struct Source {
    /// Without what stands under `#[cfg(test)]` or `#[test]`.
    pub tokens: Vec<Token>,
    /// Names of the child modules that stand under `#[cfg(test)]`.
    pub test_modules: Vec<String>,
}

impl Source {
    /// Reads a file's text.
    pub fn new(text: &str) -> Self {
        let all = tokens(text);
        let mut source = Self { tokens: Vec::new(), test_modules: Vec::new() };
        let mut rest = all.as_slice();
        while let Some(first) = rest.first() {
            let attribute = attribute_length(rest);
            if attribute > 0 && is_test(rest.get(..attribute).unwrap_or_default()) {
                rest = rest.get(attribute..).unwrap_or_default();
                let item = rest.get(..item_length(rest)).unwrap_or_default();
                source.test_modules.extend(declared_module(item));
                rest = rest.get(item.len()..).unwrap_or_default();
            } else {
                source.tokens.push(first.clone());
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        source
    }
}

/// Whether a file is a test or a bench by its path: below a folder of one of these names.
pub fn is_test_file(file: &str) -> bool {
    file.split('/').rev().skip(1).any(|folder| folder == "tests" || folder == "benches")
}

/// Whether a token is a name or a keyword.
pub fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Tokens up to the bracket that closes the first one, itself included; all where none does.
pub fn bracketed(tokens: &[Token]) -> &[Token] {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return tokens.get(..=at).unwrap_or(tokens);
        }
    }
    tokens
}

fn text_at(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

/// Tokens of the attribute `#[..]` at the front; 0 where none stands there.
fn attribute_length(tokens: &[Token]) -> usize {
    if text_at(tokens, 0) == "#" && text_at(tokens, 1) == "[" {
        1 + bracketed(tokens.get(1..).unwrap_or_default()).len()
    } else {
        0
    }
}

/// `#[test]`, `#[cfg(test)]`, `#[cfg(all(test, ..))]`.
fn is_test(attribute: &[Token]) -> bool {
    let text: String = attribute.iter().map(|token| token.text.as_str()).collect();
    ["#[test]", "#[cfg(test)]", "#[cfg(all(test,"].iter().any(|test| text.starts_with(test))
}

/// Tokens of the item, field or match arm at the front, its attributes included.
fn item_length(tokens: &[Token]) -> usize {
    let mut at = 0;
    loop {
        let attribute = attribute_length(tokens.get(at..).unwrap_or_default());
        if attribute == 0 {
            break;
        }
        at += attribute;
    }
    if text_at(tokens, at) == "pub" {
        at += 1;
        if text_at(tokens, at) == "(" {
            at += bracketed(tokens.get(at..).unwrap_or_default()).len();
        }
    }
    let keyword = text_at(tokens, at);
    let is_constant = keyword == "const" && !["fn", "unsafe", "async"].contains(&text_at(tokens, at + 1));
    let ends_with_semicolon = is_constant || ["use", "static", "let", "type"].contains(&keyword);
    let ends_with_comma = !ends_with_semicolon
        && !["async", "const", "enum", "extern", "fn", "impl", "macro_rules", "mod", "struct", "trait", "unsafe"]
            .contains(&keyword);
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ";" => return at + 1,
            "," if ends_with_comma => return at + 1,
            ")" | "]" | "}" => return at,
            "(" | "[" => at += bracketed(tokens.get(at..).unwrap_or_default()).len(),
            "{" => {
                at += bracketed(tokens.get(at..).unwrap_or_default()).len();
                if !ends_with_semicolon {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    tokens.len()
}

/// The module that an item declares and leaves to a file of its own.
fn declared_module(item: &[Token]) -> Option<String> {
    let [.., keyword, name, end] = item else { return None };
    (keyword.text == "mod" && end.text == ";").then(|| name.text.clone())
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let mut line = 1;
    let mut here = 0;
    while here < chars.len() {
        let start = here;
        let started = line;
        let token = match at(here) {
            '/' if at(here + 1) == '/' => {
                here += chars.iter().skip(here).take_while(|c| **c != '\n').count();
                String::new()
            }
            '/' if at(here + 1) == '*' => {
                here = end_of_comment(&chars, here);
                String::new()
            }
            '"' => {
                here = end_of_text(&chars, here);
                "\"".to_owned()
            }
            '\'' if at(here + 1) == '\\' => {
                here += 3;
                here += chars.iter().skip(here).take_while(|c| **c != '\'').count() + 1;
                "\"".to_owned()
            }
            '\'' if at(here + 2) == '\'' => {
                here += 3;
                "\"".to_owned()
            }
            '\'' => {
                here += 1 + chars.iter().skip(here + 1).take_while(|c| is_part_of_word(**c)).count();
                String::new()
            }
            ':' if at(here + 1) == ':' => {
                here += 2;
                "::".to_owned()
            }
            first if is_part_of_word(first) => {
                here += chars.iter().skip(here).take_while(|c| is_part_of_word(**c)).count();
                let word: String = chars.iter().take(here).skip(start).collect();
                let hashes = chars.iter().skip(here).take_while(|c| **c == '#').count();
                match word.as_str() {
                    "r" | "br" | "cr" if at(here + hashes) == '"' => {
                        here = end_of_raw_text(&chars, here, hashes);
                        "\"".to_owned()
                    }
                    // The name follows.
                    "r" if hashes == 1 => {
                        here += 1;
                        String::new()
                    }
                    // The text follows.
                    "b" | "c" if ['"', '\''].contains(&at(here)) => String::new(),
                    _ => word,
                }
            }
            other => {
                here += 1;
                if other.is_whitespace() { String::new() } else { other.to_string() }
            }
        };
        line += chars.iter().take(here).skip(start).filter(|c| **c == '\n').count();
        if !token.is_empty() {
            found.push(Token { text: token, line: started });
        }
    }
    found
}

fn is_part_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Past a comment that opens at `here`; such comments nest.
fn end_of_comment(chars: &[char], mut here: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(pair) = chars.get(here..here + 2) {
        match pair {
            ['/', '*'] => depth += 1,
            ['*', '/'] => depth = depth.saturating_sub(1),
            _ => {
                here += 1;
                continue;
            }
        }
        here += 2;
        if depth == 0 {
            return here;
        }
    }
    chars.len()
}

/// Past a text in quotes that opens at `here`.
fn end_of_text(chars: &[char], mut here: usize) -> usize {
    here += 1;
    while let Some(c) = chars.get(here) {
        match c {
            '\\' => here += 2,
            '"' => return here + 1,
            _ => here += 1,
        }
    }
    chars.len()
}

/// Past a raw text whose `hashes` begin at `here`.
fn end_of_raw_text(chars: &[char], here: usize, hashes: usize) -> usize {
    let mut end = here + hashes + 1;
    while let Some(c) = chars.get(end) {
        end += 1;
        if *c == '"' && chars.iter().skip(end).take(hashes).filter(|c| **c == '#').count() == hashes {
            return end + hashes;
        }
    }
    chars.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Source::new(text).tokens.into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_hold_no_code() {
        let text = r###"
            // unsafe
            /* unsafe /* nested unsafe */ unsafe */
            /// unsafe
            let a = "unsafe \" unsafe"; let b = r#"unsafe " unsafe"#; let c = b"unsafe";
            let d = ['"', '\'', '\u{41}', b'"']; let e: &'static str = x; r#type()
        "###;
        let found = words(text).join(" ");
        assert_eq!(
            found,
            "let a = \" ; let b = \" ; let c = \" ; let d = [ \" , \" , \" , \" ] ; let e : & str = x ; type ( )"
        );
    }

    #[test]
    fn tokens_know_their_line() {
        let source = Source::new("a\n/* b\n */ c::d \"\n\" e\n");
        let found: Vec<(&str, usize)> = source.tokens.iter().map(|token| (token.text.as_str(), token.line)).collect();
        assert_eq!(found, [("a", 1), ("c", 3), ("::", 3), ("d", 3), ("\"", 3), ("e", 4)]);
    }

    #[test]
    fn test_code_is_left_out() {
        let text = "
            #[cfg(test)] use a::{b, c};
            #[cfg(test)] pub(crate) mod golden;
            #[cfg(test)] const X: [u8; 2] = { [1, 2] };
            #[test] #[should_panic] fn f() -> [u8; 2] { a() }
            #[cfg(all(test, unix))] impl A { fn b() {} }
            struct S { #[cfg(test)] x: Vec<u8>, y: u8 }
            fn g() { match x { #[cfg(test)] A => b, _ => c } }
            #[cfg(not(test))] fn h() {}
            #[cfg(test)] mod tests { use super::*; }
        ";
        let source = Source::new(text);
        let found: Vec<String> = source.tokens.into_iter().map(|token| token.text).collect();
        assert_eq!(
            found.join(" "),
            "struct S { y : u8 } fn g ( ) { match x { _ = > c } } # [ cfg ( not ( test ) ) ] fn h ( ) { }"
        );
        assert_eq!(source.test_modules, ["golden"]);
    }

    #[test]
    fn a_test_file_is_known_by_its_folder() {
        for test in ["benches/src/rows/a.rs", "crates/a/tests/it/b.rs", "xtask/src/c/tests/d.rs"] {
            assert!(is_test_file(test), "{test}");
        }
        for other in ["crates/a/src/tests.rs", "crates/a/src/benches_of.rs", "fuzz/src/lib.rs"] {
            assert!(!is_test_file(other), "{other}");
        }
    }
}
