//! Checks the tables against sums computed by CPython 3.14, and the algorithms against single answers of it.

use super::checks::CHECKS;
use super::names::{Found, lookup, lookup_code_point};
use super::old::OldProperties;
use super::*;
use crate::checks::{crc_table, crc32};
use crate::wtf8::Wtf8Buf;
use normalize::{Form, is_normalized, normalize};

fn spell(text: &Wtf8) -> String {
    let units: Vec<_> = text.code_points().map(|c| format!("{:x}", c.to_u32())).collect();
    units.join(",")
}

fn around(before: &str, c: CodePoint, after: &str) -> Wtf8Buf {
    let mut text = Wtf8Buf::from(before);
    text.push(c);
    text.push_str(after);
    text
}

fn number(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.6}")).unwrap_or_default()
}

fn flags(c: CodePoint) -> String {
    let p = Properties::of(c);
    let text = Wtf8Buf::from(c);
    let flags = [
        p.is_alpha(),
        p.is_alnum(),
        p.is_decimal(),
        p.is_digit(),
        p.is_numeric(),
        case::is_lower(&text),
        case::is_upper(&text),
        case::is_title(&text),
        p.is_space(),
        is_printable(c),
        is_identifier_start(c),
        is_identifier_continue(c),
    ];
    assert_eq!(p.is_space(), crate::search::is_space(c));
    flags.iter().map(|&flag| if flag { '1' } else { '0' }).collect()
}

fn properties(p: &OldProperties) -> String {
    format!(
        "{} {} {} {} {} {} {} {}",
        p.category,
        p.bidirectional,
        p.combining,
        p.east_asian_width,
        u8::from(p.mirrored),
        number(p.decimal.map(f64::from)),
        number(p.digit.map(f64::from)),
        number(p.numeric)
    )
}

fn normal(text: &Wtf8, form: Form) -> String {
    spell(&normalize(text, form).unwrap_or_else(|| text.to_owned()))
}

fn answer(check: &str, c: CodePoint) -> String {
    let alone = Wtf8Buf::from(c);
    match check {
        "flags" => flags(c),
        "properties" => properties(&OldProperties::from_now(&Properties::of(c))),
        "old_properties" => properties(&OldProperties::of(c)),
        "lower" => spell(&case::lower(&alone)),
        "upper" => spell(&case::upper(&alone)),
        "title" => spell(&case::title(&alone)),
        "title_after" => spell(case::title(&around("a", c, "b")).slice_from(1)),
        "fold" => spell(&case::casefold(&alone)),
        "swap" => spell(&case::swap_case(&alone)),
        "sigma" => {
            let mut text = around("A", c, "\u{3a3}");
            text.push(c);
            spell(&case::lower(&text))
        }
        "sigma_after" => {
            let mut text = around("", c, "\u{3a3}");
            text.push_wtf8(&around("", c, "a"));
            spell(&case::lower(&text))
        }
        "decomposition" => normalize::decomposition(c),
        "old_decomposition" => old::decomposition(c),
        "nfd" => normal(&alone, Form::Nfd),
        "nfkd" => normal(&alone, Form::Nfkd),
        "nfc" => normal(&alone, Form::Nfc),
        "nfkc" => normal(&alone, Form::Nfkc),
        "old_nfkc" => spell(&old::normalize(&alone, Form::Nfkc)),
        "nfc_marks" => normal(&around("\u{301}", c, "\u{315}\u{323}\u{300}\u{5ae}"), Form::Nfc),
        "is_nfc" => u8::from(is_normalized(&around("e", c, ""), Form::Nfc)).to_string(),
        "name" => names::name(c).unwrap_or_default(),
        "old_name" => old::name(c).unwrap_or_default(),
        _ => panic!("unknown check {check}"),
    }
}

fn default(check: &str) -> Option<&'static str> {
    match check {
        "flags" => Some("000000000000"),
        "properties" | "old_properties" => Some("Cn  0 N 0   "),
        "decomposition" | "old_decomposition" | "name" | "old_name" => Some(""),
        _ => None,
    }
}

fn is_of_interest(code: u32) -> bool {
    let uniform = matches!(code, 0x3500..0xD700 | 0x20100..0x2F700 | 0x2FB00..);
    !uniform || code.is_multiple_of(7) && (code <= 0x32500 || code.is_multiple_of(61))
}

