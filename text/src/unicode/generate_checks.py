"""Writes `checks.rs`: sums over what CPython 3.14 says about code points, for the tests to compare.

Each sum is the CRC-32 of lines "code point in hexadecimal, space, answer", for all code points of interest whose
answer is not the default one; of ideographs, syllables and unassigned planes every seventh is of interest. Texts among the answers are code points in hexadecimal joined by commas.
"""

import unicodedata as ud
import zlib
from pathlib import Path


def text(s):
    return ",".join(f"{ord(c):x}" for c in s)


def flags(c):
    names = "isalpha isalnum isdecimal isdigit isnumeric islower isupper istitle isspace isprintable isidentifier".split()
    return "".join(str(int(getattr(c, name)())) for name in names) + str(int(("a" + c).isidentifier()))


def number(value):
    return "" if value is None else f"{value:.6f}"


def properties(u, c):
    return (f"{u.category(c)} {u.bidirectional(c)} {u.combining(c)} {u.east_asian_width(c)} {u.mirrored(c)} "
            f"{number(u.decimal(c, None))} {number(u.digit(c, None))} {number(u.numeric(c, None))}")


old = ud.ucd_3_2_0
CHECKS = {
    "flags": (flags, "000000000000"),
    "properties": (lambda c: properties(ud, c), "Cn  0 N 0   "),
    "old_properties": (lambda c: properties(old, c), "Cn  0 N 0   "),
    "lower": (lambda c: text(c.lower()), None),
    "upper": (lambda c: text(c.upper()), None),
    "title": (lambda c: text(c.title()), None),
    "title_after": (lambda c: text(("a" + c + "b").title()[1:]), None),
    "fold": (lambda c: text(c.casefold()), None),
    "swap": (lambda c: text(c.swapcase()), None),
    "sigma": (lambda c: text(("A" + c + "\u03a3" + c).lower()), None),
    "sigma_after": (lambda c: text((c + "\u03a3" + c + "a").lower()), None),
    "decomposition": (ud.decomposition, ""),
    "old_decomposition": (old.decomposition, ""),
    "nfd": (lambda c: text(ud.normalize("NFD", c)), None),
    "nfkd": (lambda c: text(ud.normalize("NFKD", c)), None),
    "nfc": (lambda c: text(ud.normalize("NFC", c)), None),
    "nfkc": (lambda c: text(ud.normalize("NFKC", c)), None),
    "old_nfkc": (lambda c: text(old.normalize("NFKC", c)), None),
    # Marks in disorder around the code point, recomposed.
    "nfc_marks": (lambda c: text(ud.normalize("NFC", "\u0301" + c + "\u0315\u0323\u0300\u05ae")), None),
    "is_nfc": (lambda c: "01"[ud.is_normalized("NFC", "e" + c)], None),
    "name": (lambda c: ud.name(c, ""), ""),
    "old_name": (lambda c: old.name(c, ""), ""),
}


def crc(compute, default):
    total = 0
    for code in range(0x110000):
        uniform = 0x3500 <= code < 0xD700 or 0x20100 <= code < 0x2F700 or 0x2FB00 <= code
        if uniform and (code % 7 or code > 0x32500 and code % 61):
            continue
        answer = compute(chr(code))
        if answer != default:
            total = zlib.crc32(f"{code:x} {answer}\n".encode(), total)
    return total


lines = [
    "//! Sums over what CPython 3.14 says about code points. Written by `generate_checks.py`; do not edit.",
    "",
    f"pub(super) const CHECKS: [(&str, u32); {len(CHECKS)}] = [",
    *(f"    (\"{name}\", {crc(*check):#x})," for name, check in CHECKS.items()),
    "];",
    "",
]
(Path(__file__).parent / "checks.rs").write_text("\n".join(lines))
