//! Searches against slow models, and the corners of Python's rules one by one.

use super::*;
use crate::checks::{Check, Random};

fn parts(split: Split<'_, Wtf8>) -> Vec<String> {
    split.map(|part| part.to_string()).collect()
}

fn words(list: Vec<&Wtf8>) -> Vec<String> {
    list.into_iter().map(ToString::to_string).collect()
}

fn w(text: &str) -> &Wtf8 {
    Wtf8::new(text)
}

fn replaced(text: &str, old: &str, new: &str, limit: Option<usize>) -> Option<String> {
    replace(w(text), w(old), w(new), limit).unwrap().map(|text| text.to_string())
}

#[test]
fn empty_needles() {
    assert_eq!(find(w("abc"), w("")), Some(0));
    assert_eq!(rfind(w("aé"), w("")), Some(3));
    assert_eq!(count(w("aé€"), w("")), 4);
    assert_eq!(count::<[u8]>(b"abc", b""), 4);
    assert_eq!(replaced("aé", "", "-", None).as_deref(), Some("-a-é-"));
    assert_eq!(replaced("abc", "", "-", Some(2)).as_deref(), Some("-a-bc"));
    assert_eq!(replaced("", "", "-", Some(1)).as_deref(), Some("-"));
    assert_eq!(replaced("abc", "", "", None), None);
}

#[test]
fn counting_and_replacing() {
    assert_eq!(count(w("aaaa"), w("aa")), 2);
    assert_eq!(replaced("aaa", "aa", "b", None).as_deref(), Some("ba"));
    assert_eq!(replaced("banana", "a", "", Some(2)).as_deref(), Some("bnna"));
    assert_eq!(replaced("x", "y", "z", None), None);
    assert_eq!(replaced("é€é", "é", "ab", None).as_deref(), Some("ab€ab"));
    let long = "b".repeat(1 << 20);
    assert!(replace(w(&"a".repeat(1 << 20)), w("a"), w(&long), None).is_err());
    assert_eq!(repeat(w("ab"), usize::MAX), Err(SizeError::Overflow));
    assert_eq!(repeat(w("ab"), 3).unwrap(), "ababab");
}

#[test]
fn splitting() {
    assert_eq!(parts(split(w("a,b,,c"), w(","), None)), ["a", "b", "", "c"]);
    assert_eq!(parts(split(w("a,b,,c"), w(","), Some(1))), ["a", "b,,c"]);
    assert_eq!(parts(split(w(""), w(","), None)), [""]);
    assert_eq!(parts(split_whitespace(w("  a \u{3000} é\t "), None)), ["a", "é"]);
    assert_eq!(parts(split_whitespace(w(" a  b  c "), Some(1))), ["a", "b  c "]);
    assert_eq!(parts(split_whitespace(w("  a b "), Some(0))), ["a b "]);
    assert_eq!(parts(split_whitespace(w("   "), Some(0))), [""; 0]);
    assert_eq!(words(rsplit(w("a,b,,c"), w(","), Some(2))), ["a,b", "", "c"]);
    assert_eq!(words(rsplit(w("aaa"), w("aa"), None)), ["a", ""]);
    assert_eq!(words(rsplit_whitespace(w(" é  b\u{a0}c "), Some(1))), [" é  b", "c"]);
    assert_eq!(words(rsplit_whitespace(w(" a b "), Some(0))), [" a b"]);
    assert_eq!(words(rsplit_whitespace(w(" é 日本 "), None)), ["é", "日本"]);
}

#[test]
fn lines() {
    let list = |text: &str, keep| split_lines(w(text), keep).map(|line| line.to_string()).collect::<Vec<_>>();
    assert_eq!(list("a\r\nb\rc\n\nd", false), ["a", "b", "c", "", "d"]);
    assert_eq!(list("a\r\nb\u{2028}c\x0b\u{85}", true), ["a\r\n", "b\u{2028}", "c\x0b", "\u{85}"]);
    assert_eq!(list("", false), [""; 0]);
    let bytes: Vec<_> = split_lines::<[u8]>(b"a\x0bb\r\nc\r", true).collect();
    assert_eq!(bytes, [&b"a\x0bb\r\n"[..], b"c\r"]);
}

#[test]
fn stripping() {
    assert_eq!(strip(w(" \u{a0}é x\u{2003} "), Ends::Both), w("é x"));
    assert_eq!(strip(w("   "), Ends::Left), w(""));
    assert_eq!(strip(w(" a "), Ends::Left), w("a "));
    assert_eq!(strip(w(" a "), Ends::Right), w(" a"));
    assert_eq!(w("éxaéx").strip_set(w("xé"), Ends::Both), w("a"));
    assert_eq!(w("éxaéx").strip_set(w("xé"), Ends::Right), w("éxa"));
    assert_eq!(b"xxaxx"[..].strip_set(b"x", Ends::Left), b"axx");
    assert_eq!(strip_prefix(w("éa"), w("é")), Some(w("a")));
    assert_eq!(strip_suffix(w("éa"), w("é")), None);
}

