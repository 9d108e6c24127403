//! Printing, rounding and parsing floats, compared with CPython (see `checks/generate.py` for its side).

use super::*;
use crate::checks::{Check, Random};

fn repr_and_hex(check: &mut Check, x: f64) {
    let hexadecimal = hex::to_hex(x);
    check.line(format_args!("{} {hexadecimal}", repr(x)));
    if !x.is_nan() {
        assert_eq!(hex::from_hex(hexadecimal.as_bytes()).map(f64::to_bits), Ok(x.to_bits()));
        assert_eq!(parse(repr(x).as_bytes()).map(f64::to_bits), Some(x.to_bits()));
    }
}

#[test]
fn float_repr() {
    let mut check = Check::new("float_repr");
    let mut random = Random(1);
    (0..20_000).for_each(|_| repr_and_hex(&mut check, random.float()));
    for exponent in -330..310 {
        for digits in ["1", "5", "123456789012345678"] {
            repr_and_hex(&mut check, format!("{digits}e{exponent}").parse().unwrap());
        }
    }
    check.finish();
}

fn style(flags: &str, precision: usize, code: char) -> Style {
    let layout = match code.to_ascii_lowercase() {
        'e' => Code::Exponent,
        'f' => Code::Fixed,
        _ => Code::General,
    };
    let mut style = Style::new(layout, precision);
    style.upper = code.is_ascii_uppercase();
    style.plus = flags.contains('+');
    style.alternate = flags.contains('#');
    style
}

#[test]
fn float_format() {
    let mut check = Check::new("float_format");
    let mut random = Random(2);
    for _ in 0..20_000 {
        let (x, code) = (random.float(), random.pick(&['e', 'E', 'f', 'F', 'g', 'G']));
        let precision = random.below(25) as usize;
        let flags = random.pick(&["", "#", "+", "+#"]);
        check.line(format_args!("{flags}.{precision}{code} {}", format(x, &style(flags, precision, code))));
    }
    for precision in [0, 1, 17, 50, 300, 766, 767, 1074, 1100] {
        for x in [0.1, 5e-324, f64::MAX, f64::MIN_POSITIVE, 0.5, 1.5, 2.5, 0.125, 1e22, 9.995, 0.0] {
            for code in ['e', 'f', 'g'] {
                let plain = format(x, &style("", precision, code));
                check.line(format_args!("{plain} {}", format(-x, &style("#", precision, code))));
            }
        }
    }
    check.finish();
}

fn rounded(x: f64, places: i64) -> String {
    match round_to(x, places) {
        Ok(x) => repr(x),
        Err(error) => format!("OverflowError: {error}"),
    }
}

#[test]
fn float_round() {
    let mut check = Check::new("float_round");
    let mut random = Random(3);
    for _ in 0..20_000 {
        let x = random.float();
        let places = random.below(30) as i64 - 12;
        if x.is_finite() {
            check.line(format_args!("{places} {}", rounded(x, places)));
        }
    }
    for x in [5e15, 1.5, 2.5, 5.0, 15.0, 1e308, f64::MAX, 5e-324, 0.5, 25.0, 35.0, 4503599627370497.5] {
        for places in [-400, -310, -308, -307, -2, -1, 0, 1, 16, 22, 323, 324, 400] {
            check.line(format_args!("{places} {} {}", rounded(x, places), rounded(-x, places)));
        }
    }
    check.finish();
}

const NUMBERS: &[&str] = &[
    "1",
    "-1.5",
    "+.5",
    "5.",
    "1e5",
    "1E+5",
    "1e",
    "1_0",
    "1__0",
    "_1",
    "1_",
    "1_.0",
    "1._0",
    "1e1_0",
    "1e_1",
    "inf",
    "-Infinity",
    "nan",
    "+NaN",
    "infinit",
    "",
    " ",
    " 1 ",
    ".",
    "-",
    "e5",
    "0x1",
    "1.5.2",
    "1 2",
    "--1",
    "1e400",
    "1j",
    "j",
    "+j",
    "-J",
    "1+j",
    "1-2.5j",
    "(1+2j)",
    " ( 1+2j ) ",
    "((1))",
    "1 +2j",
    "1+ 2j",
    "infj",
    "nan-infj",
    "1e5+1e-5j",
    "1+2",
    "1j+2",
    "1+2jj",
    "1_0+2_0j",
    "(1",
    "1)",
    "()",
    "1e5j",
    "-0-0j",
    "jj",
    "1+-2j",
    "\x0b1\x0c",
];

fn complex_repr((real, imaginary): (f64, f64)) -> String {
    if real == 0.0 && real.is_sign_positive() {
        return format!("{}j", repr_part(imaginary, false));
    }
    format!("({}{}j)", repr_part(real, false), repr_part(imaginary, true))
}

#[test]
fn float_parse() {
    let mut check = Check::new("float_parse");
    for text in NUMBERS {
        let shown = text.replace('\x0b', "\\x0b").replace('\x0c', "\\x0c");
        let or_error = |answer: Option<String>| answer.unwrap_or_else(|| "error".into());
        check.line(format_args!("'{shown}' {}", or_error(parse(text.as_bytes()).map(repr))));
        check.line(format_args!("'{shown}' {}", or_error(parse_complex(text.as_bytes()).map(complex_repr))));
    }
    check.finish();
}
