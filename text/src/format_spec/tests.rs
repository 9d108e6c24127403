//! Random specifications, their results and errors compared with CPython's.

use super::*;
use crate::checks::{Check, Random};

fn show(result: Result<Wtf8Buf, FormatError>) -> String {
    match result {
        Ok(text) => format!("'{text}'"),
        Err(error) if error.is_overflow() => format!("OverflowError: {error}"),
        Err(error) => format!("ValueError: {error}"),
    }
}

fn format_any(kind: Kind, spec: &str, random: &mut Random) -> String {
    let (spec, locale) = (Wtf8::new(spec), Locale::default());
    match kind {
        Kind::Str => {
            let text = random.pick(&["", "a", "spam and eggs", "héllo wörld"]);
            show(
                FormatSpec::parse(spec, kind, "str").and_then(|spec| spec.format_str(Wtf8::new(text), "str")),
            )
        }
        Kind::Int => {
            let small = random.next() as i64 >> random.below(64);
            let big = (BigInt::from(small) << 80) + 12345;
            let is_big = random.below(4) == 0;
            let value = if is_big { IntValue::Big(&big) } else { IntValue::Small(small) };
            show(
                FormatSpec::parse(spec, kind, "int")
                    .and_then(|spec| spec.format_int(value, &locale, 4300, "int")),
            )
        }
        Kind::Float => {
            let x = random.float();
            show(
                FormatSpec::parse(spec, kind, "float")
                    .and_then(|spec| spec.format_float(x, &locale, "float")),
            )
        }
        Kind::Complex => {
            let z = (random.float(), random.float());
            let z = if random.below(4) == 0 { (0.0, z.1) } else { z };
            let format = |spec: FormatSpec| spec.format_complex(z, &locale, "complex");
            show(FormatSpec::parse(spec, kind, "complex").and_then(format))
        }
    }
}

#[test]
fn format_specs() {
    let mut check = Check::new("format_specs");
    let mut random = Random(11);
    for _ in 0..40_000 {
        let parts = [
            random.pick(&["", "", "", "*", "0", "é", "<"]),
            random.pick(&["", "", "<", ">", "^", "="]),
            random.pick(&["", "", "", "+", "-", " "]),
            random.pick(&["", "", "", "", "z"]),
            random.pick(&["", "", "#"]),
            random.pick(&["", "", "0"]),
            random.pick(&["", "", "1", "7", "15", "30", "٣"]),
            random.pick(&["", "", "", "", ",", "_", "_,"]),
            random.pick(&["", "", "", "", ".0", ".1", ".3", ".10", ".20", "."]),
            random.pick(&["", "", "", "", ",", "_"]),
            random.pick(&[
                "", "", "d", "f", "g", "e", "s", "x", "n", "%", "b", "o", "X", "E", "G", "F", "c", "q", "dd",
            ]),
        ];
        let spec = parts.concat();
        let kind = random.pick(&[Kind::Str, Kind::Int, Kind::Float, Kind::Complex]);
        let shown = if spec.is_empty() { String::new() } else { format_any(kind, &spec, &mut random) };
        check.line(format_args!("{spec} {shown}"));
    }
    check.finish();
}

#[test]
fn locale_grouping() {
    let locale =
        Locale { decimal_point: ",".into(), thousands_separator: "\u{a0}".into(), grouping: vec![3, 2, 0] };
    let format = |spec: &str, value| {
        let spec = FormatSpec::parse(Wtf8::new(spec), Kind::Int, "int").unwrap();
        show(spec.format_int(IntValue::Small(value), &locale, 0, "int"))
    };
    assert_eq!(format("n", 1_234_567_890), "'1\u{a0}23\u{a0}45\u{a0}67\u{a0}890'");
    // One wider than asked for, since a separator never comes first.
    assert_eq!(format("010n", 12_345), "'0\u{a0}00\u{a0}12\u{a0}345'");
    let spec = FormatSpec::parse(Wtf8::new(".7n"), Kind::Float, "float").unwrap();
    assert_eq!(show(spec.format_float(12345.67, &locale, "float")), "'12\u{a0}345,67'");
    let spec = FormatSpec::parse(Wtf8::new("999999999999999999"), Kind::Int, "int").unwrap();
    assert_eq!(
        spec.format_int(IntValue::Small(1), &locale, 0, "int"),
        Err(FormatError::Size(SizeError::Memory))
    );
}
