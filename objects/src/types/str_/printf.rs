//! `str % arguments`.

use crate::class::exactly;
use crate::error::{PyResult, memory_error, overflow_error, type_error, value_error};
use crate::protocol;
use crate::types::dict::{self, PyDict};
use crate::types::format::size_error;
use crate::types::int::{self, IntRef};
use crate::types::str::{self, PyStr};
use crate::types::tuple::PyTuple;
use orochi_core::{Obj, Ref, Thread};
use orochi_text::int::{digits_of_big, digits_of_small};
use orochi_text::printf::{Amount, Conversion, Layout, Piece, Pieces, PrintfError};
use orochi_text::wtf8::{CodePoint, Wtf8, Wtf8Buf};

/// The arguments of a `%` operation, taken in order.
pub struct Arguments<'a> {
    all: Ref<'a>,
    tuple: Option<&'a Obj<PyTuple>>,
    next: usize,
    mapping: bool,
    used_key: bool,
}

impl<'a> Arguments<'a> {
    /// The right operand: a tuple of arguments, or one argument, which may be a mapping. `text` says what is no mapping
    /// although it has items.
    pub fn new(all: Ref<'a>, text: bool) -> Arguments<'a> {
        let tuple = all.downcast::<PyTuple>();
        let is_text = text && all.downcast::<PyStr>().is_some()
            || !text && (crate::bytes::value(all).is_some() || is_bytearray(all));
        let mapping = crate::class_of(all).slots.mp_subscript().is_some() && tuple.is_none() && !is_text;
        Arguments { all, tuple, next: 0, mapping, used_key: false }
    }

    /// Whether keys can be looked up in it.
    pub fn is_mapping(&self) -> bool {
        self.mapping
    }

    /// The next argument.
    pub fn take(&mut self) -> PyResult<Ref<'a>> {
        let found = match self.tuple {
            Some(tuple) => tuple.item(self.next),
            None if self.next == 0 && !self.used_key => Some(self.all),
            None => None,
        };
        self.next += 1;
        found.ok_or_else(|| type_error("not enough arguments for format string"))
    }

    /// The argument under a key.
    pub fn lookup(&mut self, thread: &mut Thread, key: Ref<'_>) -> PyResult {
        self.used_key = true;
        protocol::get_item(thread, self.all, key)
    }

    /// The argument under the key of this text.
    fn lookup_text(&mut self, thread: &mut Thread, key: &Wtf8) -> PyResult {
        if let Some(value) = exactly::<PyDict>(self.all).and_then(|dict| dict::get_text(thread, dict, key)) {
            self.used_key = true;
            return Ok(value);
        }
        let key = str::from_wtf8(thread, key)?;
        self.lookup(thread, key.get())
    }

    /// The argument for a `*`.
    pub fn star(
        &mut self,
        thread: &mut Thread,
        amount: Option<Amount>,
        precision: bool,
    ) -> PyResult<Option<i64>> {
        if amount != Some(Amount::Star) {
            return Ok(None);
        }
        let value = self.take()?;
        let Some(number) = int::value(value) else { return Err(type_error("* wants int")) };
        let _ = thread;
        match number.to_i64() {
            Some(n) if precision && i32::try_from(n).is_err() => {
                Err(overflow_error("Python int too large to convert to C int"))
            }
            Some(n) => Ok(Some(n)),
            None => Err(overflow_error("Python int too large to convert to C ssize_t")),
        }
    }

    /// TypeError if arguments are left over.
    pub fn finish(&self, kind: &str) -> PyResult<()> {
        let left = match self.tuple {
            Some(tuple) => self.next < tuple.len(),
            None => self.next == 0 && !self.used_key && !self.mapping,
        };
        if left {
            return Err(type_error(format!("not all arguments converted during {kind} formatting")));
        }
        Ok(())
    }
}

fn is_bytearray(object: Ref<'_>) -> bool {
    object.downcast::<crate::types::bytearray::PyByteArray>().is_some()
}

/// The exception for a mistake in the format.
#[cold]
pub fn printf_error(error: PrintfError) -> crate::PyErr {
    match error {
        PrintfError::NotMapping => type_error(error.to_string()),
        _ => value_error(error.to_string()),
    }
}

