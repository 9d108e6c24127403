//! Every code point, and texts of awkward lengths, against vectors of code points.

use super::*;

fn cp(value: u32) -> CodePoint {
    CodePoint::from_u32(value).unwrap()
}

fn sample(len: usize) -> (Vec<CodePoint>, Wtf8Buf) {
    let alphabet =
        [0x61, 0xE9, 0xD800, 0xDC00, 0x20AC, 0x1F600, 0xD7FF, 0x10FFFF, 0xE000, 0x7F, 0x80, 0x7FF, 0x800];
    let points: Vec<_> = (0..len).map(|i| cp(alphabet[(i * 7 + i / 5) % alphabet.len()])).collect();
    let text = points.iter().copied().collect();
    (points, text)
}

#[test]
fn every_code_point_survives() {
    for value in 0..=0x10_FFFF {
        let c = cp(value);
        let text = Wtf8Buf::from(c);
        assert_eq!(text.len(), c.len_wtf8());
        assert_eq!(text.code_points().next(), Some(c));
        assert_eq!(text.code_points().next_back(), Some(c));
        match c.to_char() {
            Some(c) => assert_eq!(text.as_bytes(), c.to_string().as_bytes()),
            None => assert!(text.as_str().is_none() && Wtf8::from_bytes(text.as_bytes()).is_some()),
        }
    }
}

#[test]
fn iteration_counting_and_crumbs_agree_with_a_vector() {
    for len in [0, 1, 2, 63, 64, 65, 128, 191, 192, 193, 200, 1000] {
        let (points, text) = sample(len);
        assert_eq!(text.count_code_points(), len);
        assert!(text.code_points().eq(points.iter().copied()));
        assert!(text.code_points().rev().eq(points.iter().rev().copied()));
        let forward: Vec<_> = text.code_point_indices().collect();
        let mut backward: Vec<_> = text.code_point_indices().rev().collect();
        backward.reverse();
        assert_eq!(forward, backward);
        let crumbs = Breadcrumbs::new(&text);
        assert_eq!(crumbs.code_points(), len);
        for (index, &(offset, c)) in forward.iter().enumerate() {
            assert_eq!(text.code_point_at(offset), Some(c));
            assert_eq!(crumbs.offset_of_index(&text, index), Some(offset));
            assert_eq!(text.offset_of_index(index), Some(offset));
            assert_eq!(crumbs.index_of_offset(&text, offset), index);
        }
        assert_eq!(crumbs.offset_of_index(&text, len), Some(text.len()));
        assert_eq!(text.offset_of_index(len), Some(text.len()));
        assert_eq!(crumbs.index_of_offset(&text, text.len()), len);
        assert_eq!(crumbs.offset_of_index(&text, len + 1), None);
    }
}

#[test]
fn surrogates_are_kept_apart() {
    let pair: Wtf8Buf = [cp(0xD83D), cp(0xDE00)].into_iter().collect();
    assert_eq!(pair.count_code_points(), 2);
    assert_eq!(pair.len(), 6);
    assert!(pair.as_str().is_none());
    assert_eq!(CodePoint::join_surrogates(0xD83D, 0xDE00), '\u{1F600}');
    assert_eq!(Wtf8::new("\u{D7FF}x").as_str(), Some("\u{D7FF}x"));
    assert_eq!(pair.to_string(), "\u{FFFD}\u{FFFD}");
}

#[test]
fn malformed_bytes_are_refused() {
    let bad: [&[u8]; 8] = [
        b"\x80",
        b"\xC0\x80",
        b"\xC1\xBF",
        b"\xE0\x9F\xBF",
        b"\xF0\x8F\xBF\xBF",
        b"\xF4\x90\x80\x80",
        b"\xE2\x82",
        b"\xFF",
    ];
    for bytes in bad {
        assert!(Wtf8::from_bytes(bytes).is_none(), "{bytes:?}");
    }
}

#[test]
fn cuts_are_only_made_at_boundaries() {
    let text = Wtf8::new("aé€");
    assert_eq!(text.get(1, 3).map(Wtf8::as_str), Some(Some("é")));
    assert!(text.get(2, 3).is_none() && text.get(3, 1).is_none() && text.get(0, 7).is_none());
    let mut owned = text.to_owned();
    owned.truncate(2);
    assert_eq!(owned, "aé€");
    assert_eq!(owned.pop(), Some('€'.into()));
    assert_eq!(owned, "aé");
}
