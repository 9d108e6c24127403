"""Writes the Unicode tables in `data/` from what CPython 3.14 itself answers, so that both agree to the last bit.

Run it with CPython 3.14:  python3.14 generate.py
Layouts are described where the tables are read (../unicode.rs and its modules). All numbers are little-endian.
"""

import _sre
import collections
import ctypes
import struct
import sys
import unicodedata as ud
from pathlib import Path

DATA = Path(__file__).parent / "data"
ALL = range(0x110000)
CATEGORIES = "Cn Lu Ll Lt Mn Mc Me Nd Nl No Zs Zl Zp Cc Cf Cs Co Lm Lo Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So".split()
BIDI = ["", *"L LRE LRO R AL RLE RLO PDF EN ES ET AN CS NSM BN B S WS ON LRI RLI FSI PDI".split()]
WIDTHS = "F H W Na A N".split()
TAGS = ["", *"<noBreak> <compat> <super> <fraction> <font> <sub> <circle> <wide> <vertical> <square> <isolated> "
        "<final> <initial> <medial> <small> <narrow>".split()]
FLAGS = ["isalpha", "isdecimal", "isdigit", "isnumeric", "islower", "isupper", "isspace", "isprintable"]
XID_START, XID_CONTINUE, CASED, IGNORABLE, MIRRORED, SPECIAL = (1 << n for n in range(8, 14))


def save(name, data):
    (DATA / name).write_bytes(data)
    print(f"{name}: {len(data)} bytes", file=sys.stderr)


def two_stage(name, ids):
    """Cuts the 0x110000 ids into blocks that are stored once: first the block numbers (u16), then the blocks (u16)."""
    best = None
    for shift in range(5, 10):
        size = 1 << shift
        blocks, index = {}, []
        for at in range(0, len(ids), size):
            index.append(blocks.setdefault(tuple(ids[at:at + size]), len(blocks)))
        flat = [i for block in blocks for i in block]
        if best is None or len(index) + len(flat) < best[0]:
            best = len(index) + len(flat), shift, index, flat
    _, shift, index, flat = best
    save(f"{name}.bin", struct.pack(f"<{len(index) + len(flat)}H", *index, *flat))
    return shift


def delta_or_zero(c, mapped):
    return ord(mapped) - ord(c) if len(mapped) == 1 else 0


def quick_checks(c, second):
    """Two bits for each of NFD, NFKD, NFC, NFKC: 0 yes, 1 maybe, 2 no."""
    bits = 0
    for at, form in enumerate(["NFD", "NFKD", "NFC", "NFKC"]):
        value = 2 if ud.normalize(form, c) != c else 1 if at >= 2 and c in second else 0
        bits |= value << (2 * at)
    return bits


def compositions():
    pairs = {}
    for code in ALL:
        parts = ud.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            a, b = (chr(int(p, 16)) for p in parts)
            if ud.normalize("NFC", a + b) == chr(code):
                pairs[ord(a), ord(b)] = code
    return pairs


def properties(pairs):
    second = {chr(b) for _, b in pairs} | {chr(c) for c in [*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]}
    records, cases, numerics, specials, ids = {}, {(0, 0, 0, 0): 0}, {None: 0}, [], []
    for code in ALL:
        c = chr(code)
        flags = sum(1 << at for at, name in enumerate(FLAGS) if getattr(c, name)())
        flags |= XID_START * c.isidentifier() | XID_CONTINUE * ("a" + c).isidentifier()
        cased = ("1" + c + "\u03a3").lower()[-1] == "\u03c2"
        flags |= CASED * ((c + "a").title()[-1] == "a")
        flags |= IGNORABLE * (not cased and ("A" + c + "\u03a3").lower()[-1] == "\u03c2")
        flags |= MIRRORED * ud.mirrored(c)
        full = [c.lower(), c.upper(), c.title(), c.casefold()]
        if c == "\u03a3":
            full[0] = "\u03c3"  # alone it is final to no word; be explicit
        deltas = [delta_or_zero(c, text) for text in full]
        if any(len(text) > 1 for text in full):
            flags |= SPECIAL
            specials.append((code, full))
            deltas[0] = _sre.unicode_tolower(code) - code
        case = cases.setdefault(tuple(deltas), len(cases))
        numeric = numerics.setdefault(ud.numeric(c, None), len(numerics))
        record = struct.pack("<BBBBBBHHHHxx", CATEGORIES.index(ud.category(c)), BIDI.index(ud.bidirectional(c)),
                             ud.combining(c), WIDTHS.index(ud.east_asian_width(c)), ud.decimal(c, 255),
                             ud.digit(c, 255), flags, case, numeric, quick_checks(c, second))
        ids.append(records.setdefault(record, len(records)))
    save("records.bin", b"".join(records))
    save("cases.bin", b"".join(struct.pack("<4i", *deltas) for deltas in cases))
    save("numerics.bin", b"".join(struct.pack("<d", value or 0.0) for value in numerics))
    save("specials.bin", special_cases(specials))
    return two_stage("properties", ids)


