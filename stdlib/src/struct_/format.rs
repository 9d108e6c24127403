//! Formats of `struct`: parsing them, and values to bytes and back.

use super::error;
use num_traits::ToPrimitive;
use orochi_objects::buffer::own_bytes;
use orochi_objects::error::overflow_error;
use orochi_objects::int::IntRef;
use orochi_objects::protocol::number::as_float;
use orochi_objects::types::{bytes, complex};
use orochi_objects::{PyResult, Ref, Thread, Value, class_of, float, int, protocol};

/// One code of a format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    code: u8,
    /// How many values; for `s` and `p` there is one of `size` bytes.
    count: usize,
    size: usize,
    offset: usize,
}

/// A parsed format.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) items: Vec<Item>,
    /// Bytes in all.
    pub(super) size: usize,
    /// Values in all.
    pub(super) values: usize,
    big_endian: bool,
}

/// Size and alignment of a code.
fn size_of(code: u8, native: bool) -> Option<(usize, usize)> {
    let size = match code {
        b'x' | b'b' | b'B' | b'c' | b's' | b'p' | b'?' => 1,
        b'h' | b'H' | b'e' => 2,
        b'i' | b'I' | b'f' => 4,
        b'l' | b'L' => {
            if native {
                size_of::<std::ffi::c_long>()
            } else {
                4
            }
        }
        b'q' | b'Q' | b'd' => 8,
        b'n' | b'N' | b'P' if native => size_of::<usize>(),
        b'F' => return Some((8, if native { 4 } else { 1 })),
        b'D' => return Some((16, if native { 8 } else { 1 })),
        _ => return None,
    };
    return Some((size, if native { size } else { 1 }));

    fn size_of<T>() -> usize {
        std::mem::size_of::<T>()
    }
}

impl Layout {
    /// Parses.
    pub(super) fn parse(format: &[u8]) -> PyResult<Layout> {
        let (native, big_endian, rest) = match format {
            [b'<', rest @ ..] => (false, false, rest),
            [b'>' | b'!', rest @ ..] => (false, true, rest),
            [b'=', rest @ ..] => (false, cfg!(target_endian = "big"), rest),
            [b'@', rest @ ..] => (true, cfg!(target_endian = "big"), rest),
            rest => (true, cfg!(target_endian = "big"), rest),
        };
        if rest.contains(&0) {
            return Err(error("embedded null character"));
        }
        let too_long = || error("total struct size too long");
        let mut layout = Layout { items: Vec::new(), size: 0, values: 0, big_endian };
        let mut codes = rest.iter().copied();
        while let Some(mut code) = codes.next() {
            if code.is_ascii_whitespace() || code == 0x0B {
                continue;
            }
            let mut count: Option<usize> = None;
            while code.is_ascii_digit() {
                let digit = usize::from(code - b'0');
                let next = count.unwrap_or(0).checked_mul(10).and_then(|count| count.checked_add(digit));
                count = Some(next.filter(|next| isize::try_from(*next).is_ok()).ok_or_else(too_long)?);
                code = codes.next().ok_or_else(|| error("repeat count given without format specifier"))?;
            }
            let count = count.unwrap_or(1);
            let (size, align) = size_of(code, native).ok_or_else(|| error("bad char in struct format"))?;
            let offset = layout.size.checked_next_multiple_of(align).ok_or_else(too_long)?;
            let bytes = size.checked_mul(count).and_then(|bytes| offset.checked_add(bytes));
            layout.size = bytes.filter(|bytes| isize::try_from(*bytes).is_ok()).ok_or_else(too_long)?;
            let item = match code {
                b'x' => continue,
                b's' | b'p' => Item { code, count: 1, size: count, offset },
                _ => Item { code, count, size, offset },
            };
            layout.values += item.count;
            if item.count > 0 {
                layout.items.push(item);
            }
        }
        Ok(layout)
    }