/// An argument as digits, for the types d, i, u, o, x and X.
pub fn int_text(thread: &mut Thread, argument: Ref<'_>, layout: &Layout) -> PyResult<String> {
    let code = char::from(layout.code);
    let decimal = matches!(code, 'd' | 'i' | 'u');
    let value = if int::is_int(argument) {
        argument.to_owned()
    } else {
        let class = crate::class_of(argument);
        let converted = if decimal && class.slots.nb_int().is_some() {
            Some(crate::types::int_::construct::from_object(thread, argument))
        } else if class.slots.nb_index().is_some() {
            Some(int::index(thread, argument))
        } else {
            None
        };
        let wanted = if decimal { "a real number" } else { "an integer" };
        match converted {
            Some(Err(error)) if !error.matches(&crate::types::exception::TypeError) => return Err(error),
            Some(Ok(value)) => value,
            _ => {
                return Err(type_error(format!(
                    "%{code} format: {wanted} is required, not {}",
                    class.name()
                )));
            }
        }
    };
    let (base, upper) = match code {
        'o' => (8, false),
        'x' => (16, false),
        'X' => (16, true),
        _ => (10, false),
    };
    let number = int::value(value.get()).unwrap_or(IntRef::Small(0));
    let digits = match number {
        IntRef::Small(small) => digits_of_small(small.unsigned_abs(), base, upper),
        big if base == 10 => crate::types::int_::text::decimal(big)?.trim_start_matches('-').to_owned(),
        IntRef::Big(big) => digits_of_big(big, base, upper),
    };
    layout.int(number.is_negative(), &digits).map_err(|error| size_error(error, "width too big"))
}

/// An argument as text, for the types e, f and g.
pub fn float_text(thread: &mut Thread, argument: Ref<'_>, layout: &Layout) -> PyResult<String> {
    let value = protocol::number::as_float(thread, argument)?;
    layout.float(value).map_err(|error| size_error(error, "width too big"))
}

/// An argument of type c.
fn character(thread: &mut Thread, argument: Ref<'_>) -> PyResult<CodePoint> {
    if let Some(text) = argument.downcast::<PyStr>() {
        let mut points = text.as_wtf8().code_points();
        return match (points.next(), points.next()) {
            (Some(c), None) => Ok(c),
            _ => Err(type_error(format!(
                "%c requires an int or a unicode character, not a string of length {}",
                text.len()
            ))),
        };
    }
    let class = crate::class_of(argument);
    if !int::is_int(argument) && class.slots.nb_index().is_none() {
        let class = crate::types::type_::members::qualified_name(thread, class)?;
        return Err(type_error(format!("%c requires an int or a unicode character, not {class}")));
    }
    let value = int::index(thread, argument)?;
    let c = int::value(value.get()).and_then(IntRef::to_i64).and_then(|n| u32::try_from(n).ok());
    let c = c.and_then(CodePoint::from_u32);
    c.ok_or_else(|| overflow_error("%c arg not in range(0x110000)"))
}

fn convert(
    thread: &mut Thread,
    conversion: &Conversion<'_, Wtf8>,
    argument: Ref<'_>,
    layout: &Layout,
    out: &mut Wtf8Buf,
) -> PyResult<()> {
    let blank = Wtf8::new(" ");
    let code = char::from(layout.code);
    let text = match code {
        's' => protocol::str(thread, argument)?,
        'r' => protocol::repr(thread, argument)?,
        'a' => {
            let repr = protocol::repr(thread, argument)?;
            match repr.get().downcast::<PyStr>() {
                Some(text) => super::sequence::ascii_of_repr(thread, text)?,
                None => repr,
            }
        }
        'c' => {
            let c = character(thread, argument)?;
            let c = Wtf8Buf::from(c);
            let text = layout.character::<Wtf8>(&c, blank);
            out.push_wtf8(&text.map_err(|error| size_error(error, "width too big"))?);
            return Ok(());
        }
        'd' | 'i' | 'u' | 'o' | 'x' | 'X' => {
            if let Some(small) = argument.as_small_int()
                && push_small(small, layout, out)
            {
                return Ok(());
            }
            out.push_str(&int_text(thread, argument, layout)?);
            return Ok(());
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            out.push_str(&float_text(thread, argument, layout)?);
            return Ok(());
        }
        _ => return Err(printf_error(conversion.unsupported())),
    };
    let Some(text) = text.get().downcast::<PyStr>() else { return Ok(()) };
    if layout.width == 0 && layout.precision.is_none() {
        out.push_wtf8(text.as_wtf8());
        return Ok(());
    }
    layout.push_text(text.as_wtf8(), out).map_err(|error| size_error(error, "width too big"))
}