def special_cases(specials):
    """13 u32 per entry: the code point, then lower, upper, title, fold, each as three code points padded with 0."""
    out = b""
    for code, full in specials:
        out += struct.pack("<I", code)
        for text in full:
            assert len(text) <= 3
            out += struct.pack("<3I", *[ord(c) for c in text.ljust(3, "\0")])
    return out


def decompositions():
    """Entries of 8 bytes, sorted: code point and tag (u32), first unit (u16), count (u16); then the units (u32)."""
    entries, units, seen = [], [], {}
    for code in ALL:
        parts = ud.decomposition(chr(code)).split()
        if not parts or 0xAC00 <= code < 0xD7A4:  # Hangul syllables are computed
            continue
        tag = TAGS.index(parts.pop(0)) if parts[0].startswith("<") else 0
        sequence = tuple(int(p, 16) for p in parts)
        if sequence not in seen:
            seen[sequence] = len(units)
            units.extend(sequence)
        entries.append(struct.pack("<IHH", code | tag << 24, seen[sequence], len(sequence)))
    save("decompositions.bin", b"".join(entries))
    save("decomposition_units.bin", struct.pack(f"<{len(units)}I", *units))


def aliases_and_sequences():
    """CPython keeps both under private code points, which only the C interface of unicodedata spells out."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = get(ud._ucnhash_CAPI, b"unicodedata._ucnhash_CAPI")
    getname = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint, ctypes.c_char_p, ctypes.c_int, ctypes.c_int)(
        ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))[0])
    buffer = ctypes.create_string_buffer(256)
    for code in range(0xF0000, 0xF1000):
        if getname(code, buffer, 256, 1):
            name = buffer.value.decode()
            yield name, ud.lookup(name)


def names():
    """Names made of words; see ../unicode/names.rs for the layout."""
    plain, ranges = [], []
    for code in ALL:
        name = ud.name(chr(code), None)
        if name is None or name.startswith("HANGUL SYLLABLE "):
            continue
        suffix = f"-{code:X}"
        if name.endswith(suffix):
            prefix = name.removesuffix(suffix) + "-"
            if ranges and ranges[-1][0] == prefix and ranges[-1][2] == code:
                ranges[-1][2] = code + 1
            else:
                ranges.append([prefix, code, code + 1])
        else:
            plain.append((name, (code,)))
    extra = [(name, tuple(map(ord, text))) for name, text in aliases_and_sequences()]
    entries = plain + extra
    counts = collections.Counter(word for name, _ in entries for word in name.split(" "))
    words = [word for word, _ in counts.most_common()]
    rank = {word: at for at, word in enumerate(words)}
    # One byte for the most frequent words; two for the others, the first of which is at least ESCAPE.
    escape = 256 - ((len(words) + 255) // 256)
    starts, encoded = [], bytearray()
    for at, (name, _) in enumerate(entries):
        if at % 16 == 0:
            starts.append(len(encoded))
        body = b""
        for word in name.split(" "):
            n = rank[word]
            body += bytes([n]) if n < escape else bytes([escape + (n - escape) // 256, (n - escape) % 256])
        encoded += bytes([len(body)]) + body
    save("names.bin", bytes(encoded))
    save("name_starts.bin", struct.pack(f"<{len(starts)}I", *starts))
    lengths = bytes(len(word) for word in words)
    offsets, at = [], 0
    for n, word in enumerate(words):
        if n % 16 == 0:
            offsets.append(at)
        at += len(word)
    save("words.bin", struct.pack(f"<{len(offsets)}I", *offsets) + lengths + "".join(words).encode())
    # Runs of consecutive code points that have a name of their own: first code point, first entry.
    runs, previous = [], None
    for at, (_, (code,)) in enumerate(plain):
        if code - 1 != previous:
            runs.append((code, at))
        previous = code
    save("name_runs.bin", b"".join(struct.pack("<II", *run) for run in runs))
    save("extra_names.bin", b"".join(struct.pack("<4I", *sequence, *[0xFFFFFFFF] * (4 - len(sequence)))
                                     for _, sequence in extra))
    order = sorted(range(len(entries)), key=lambda at: entries[at][0])
    save("name_order.bin", struct.pack(f"<{len(order)}H", *order))
    return len(plain), len(words), escape, ranges


def version_3_2_0():
    """What unicodedata.ucd_3_2_0 answers differently: category, bidirectional, width, mirrored, numbers."""
    old, records, ids = ud.ucd_3_2_0, {}, []
    for code in ALL:
        c = chr(code)
        now = [f(c) for f in (ud.category, ud.bidirectional, ud.east_asian_width, ud.mirrored, ud.combining)]
        then = [f(c) for f in (old.category, old.bidirectional, old.east_asian_width, old.mirrored, old.combining)]
        numbers = [getattr(old, name)(c, None) for name in ("decimal", "digit", "numeric")]
        if now == then and numbers == [getattr(ud, name)(c, None) for name in ("decimal", "digit", "numeric")]:
            ids.append(0)
            continue
        record = struct.pack("<BBBBBBBxd", CATEGORIES.index(then[0]), BIDI.index(then[1]), WIDTHS.index(then[2]),
                             then[3], then[4], *[255 if n is None else n for n in numbers[:2]],
                             -99.0 if numbers[2] is None else numbers[2])
        ids.append(1 + records.setdefault(record, len(records)))
    save("old_records.bin", b"".join(records))
    return two_stage("old_properties", ids)


def old_decompositions():
    """Code points assigned by 3.2 whose canonical decomposition was corrected afterwards."""
    out = []
    for code in ALL:
        if ud.ucd_3_2_0.category(chr(code)) == "Cn":
            continue
        then, now = (u.normalize("NFD", chr(code)) for u in (ud.ucd_3_2_0, ud))
        if then != now:
            assert len(then) == 1
            out.append(f"({code:#x}, {ord(then):#x})")
    return out


def found_only():
    """Tangut ideographs are found by name, though `name` does not know them."""
    prefix, ranges = "TANGUT IDEOGRAPH-", []
    for code in range(0x17000, 0x19000):
        try:
            ud.lookup(f"{prefix}{code:X}")
        except KeyError:
            continue
        assert ud.name(chr(code), None) is None
        if ranges and ranges[-1][2] == code:
            ranges[-1][2] = code + 1
        else:
            ranges.append([prefix, code, code + 1])
    return ranges


def main():
    DATA.mkdir(exist_ok=True)
    pairs = compositions()
    save("compositions.bin", b"".join(struct.pack("<III", *pair, code) for pair, code in sorted(pairs.items())))
    shift = properties(pairs)
    decompositions()
    plain, words, escape, ranges = names()
    old_shift = version_3_2_0()
    lines = [
        "//! Numbers that belong to the tables in `data/`. Written by `generate.py`; do not edit.",
        "",
        f"pub(super) const VERSION: &str = \"{ud.unidata_version}\";",
        f"pub(super) const SHIFT: u32 = {shift};",
        f"pub(super) const OLD_SHIFT: u32 = {old_shift};",
        f"pub(super) const PLAIN_NAMES: usize = {plain};",
        f"pub(super) const WORDS: usize = {words};",
        f"pub(super) const ESCAPE: usize = {escape};",
        "/// Names that end with the code point's number: prefix, first code point, the one after the last.",
        f"pub(super) const NUMBERED: [(&str, u32, u32); {len(ranges)}] = [",
        *(f"    (\"{prefix}\", {start:#x}, {end:#x})," for prefix, start, end in ranges),
        "];",
        "/// As above, for names that are found but not given.",
        f"pub(super) const FOUND_ONLY: [(&str, u32, u32); {len(found := found_only())}] = [",
        *(f"    (\"{prefix}\", {start:#x}, {end:#x})," for prefix, start, end in found),
        "];",
        "/// Canonical decompositions that Unicode 3.2.0 had otherwise.",
        f"pub(super) const OLD_DECOMPOSITIONS: [(u32, u32); {len(old := old_decompositions())}] = [",
        *(f"    {pair}," for pair in old),
        "];",
        "",
    ]
    (Path(__file__).parent / "generated.rs").write_text("\n".join(lines))


main()