    /// Writes values into `out`, which has `size` bytes, all zero.
    pub(super) fn pack(
        &self,
        thread: &mut Thread,
        mut values: impl Iterator<Item = Value>,
        out: &mut [u8],
    ) -> PyResult<()> {
        for item in &self.items {
            for i in 0..item.count {
                let start = item.offset + i * item.size;
                let Some(place) = out.get_mut(start..start + item.size) else { return Ok(()) };
                let Some(value) = values.next() else { return Ok(()) };
                self.pack_one(thread, item.code, value.get(), place)?;
            }
        }
        Ok(())
    }

    fn put(&self, place: &mut [u8], little_endian: &[u8]) {
        for (to, from) in place.iter_mut().zip(little_endian) {
            *to = *from;
        }
        if self.big_endian {
            place.reverse();
        }
    }

    fn pack_one(&self, thread: &mut Thread, code: u8, value: Ref<'_>, place: &mut [u8]) -> PyResult<()> {
        match code {
            b'c' => match bytes::value(value) {
                Some([byte]) => place.fill(*byte),
                _ => return Err(error("char format requires a bytes object of length 1")),
            },
            b's' | b'p' => {
                let name = char::from(code);
                let content = own_bytes(thread, value)
                    .ok_or_else(|| error(format!("argument for '{name}' must be a bytes object")))?;
                let skip = usize::from(code == b'p').min(place.len());
                let (count, room) = place.split_at_mut(skip);
                for (to, from) in room.iter_mut().zip(content.iter()) {
                    *to = *from;
                }
                count.fill(content.len().min(room.len()).min(255) as u8);
            }
            b'?' => place.fill(u8::from(protocol::is_true(thread, value)?)),
            b'e' | b'f' | b'd' => {
                let number =
                    as_float(thread, value).map_err(|_| error("required argument is not a float"))?;
                self.put_float(code, number, place)?;
            }
            b'F' | b'D' => {
                let (real, imag) = match complex::from_number(thread, value) {
                    Ok(Some(parts)) => parts,
                    _ => return Err(error("required argument is not a complex")),
                };
                let part = if code == b'F' { b'f' } else { b'd' };
                let (first, second) = place.split_at_mut(place.len() / 2);
                self.put_float(part, real, first)?;
                self.put_float(part, imag, second)?;
            }
            _ => self.pack_int(thread, code, value, place)?,
        }
        Ok(())
    }

    fn put_float(&self, code: u8, number: f64, place: &mut [u8]) -> PyResult<()> {
        let too_large = |code| overflow_error(format!("float too large to pack with {code} format"));
        match code {
            b'e' => {
                let half = to_half(number).ok_or_else(|| too_large('e'))?;
                self.put(place, &half.to_le_bytes());
            }
            b'f' => {
                let single = number as f32;
                if single.is_infinite() && number.is_finite() {
                    return Err(too_large('f'));
                }
                self.put(place, &single.to_le_bytes());
            }
            _ => self.put(place, &number.to_le_bytes()),
        }
        Ok(())
    }

    fn pack_int(&self, thread: &mut Thread, code: u8, value: Ref<'_>, place: &mut [u8]) -> PyResult<()> {
        let object;
        let number = match int::value(value) {
            Some(number) => number,
            None if class_of(value).slots.nb_index().is_some() => {
                object = int::index(thread, value)?;
                int::value(object.get()).unwrap_or(IntRef::Small(0))
            }
            None => return Err(error("required argument is not an integer")),
        };
        let bits = place.len() as u32 * 8;
        if let IntRef::Small(small) = number
            && bits < 64
            && matches!(code, b'b' | b'h' | b'i' | b'l')
            && (small >> (bits - 1) == 0 || small >> (bits - 1) == -1)
        {
            self.put(place, &small.to_le_bytes());
            return Ok(());
        }
        let number = match number {
            IntRef::Small(small) => Some(i128::from(small)),
            IntRef::Big(big) => big.to_i128(),
        };
        let (low, high) = match code {
            b'P' => (i128::from(i64::MIN), i128::from(u64::MAX)),
            b'b' | b'h' | b'i' | b'l' | b'q' | b'n' => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
            _ => (0, (1_i128 << bits) - 1),
        };
        match number.filter(|number| (low..=high).contains(number)) {
            Some(number) => self.put(place, &number.to_le_bytes()),
            None if code == b'P' => return Err(error("int too large to convert")),
            None => {
                let name = char::from(code);
                return Err(error(format!("'{name}' format requires {low} <= number <= {high}")));
            }
        }
        Ok(())
    }

