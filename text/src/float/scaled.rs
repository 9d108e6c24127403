//! Floats of usual size times a power of ten, rounded: the digits of fixed notation without arithmetic on big numbers.

/// The most decimal places that [`scaled`] knows.
pub(crate) const MOST_PLACES: usize = 17;

const POWERS: [u64; MOST_PLACES + 1] = {
    let mut powers = [1; MOST_PLACES + 1];
    let mut i = 1;
    while i <= MOST_PLACES {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// The absolute value times ten to the power of `places`, rounded exactly, half to even. `None` for large numbers, what isn't
/// finite, and many places.
pub(crate) fn scaled(x: f64, places: usize) -> Option<u64> {
    const FRACTION_BITS: u32 = 52;
    let power = *POWERS.get(places)?;
    let bits = x.to_bits();
    let exponent = (bits >> FRACTION_BITS) as u32 & 0x7ff;
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    // The value is `mantissa * 2^-shift`.
    let (mantissa, shift) = match exponent {
        0 => (fraction, 1074),
        _ => (fraction | 1 << FRACTION_BITS, 1075_u32.checked_sub(exponent)?),
    };
    // Below 2^53 * 2^57.
    let product = u128::from(mantissa) * u128::from(power);
    if shift >= 127 {
        return Some(0);
    }
    let quotient = u64::try_from(product >> shift).ok()?;
    if shift == 0 {
        return Some(quotient);
    }
    let rest = product & ((1 << shift) - 1);
    let half = 1_u128 << (shift - 1);
    let up = rest > half || (rest == half && quotient & 1 == 1);
    quotient.checked_add(u64::from(up))
}

/// `x` rounded to so many places. The quotient of two exact numbers is the float nearest to it.
pub(crate) fn rounded(x: f64, places: i64) -> Option<f64> {
    let places = usize::try_from(places).ok()?;
    let value = scaled(x, places).filter(|value| *value <= 1 << 53)?;
    Some((value as f64 / *POWERS.get(places)? as f64).copysign(x))
}

/// Writes `scaled(x, places)` in fixed notation to the end of a buffer; the rest of the buffer, which has the text. `None`: the
/// buffer is too small.
pub(crate) fn write_fixed(value: u64, places: usize, buffer: &mut [u8]) -> Option<&[u8]> {
    let mut at = buffer.len();
    let mut rest = value;
    let mut written = 0;
    while rest != 0 || written <= places {
        if written == places && places != 0 {
            at = at.checked_sub(1)?;
            *buffer.get_mut(at)? = b'.';
        }
        at = at.checked_sub(1)?;
        *buffer.get_mut(at)? = b'0' + (rest % 10) as u8;
        rest /= 10;
        written += 1;
    }
    buffer.get(at..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Random;

    #[test]
    fn as_rust_formats() {
        let mut random = Random(5);
        let some = [0.0, 0.5, 1.5, 2.5, 0.125, 1e15, 9007199254740991.0, 4e18, 5e-324, 0.05, 999.9995];
        let others =
            (0..20_000).map(|_| random.next() as i64 as f64 / 10_f64.powi((random.below(40)) as i32));
        let mut known = 0;
        for x in some.into_iter().chain(others.collect::<Vec<_>>()) {
            for places in [0, 1, 3, 6, 17] {
                let Some(value) = scaled(x, places) else { continue };
                known += 1;
                let mut buffer = [0; 40];
                let text = write_fixed(value, places, &mut buffer).map(String::from_utf8_lossy);
                assert_eq!(text.as_deref(), Some(format!("{:.places$}", x.abs()).as_str()), "{x} {places}");
            }
        }
        assert!(known > 10_000);
        assert_eq!(scaled(f64::NAN, 3), None);
        assert_eq!(scaled(f64::INFINITY, 3), None);
    }
}
