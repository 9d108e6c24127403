//! Sums over what CPython 3.14 answers. Written by `generate.py`; do not edit.

pub(super) const SUMS: [(&str, u32); 15] = [
    ("float_repr", 0xa94b270c),
    ("float_format", 0x54e4c83b),
    ("float_round", 0x58079792),
    ("float_parse", 0xec6af2e0),
    ("int_parse", 0x9e4c3049),
    ("repr_everything", 0xd4d5f85b),
    ("hash_numbers", 0x2914ec3b),
    ("format_specs", 0x49ff0759),
    ("templates", 0x1bd7fc90),
    ("printf", 0x3e8327aa),
    ("decoding", 0x2060e673),
    ("encoding", 0xf5eb1b95),
    ("bytes_escapes", 0x6247d4a3),
    ("searching", 0x31a7bbe),
    ("casing", 0x21d47696),
];