/// How much longer than its format a text becomes, as a rule.
const ROOM: usize = 64;

/// Appends a small int in the base of the type, if it is laid out plainly; false if it isn't.
fn push_small(value: i64, layout: &Layout, out: &mut Wtf8Buf) -> bool {
    let digit = match layout.code {
        b'd' | b'i' | b'u' => {
            let mut buffer = [0; 20];
            let digits = crate::types::int_::text::small_decimal(value, &mut buffer);
            return layout.push_plain_int(value < 0, digits.strip_prefix(b"-").unwrap_or(digits), out);
        }
        b'x' => b"0123456789abcdef",
        b'X' => b"0123456789ABCDEF",
        _ => return false,
    };
    let (mut buffer, mut at, mut rest) = ([0; 16], 16, value.unsigned_abs());
    for place in buffer.iter_mut().rev() {
        *place = digit.get((rest & 15) as usize).copied().unwrap_or(b'0');
        (at, rest) = (at - 1, rest >> 4);
        if rest == 0 {
            break;
        }
    }
    layout.push_plain_int(value < 0, buffer.get(at..).unwrap_or_default(), out)
}

/// Appends what `%d` makes of any argument.
fn int_conversion(thread: &mut Thread, argument: Ref<'_>, out: &mut Wtf8Buf) -> PyResult<()> {
    out.push_str(&int_text(thread, argument, &Layout { code: b'd', ..Layout::default() })?);
    Ok(())
}

/// Appends what `%s` or `%d` makes of the commonest arguments; false if it is another one.
#[inline]
fn push_plain(thread: &mut Thread, code: u8, argument: Ref<'_>, out: &mut Wtf8Buf) -> PyResult<bool> {
    if let Some(small) = argument.as_small_int() {
        let mut buffer = [0; 20];
        let digits = crate::types::int_::text::small_decimal(small, &mut buffer);
        digits.iter().for_each(|&digit| out.push_ascii(digit));
        return Ok(true);
    }
    if code != b's' {
        return Ok(false);
    }
    if let Some(text) = exactly::<PyStr>(argument) {
        out.push_wtf8(text.as_wtf8());
        return Ok(true);
    }
    let text = protocol::str(thread, argument)?;
    if let Some(text) = text.get().downcast::<PyStr>() {
        out.push_wtf8(text.as_wtf8());
    }
    Ok(true)
}

/// `format % arguments`.
pub fn format(thread: &mut Thread, format: &Obj<PyStr>, arguments: Ref<'_>) -> PyResult {
    let mut arguments = Arguments::new(arguments, true);
    let mut out = Wtf8Buf::new();
    // Short texts need no more than this.
    out.try_reserve_exact(format.byte_len().saturating_add(ROOM)).map_err(|_| memory_error())?;
    let mut pieces = Pieces::of_str(format.as_wtf8(), arguments.is_mapping());
    loop {
        out.push_wtf8(pieces.literal());
        if let Some((key, code)) = pieces.plain() {
            let found = key.map(|key| arguments.lookup_text(thread, key)).transpose()?;
            let argument = match &found {
                Some(found) => found.get(),
                None => arguments.take()?,
            };
            if !push_plain(thread, code, argument, &mut out)? {
                int_conversion(thread, argument, &mut out)?;
            }
            continue;
        }
        let conversion = match pieces.next() {
            None => break,
            Some(piece) => match piece.map_err(printf_error)? {
                Piece::Literal(text) => {
                    out.push_wtf8(text);
                    continue;
                }
                Piece::Conversion(conversion) => conversion,
            },
        };
        let found = conversion.key.map(|key| arguments.lookup_text(thread, key)).transpose()?;
        let width = arguments.star(thread, conversion.width, false)?;
        let precision = arguments.star(thread, conversion.precision, true)?;
        let layout = conversion.layout(width, precision);
        let argument = match &found {
            Some(found) => found.get(),
            None => arguments.take()?,
        };
        convert(thread, &conversion, argument, &layout, &mut out)?;
    }
    arguments.finish("string")?;
    str::from_wtf8(thread, &out)
}