    /// The values in `from`, which has `size` bytes.
    pub(super) fn unpack(&self, thread: &mut Thread, from: &[u8]) -> PyResult<Vec<Value>> {
        let mut values = Vec::with_capacity(self.values.min(from.len()));
        for item in &self.items {
            for i in 0..item.count {
                let start = item.offset + i * item.size;
                let part = from.get(start..start + item.size).unwrap_or_default();
                values.push(self.unpack_one(thread, item.code, part)?);
            }
        }
        Ok(values)
    }

    fn unpack_one(&self, thread: &mut Thread, code: u8, part: &[u8]) -> PyResult {
        let mut little = [0_u8; 8];
        if part.len() <= 8 {
            for (i, to) in little.iter_mut().take(part.len()).enumerate() {
                let from = if self.big_endian { part.len() - 1 - i } else { i };
                *to = part.get(from).copied().unwrap_or(0);
            }
        }
        let word = u64::from_le_bytes(little);
        match code {
            b'c' | b's' => bytes::new(thread, part),
            b'p' => {
                let (count, content) =
                    part.split_first().map_or((0, part), |(n, rest)| (usize::from(*n), rest));
                bytes::new(thread, content.get(..count.min(content.len())).unwrap_or_default())
            }
            b'?' => Ok(Value::bool(word != 0)),
            b'e' => float::new(thread, from_half(word as u16)),
            b'f' => float::new(thread, f32::from_bits(word as u32).into()),
            b'd' => float::new(thread, f64::from_bits(word)),
            b'F' | b'D' => {
                let (first, second) = part.split_at(part.len() / 2);
                let real = self.float_of(first);
                let imag = self.float_of(second);
                complex::new(thread, real, imag)
            }
            b'b' | b'h' | b'i' | b'l' | b'q' | b'n' => {
                let unused = 64 - part.len().clamp(1, 8) as u32 * 8;
                int::new(thread, ((word << unused) as i64) >> unused)
            }
            _ => match i64::try_from(word) {
                Ok(small) => int::new(thread, small),
                Err(_) => int::from_big(thread, word.into()),
            },
        }
    }

    fn float_of(&self, part: &[u8]) -> f64 {
        let mut bytes = part.to_vec();
        if self.big_endian {
            bytes.reverse();
        }
        match <[u8; 4]>::try_from(bytes.as_slice()) {
            Ok(single) => f32::from_le_bytes(single).into(),
            Err(_) => <[u8; 8]>::try_from(bytes.as_slice()).map_or(0.0, f64::from_le_bytes),
        }
    }
}

/// IEEE 754 half precision, rounded half to even; `None` if it is too large.
pub(crate) fn to_half(x: f64) -> Option<u16> {
    let sign = u16::from(x.is_sign_negative()) << 15;
    if x.is_nan() {
        return Some(sign | 0x7E00);
    }
    let magnitude = x.abs();
    if magnitude.is_infinite() {
        return Some(sign | 0x7C00);
    }
    // In units of the smallest subnormal (2**-24), or of the last place of the number's own exponent.
    let exponent = if magnitude < f64::from_bits(0x3F10_0000_0000_0000) {
        -14
    } else {
        ((magnitude.to_bits() >> 52) as i32) - 1023
    };
    if exponent > 15 {
        return None;
    }
    let units = (magnitude * 2_f64.powi(10 - exponent)).round_ties_even();
    let mut bits = units as u32;
    if bits >= 1024 {
        bits = bits - 1024 + (((exponent + 15) as u32) << 10);
    }
    (bits < 0x7C00).then_some(sign | bits as u16)
}

/// The value of a half precision number.
pub(crate) fn from_half(half: u16) -> f64 {
    let (exponent, fraction) = (i32::from(half >> 10) & 31, f64::from(half & 1023));
    let magnitude = match exponent {
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        0 => fraction * 2_f64.powi(-24),
        _ => (fraction + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if half >> 15 == 1 { -magnitude } else { magnitude }
}