fn compare(part: usize) {
    let table = crc_table();
    let mut wrong = Vec::new();
    for (check, expected) in CHECKS.into_iter().skip(part).step_by(2) {
        let mut sum = 0;
        for code in (0..=0x10_FFFF).filter(|&code| is_of_interest(code)) {
            let found = answer(check, CodePoint::from_u32(code).unwrap_or_default());
            if default(check) != Some(found.as_str()) {
                sum = crc32(&table, sum, &format!("{code:x} {found}\n"));
            }
        }
        if sum != expected {
            wrong.push(check);
        }
    }
    assert!(wrong.is_empty(), "not as in CPython: {wrong:?}");
}

#[test]
fn code_points_as_in_cpython_even_checks() {
    compare(0);
}

#[test]
fn code_points_as_in_cpython_odd_checks() {
    compare(1);
}

#[test]
fn names_are_found() {
    for code in (0..=0x10_FFFF).filter(|&code| is_of_interest(code) && code % 3 == 0) {
        let c = CodePoint::from_u32(code).unwrap_or_default();
        if let Some(name) = names::name(c) {
            assert_eq!(lookup(&name), Some(Found::CodePoint(c)), "{name}");
        }
    }
    let point = |name| lookup_code_point(name).map(CodePoint::to_u32);
    assert_eq!(point("latin small letter a"), Some(0x61));
    assert_eq!(point("NULL"), Some(0));
    assert_eq!(point("BYTE ORDER MARK"), Some(0xFEFF));
    assert_eq!(point("TANGUT IDEOGRAPH-17000"), Some(0x17000));
    assert_eq!(point("hangul syllable gag"), Some(0xAC01));
    assert_eq!(point("KEYCAP DIGIT ZERO"), None);
    assert_eq!(point("CJK UNIFIED IDEOGRAPH-04E00"), None);
    assert_eq!(point("HANGUL SYLLABLE "), None);
    assert_eq!(point(""), None);
    let keycap = [0x30, 0xFE0F, 0x20E3].map(CodePoint::from_u32);
    assert_eq!(lookup("KEYCAP DIGIT ZERO"), Some(Found::Sequence([keycap[0], keycap[1], keycap[2], None])));
}

#[test]
fn words_change_case() {
    let w = |text: &str| Wtf8Buf::from(text);
    assert_eq!(case::lower(&w("ΌΣΟΣ Σ ΑΣ.")), "όσος σ ας.");
    assert_eq!(case::title(&w("they're ǆ ﬁn")), "They'Re ǅ Fin");
    assert_eq!(case::capitalize(&w("ǆABC")), "ǅabc");
    assert_eq!(case::swap_case(&w("Straße")), "sTRASSE");
    assert_eq!(case::casefold(&w("Straße")), "strasse");
    assert_eq!(to_ascii_number(&w(" ١٢\u{2003}x")).as_ref(), b" 12 x");
}

#[test]
fn casing() {
    let mut check = crate::checks::Check::new("casing");
    let mut random = crate::checks::Random(37);
    let points = [
        "a", "B", "ß", "Σ", "ς", "σ", "İ", "ı", "ǆ", "ǅ", "ﬁ", "'", " ", "1", "\u{345}", "ᾳ", "ᾼ", "é", "Ü",
        "Ⅷ", "ⓐ", "ª",
    ];
    let hex = |bytes: &[u8]| crate::ascii::to_hex(bytes, None, 1);
    for _ in 0..10_000 {
        let length = random.below(8);
        let text: String = (0..length).map(|_| random.pick(&points)).collect();
        let t = Wtf8::new(&text);
        let changes =
            [case::lower, case::upper, case::title, case::capitalize, case::swap_case, case::casefold];
        let changed: Vec<_> = changes.iter().map(|change| hex(change(t).as_bytes())).collect();
        let tests = [case::is_lower, case::is_upper, case::is_title, case::is_alpha, is_identifier];
        let tested: String = tests.iter().map(|test| if test(t) { '1' } else { '0' }).collect();
        check.line(format_args!("{} {tested}", changed.join(" ")));
        use crate::ascii;
        let changes = [ascii::lower, ascii::upper, ascii::title, ascii::capitalize, ascii::swap_case];
        let changed: Vec<_> = changes.iter().map(|change| hex(&change(text.as_bytes()))).collect();
        let tests = [ascii::is_lower, ascii::is_upper, ascii::is_title, ascii::is_alpha];
        let tested: String = tests.iter().map(|test| if test(text.as_bytes()) { '1' } else { '0' }).collect();
        check.line(format_args!("{} {tested}", changed.join(" ")));
    }
    check.finish();
}