#[test]
fn padding_and_tabs() {
    let tabs = |text: &str, size| expand_tabs(w(text), size).unwrap().to_string();
    assert_eq!(tabs("a\té\t\nb\tc", 4), "a   é   \nb   c");
    assert_eq!(tabs("a\tb", 0), "ab");
    assert_eq!(tabs("\r\t", 8), "\r        ");
    assert!(expand_tabs(w("\t\t"), usize::MAX).is_err());
    let center =
        |text: &str, width| justify(w(text), width, w("·"), Justify::Center).unwrap().map(|t| t.to_string());
    assert_eq!(center("ab", 5).as_deref(), Some("··ab·"));
    assert_eq!(center("a", 4).as_deref(), Some("·a··"));
    assert_eq!(center("abc", 3), None);
    assert_eq!(zfill(w("-1é"), 5).unwrap().unwrap(), "-001é");
    assert_eq!(zfill::<[u8]>(b"12", 1).unwrap(), None);
}

const LETTERS: [&str; 16] = [
    "a", "b", "a", " ", "é", "日", "\n", "\r", "\t", "\x1c", "\u{85}", "\u{2028}", "\u{3000}", "😀", "ab",
    "\x0b",
];

fn hex<T: Text + ?Sized>(text: &T) -> String {
    crate::ascii::to_hex(text.bytes(), None, 1)
}

fn list<'a, T: Text + ?Sized + 'a>(parts: impl IntoIterator<Item = &'a T>) -> String {
    let parts: Vec<_> = parts.into_iter().map(hex).collect();
    format!("[{}]", parts.join(","))
}

/// The parts of a text around a separator, as `partition` and `rpartition` give them.
fn around<T: Text + ?Sized>(text: &T, found: Option<(usize, usize)>, is_right: bool) -> String {
    let length = text.bytes().len();
    let (start, end) = found.unwrap_or(if is_right { (0, 0) } else { (length, length) });
    list([text.cut(0, start), text.cut(start, end), text.cut(end, length)])
}

fn answers<T: Text + ?Sized>(text: &T, needle: &T, new: &T, fill: &T, limit: i64, width: usize) -> String
where
    T::Buf: std::borrow::Borrow<T>,
{
    use std::borrow::Borrow;
    let limit = usize::try_from(limit).ok();
    let built = |changed: Option<T::Buf>| changed.map_or_else(|| hex(text), |changed| hex(changed.borrow()));
    let mut answers = vec![
        count(text, needle).to_string(),
        built(replace(text, needle, new, limit).unwrap()),
        list(split_whitespace(text, limit)),
        list(rsplit_whitespace(text, limit)),
        list(split_lines(text, false)),
        list(split_lines(text, true)),
        hex(strip(text, Ends::Both)),
        hex(strip(text, Ends::Left)),
        hex(strip(text, Ends::Right)),
        hex(text.strip_set(needle, Ends::Both)),
        hex(text.strip_set(needle, Ends::Left)),
        hex(text.strip_set(needle, Ends::Right)),
        built(Some(expand_tabs(text, width % 9).unwrap())),
        built(justify(text, width, fill, Justify::Center).unwrap()),
        built(justify(text, width, fill, Justify::Right).unwrap()),
        built(zfill(text, width).unwrap()),
        hex(strip_prefix(text, needle).unwrap_or(text)),
        hex(strip_suffix(text, needle).unwrap_or(text)),
    ];
    if !needle.bytes().is_empty() {
        answers.push(list(split(text, needle, limit)));
        answers.push(list(rsplit(text, needle, limit)));
        answers.push(around(text, partition(text, needle), false));
        answers.push(around(text, rpartition(text, needle), true));
    }
    answers.join(" ")
}

#[test]
fn searching() {
    let mut check = Check::new("searching");
    let mut random = Random(31);
    for _ in 0..20_000 {
        let mut word = |limit| {
            let length = random.below(limit);
            (0..length).map(|_| random.pick(&LETTERS)).collect::<String>()
        };
        let (text, needle, new) = (word(14), word(3), word(3));
        let (limit, width) = (random.below(5) as i64 - 1, random.below(20) as usize);
        check.line(answers(w(&text), w(&needle), w(&new), w("*"), limit, width));
        check.line(answers(text.as_bytes(), needle.as_bytes(), new.as_bytes(), b"*", limit, width));
    }
    check.finish();
}
