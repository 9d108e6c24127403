"""Writes `sums.rs`: what CPython 3.14 answers to the checks of this package, as one CRC-32 per check.

python3.14 generate.py           writes the sums
python3.14 generate.py NAME      prints the lines of one check
"""

import _string
import codecs
import math
import struct
import sys
import warnings
import zlib
from pathlib import Path

MASK = (1 << 64) - 1
CHECKS = {}


class Random:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = (self.state ^ (self.state >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        return z ^ (z >> 31)

    def below(self, limit):
        return self.next() % limit

    def pick(self, items):
        return items[self.below(len(items))]

    def float(self):
        kind = self.below(4)
        if kind == 0:
            return struct.unpack("<d", struct.pack("<Q", self.next()))[0]
        if kind == 1:
            digits = self.below(10_000_000)
            return float(f"{digits}e{self.below(40) - 20}")
        if kind == 2:
            return self.below(20_000) / 8.0 - 1000.0
        digits = self.next()
        return float(f"-{digits}e{self.below(600) - 320}")


def check(function):
    CHECKS[function.__name__] = function
    return function


def attempt(function, *args):
    try:
        return function(*args)
    except (ValueError, OverflowError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


@check
def float_repr():
    random = Random(1)
    for _ in range(20_000):
        x = random.float()
        yield f"{x!r} {x.hex()}"
    for exponent in range(-330, 310):
        for digits in (1, 5, 123456789012345678):
            x = float(f"{digits}e{exponent}")
            yield f"{x!r} {x.hex()}"


@check
def float_format():
    random = Random(2)
    for _ in range(20_000):
        x, code, precision = random.float(), random.pick("eEfFgG"), random.below(25)
        flags = random.pick(["", "#", "+", "+#"])
        yield f"{flags}.{precision}{code} {f'%{flags}.{precision}{code}' % x}"
    for precision in (0, 1, 17, 50, 300, 766, 767, 1074, 1100):
        for x in (0.1, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 0.5, 1.5, 2.5, 0.125, 1e22, 9.995, 0.0):
            for code in "efg":
                yield f"{f'%.{precision}{code}' % x} {f'%#.{precision}{code}' % -x}"


@check
def float_round():
    random = Random(3)
    for _ in range(20_000):
        x, places = random.float(), random.below(30) - 12
        if math.isfinite(x):
            yield f"{places} {attempt(round, x, places)}"
    for x in (5e15, 1.5, 2.5, 5.0, 15.0, 1e308, 1.7976931348623157e308, 5e-324, 0.5, 25.0, 35.0, 4503599627370497.5):
        for places in (-400, -310, -308, -307, -2, -1, 0, 1, 16, 22, 323, 324, 400):
            yield f"{places} {attempt(round, x, places)} {attempt(round, -x, places)}"


NUMBERS = ["1", "-1.5", "+.5", "5.", "1e5", "1E+5", "1e", "1_0", "1__0", "_1", "1_", "1_.0", "1._0", "1e1_0", "1e_1", "inf",
           "-Infinity", "nan", "+NaN", "infinit", "", " ", " 1 ", ".", "-", "e5", "0x1", "1.5.2", "1 2", "--1", "1e400",
           "1j", "j", "+j", "-J", "1+j", "1-2.5j", "(1+2j)", " ( 1+2j ) ", "((1))", "1 +2j", "1+ 2j", "infj", "nan-infj",
           "1e5+1e-5j", "1+2", "1j+2", "1+2jj", "1_0+2_0j", "(1", "1)", "()", "1e5j", "-0-0j", "jj", "1+-2j", "\x0b1\x0c"]


@check
def float_parse():
    for text in NUMBERS:
        for number in (float, complex):
            try:
                yield f"{text!a} {number(text)!r}"
            except ValueError:
                yield f"{text!a} error"


TEXTS = ["0", "00", "0_0", "01", "0_7", "1_000", "_1", "1_", "1__0", "0x1f", "0X_F", "0x", "0x_", "0x__f", "0xf_", "0b101",
         "0b102", "0o17", "0o8", "-0x10", "+5", "- 5", "--5", "", " ", "+", " 12 ", "1 2", "zZ", "b", "0b", "9223372036854775807",
         "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "123456789012345678", "1234567890123456789",
         "00000000000000000000000000001", "0_x1"]


@check
def int_parse():
    for text in TEXTS:
        for base in (0, 2, 8, 10, 16, 36):
            try:
                answer = int(text, base)
            except ValueError:
                answer = "error"
            yield f'"{text}" {base} {answer}'


@check
def repr_everything():
    for code in [*range(0, 0x110000, 3), *range(0x3000), *range(0xD700, 0xE100)]:
        text = "'" + chr(code)
        yield ascii(text)
        yield repr(text).encode("ascii", "backslashreplace").decode()
        yield repr(bytes([34, code & 255, 39]))


@check
def hash_numbers():
    random = Random(7)
    for _ in range(5000):
        n = random.next()
        n = (n - (1 << 64) if n >> 63 else n) >> random.below(64)
        x = random.float()
        big = (n << random.below(300)) + random.next()
        parts = [hash(n), hash(big), 0 if math.isnan(x) else hash(x)]
        half = 0 if math.isnan(x) else hash(x / 2)
        imaginary = (parts[2] + 1000003 * half) & MASK
        imaginary -= imaginary >> 63 << 64
        yield f"{parts} {hash(tuple(parts))} {hash(frozenset([n, n ^ 1]))} {-2 if imaginary == -1 else imaginary}"
    for n in (0, 1, -1, -2, (1 << 61) - 1, 1 - (1 << 61), 1 << 61, (1 << 63) - 1, -1 << 63):
        yield str(hash(n))
    yield str(hash(()))
    yield str(hash(frozenset()))


def signed(n):
    return n - (1 << 64) if n >> 63 else n


def format_any(kind, spec, random):
    if kind == "str":
        value = random.pick(["", "a", "spam and eggs", "héllo wörld"])
    elif kind == "int":
        small = signed(random.next()) >> random.below(64)
        value = (small << 80) + 12345 if random.below(4) == 0 else small
    elif kind == "float":
        value = random.float()
    else:
        real = random.float()
        imaginary = random.float()
        value = complex(0.0 if random.below(4) == 0 else real, imaginary)
    result = attempt(lambda: f"'{format(value, spec)}'")
    return result


@check
def format_specs():
    random = Random(11)
    for _ in range(40_000):
        spec = "".join([
            random.pick(["", "", "", "*", "0", "é", "<"]),
            random.pick(["", "", "<", ">", "^", "="]),
            random.pick(["", "", "", "+", "-", " "]),
            random.pick(["", "", "", "", "z"]),
            random.pick(["", "", "#"]),
            random.pick(["", "", "0"]),
            random.pick(["", "", "1", "7", "15", "30", "٣"]),
            random.pick(["", "", "", "", ",", "_", "_,"]),
            random.pick(["", "", "", "", ".0", ".1", ".3", ".10", ".20", "."]),
            random.pick(["", "", "", "", ",", "_"]),
            random.pick(["", "", "d", "f", "g", "e", "s", "x", "n", "%", "b", "o", "X", "E", "G", "F", "c", "q", "dd"]),
        ])
        kind = random.pick(["str", "int", "float", "complex"])
        yield f"{spec} {format_any(kind, spec, random) if spec else ''}".encode("utf-8", "replace").decode()


def show_pieces(text):
    pieces = _string.formatter_parser(text)
    while True:
        try:
            literal, name, spec, conversion = next(pieces)
        except StopIteration:
            return
        except ValueError as error:
            yield f"ValueError: {error}"
            return
        yield f"[{literal}]" if name is None else f"[{literal}] [{name}] [{spec}] [{conversion or ''}]"


def show_name(name):
    first, rest = _string.formatter_field_name_split(name)
    text = repr(first)
    try:
        for is_attribute, item in rest:
            text += f" .{item}" if is_attribute else f" [{item!r}]"
    except ValueError as error:
        text += f" ValueError: {error}"
    return text


@check
def templates():
    random = Random(13)
    for _ in range(20_000):
        length = random.below(9)
        text = "".join(random.pick(["{", "}", "{", "}", "a", "0", "!", ":", ".", "[", "]", "r", "{}", "é", "{0", ">"])
                       for _ in range(length))
        yield f"{text} | {' '.join(show_pieces(text))} | {show_name(text)}"


@check
def printf():
    random = Random(17)
    for _ in range(20_000):
        template = "".join([
            "%",
            random.pick(["", "", "-", "+", " ", "#", "0", "-0", "0-", "+ ", "#0", "0+"]),
            random.pick(["", "", "1", "5", "12", "30", "*"]),
            random.pick(["", "", ".", ".0", ".1", ".4", ".25", ".*"]),
            random.pick(["", "", "", "l", "h"]),
            random.pick(["d", "i", "u", "o", "x", "X", "e", "E", "f", "F", "g", "G", "s", "c", "q", "é", "%", ""]),
        ])
        if template == "%%":
            yield f"{template} %"
            continue
        code = template[-1]
        stars = (-7,) * ("*" in template.split(".")[0]) + (3,) * (".*" in template)
        try:
            template % (*stars, None)
        except ValueError as error:
            if str(error) == "incomplete format":
                yield f"{template} ValueError: {error}"
                continue
        except TypeError:
            pass
        n = signed(random.next()) >> random.below(64)
        x = random.float()
        value = "héllo" if code == "s" else "é" if code == "c" else n if code in "diuoxX" else x
        yield f"{template} {attempt(lambda: template % (*stars, value))}"


HANDLERS = ["strict", "replace", "ignore", "backslashreplace", "surrogateescape", "surrogatepass"]
BYTES = {
    "utf-8": [0x61, 0x80, 0xA0, 0xBF, 0xC1, 0xC3, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0x8F, 0x90, 0xFF],
    "utf-16": [0x00, 0x61, 0xD8, 0xDC, 0xFF, 0xFE, 0x00],
    "utf-32": [0x00, 0x00, 0x00, 0x61, 0xD8, 0x10, 0xFF, 0xFE],
    "utf-7": [0x2B, 0x2D, 0x41, 0x42, 0x32, 0x2F, 0x61, 0x21, 0xFF, 0x64, 0x63, 0x41],
    "ascii": [0x61, 0x62, 0x80, 0xFF],
    "unicode_escape": [0x5C, 0x5C, 0x75, 0x55, 0x78, 0x30, 0x31, 0x64, 0x4E, 0x7B, 0x7D, 0x61, 0x0A, 0xE9, 0x37, 0x27],
    "raw_unicode_escape": [0x5C, 0x5C, 0x75, 0x55, 0x30, 0x30, 0x64, 0x38, 0x61, 0xE9],
    "charmap": [0x00, 0x01, 0x02, 0x03, 0x80],
}


def decode(name, data, order, handler, last):
    suffix = {0: "", 1: "_le", 2: "_be"}[order]
    if name in ("utf-16", "utf-32"):
        return getattr(codecs, name.replace("-", "_") + suffix + "_decode")(data, handler, last)
    if name == "ascii":
        return codecs.ascii_decode(data, handler)
    if name == "charmap":
        return codecs.charmap_decode(data, handler, "ab\ufffec")
    return getattr(codecs, name.replace("-", "_") + "_decode")(data, handler, last)


def show_error(error):
    return f"{type(error).__name__}: {error}".encode("ascii", "backslashreplace").decode()


@check
def decoding():
    warnings.simplefilter("ignore")
    random = Random(19)
    for _ in range(40_000):
        name = random.pick(list(BYTES))
        length = random.below(14)
        data = bytes(random.pick(BYTES[name]) for _ in range(length))
        order, handler, last = random.below(3), random.pick(HANDLERS), random.below(2) == 0
        try:
            text, consumed = decode(name, data, order, handler, last)
            yield f"{name} {data.hex()} {order} {handler} {int(last)} {ascii(text)} {consumed}"
        except UnicodeDecodeError as error:
            yield f"{name} {data.hex()} {order} {handler} {int(last)} {error.encoding} {show_error(error)}"


POINTS = [0x61, 0x2B, 0x5C, 0x7E, 0xE9, 0x100, 0x20AC, 0xD800, 0xDC80, 0xDCFF, 0xDFFF, 0x1F600, 0x0A, 0x2D, 0x100, 0xD801]
ENCODINGS = ["utf-8", "utf-16", "utf-16-le", "utf-32", "utf-32-be", "utf-7", "ascii", "latin-1", "charmap", "unicode_escape",
             "raw_unicode_escape"]


@check
def encoding():
    random = Random(23)
    for _ in range(40_000):
        name = random.pick(ENCODINGS)
        length = random.below(10)
        text = "".join(chr(random.pick(POINTS)) for _ in range(length))
        handler = random.pick([*HANDLERS, "xmlcharrefreplace", "namereplace"])
        try:
            if name == "charmap":
                data, _ = codecs.charmap_encode(text, handler, codecs.charmap_build("ab\ufffeé\\?&#;0123456789x"))
            else:
                data = text.encode(name, handler)
            yield f"{name} {handler} {ascii(text)} {data.hex()}"
        except UnicodeEncodeError as error:
            yield f"{name} {handler} {ascii(text)} {show_error(error)}"


@check
def bytes_escapes():
    warnings.simplefilter("ignore")
    random = Random(29)
    for _ in range(10_000):
        length = random.below(12)
        data = bytes(random.pick([0x5C, 0x5C, 0x78, 0x30, 0x37, 0x61, 0x6E, 0x27, 0x22, 0x0A, 0xE9, 0x64, 0x34])
                     for _ in range(length))
        handler = random.pick(["strict", "replace", "ignore"])
        yield f"{data.hex()} {attempt(lambda: codecs.escape_decode(data, handler)[0].hex())} {codecs.escape_encode(data)[0].hex()}"


LETTERS = ["a", "b", "a", " ", "é", "日", "\n", "\r", "\t", "\x1c", "\x85", "\u2028", "\u3000", "😀", "ab", "\x0b"]


@check
def searching():
    random = Random(31)
    for _ in range(20_000):
        def word(limit):
            length = random.below(limit)
            return "".join(random.pick(LETTERS) for _ in range(length))
        text, needle, new = word(14), word(3), word(3)
        limit, width = random.below(5) - 1, random.below(20)
        for kind in (str, str.encode):
            t, n, w = kind(text), kind(needle), kind(new)
            fill = kind("*")
            answers = [t.count(n), t.replace(n, w, limit), t.split(None, limit), t.rsplit(None, limit), t.splitlines(),
                       t.splitlines(True), t.strip(), t.lstrip(), t.rstrip(), t.strip(n), t.lstrip(n), t.rstrip(n),
                       t.expandtabs(width % 9), t.center(width, fill), t.rjust(width, fill), t.zfill(width),
                       t.removeprefix(n), t.removesuffix(n)]
            if n:
                answers += [t.split(n, limit), t.rsplit(n, limit), t.partition(n), t.rpartition(n)]
            yield " ".join(map(show_text, answers))


def show_text(answer):
    if isinstance(answer, (list, tuple)):
        return "[" + ",".join(map(show_text, answer)) + "]"
    if isinstance(answer, str):
        answer = answer.encode()
    return answer.hex() if isinstance(answer, bytes) else str(answer)


@check
def casing():
    random = Random(37)
    points = ["a", "B", "ß", "Σ", "ς", "σ", "İ", "ı", "ǆ", "ǅ", "ﬁ", "'", " ", "1", "\u0345", "ᾳ", "ᾼ", "é", "Ü", "Ⅷ", "ⓐ", "ª"]
    for _ in range(10_000):
        length = random.below(8)
        text = "".join(random.pick(points) for _ in range(length))
        yield " ".join(show_text(f()) for f in (text.lower, text.upper, text.title, text.capitalize, text.swapcase,
                                                text.casefold)) \
            + f" {text.islower():d}{text.isupper():d}{text.istitle():d}{text.isalpha():d}{text.isidentifier():d}"
        data = text.encode()
        yield " ".join(show_text(f()) for f in (data.lower, data.upper, data.title, data.capitalize, data.swapcase)) \
            + f" {data.islower():d}{data.isupper():d}{data.istitle():d}{data.isalpha():d}"


def crc(lines):
    total = 0
    for line in lines:
        total = zlib.crc32(f"{line}\n".encode(), total)
    return total


def main():
    if len(sys.argv) > 1:
        for line in CHECKS[sys.argv[1]]():
            print(line)
        return
    lines = [
        "//! Sums over what CPython 3.14 answers. Written by `generate.py`; do not edit.",
        "",
        f"pub(super) const SUMS: [(&str, u32); {len(CHECKS)}] = [",
        *(f"    (\"{name}\", {crc(function()):#x})," for name, function in CHECKS.items()),
        "];",
        "",
    ]
    (Path(__file__).parent / "sums.rs").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
