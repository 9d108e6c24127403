//! Filters of LZMA: from dicts, to properties and back.

use super::{FAILURE, failure};
use liblzma::stream::{Error, Filters, LzmaOptions, MatchFinder, Mode, PRESET_LEVEL_MASK};
use orochi_objects::error::{PyErr, overflow_error, type_error, value_error};
use orochi_objects::types::dict;
use orochi_objects::types::str::PyStr;
use orochi_objects::{Obj, PyDict, PyResult, Ref, Thread, Value, bytes, int, str};

pub(super) const LZMA1: u64 = 0x4000_0000_0000_0001;
pub(super) const LZMA2: u64 = 0x21;
pub(super) const DELTA: u64 = 3;
/// The filters of machine code, by number.
pub(super) const MACHINES: [(&str, u64); 6] = [
    ("FILTER_X86", 4),
    ("FILTER_POWERPC", 5),
    ("FILTER_IA64", 6),
    ("FILTER_ARM", 7),
    ("FILTER_ARMTHUMB", 8),
    ("FILTER_SPARC", 9),
];
/// The most filters in a chain.
const MOST: usize = 4;

/// One filter.
pub(super) enum Filter {
    /// LZMA1 or LZMA2.
    Lzma(u64, Lzma),
    /// Another one, by its number and properties.
    Other(u64, Vec<u8>),
}

/// The options of LZMA that its properties tell of, and all of them for the library.
pub(super) struct Lzma {
    dict_size: u32,
    /// Literal context bits, literal position bits, position bits.
    bits: [u32; 3],
    pub(super) options: LzmaOptions,
}

/// The size of a preset's dictionary, as the manual of xz tells it.
fn dictionary_of(preset: u32) -> u32 {
    const EXPONENTS: [u32; 10] = [18, 20, 21, 22, 22, 23, 23, 24, 25, 26];
    let level = (preset & PRESET_LEVEL_MASK) as usize;
    EXPONENTS.get(level).map_or(0, |exponent| 1 << exponent)
}

pub(super) fn unsupported() -> PyErr {
    failure(&Error::Options)
}

/// An unsigned number of 32 bits.
pub(super) fn unsigned(thread: &mut Thread, value: Ref<'_>) -> PyResult<u32> {
    let number = int::index_clamped(thread, value)?;
    if number < 0 {
        return Err(value_error("Cannot convert negative int"));
    }
    u32::try_from(number).map_err(|_| overflow_error("Value too large for uint32_t type"))
}

fn entry(thread: &mut Thread, spec: &Obj<PyDict>, name: &str) -> PyResult<Option<u32>> {
    let key = str::intern(thread, name)?;
    match dict::get_item(thread, spec, key.get())? {
        Some(value) => unsigned(thread, value.get()).map(Some),
        None => Ok(None),
    }
}

/// ValueError if the dict has other entries.
fn expect_entries(
    thread: &mut Thread,
    spec: &Obj<PyDict>,
    known: &[&str],
    message: &'static str,
) -> PyResult<()> {
    let all = dict::entries(thread, spec)?;
    let is_known = |key: Ref<'_>| {
        key.downcast::<PyStr>().and_then(|key| key.to_str()).is_some_and(|key| known.contains(&key))
    };
    if all.iter().all(|entry| is_known(entry.key.get())) { Ok(()) } else { Err(value_error(message)) }
}

fn lzma(thread: &mut Thread, spec: &Obj<PyDict>) -> PyResult<Lzma> {
    let known = ["id", "preset", "dict_size", "lc", "lp", "pb", "mode", "nice_len", "mf", "depth"];
    expect_entries(thread, spec, &known, "Invalid filter specifier for LZMA filter")?;
    let preset = entry(thread, spec, "preset")?.unwrap_or(6);
    let mut options = LzmaOptions::new_preset(preset)
        .map_err(|_| PyErr::with_message(&FAILURE, format!("Invalid compression preset: {preset}")))?;
    let mut made = (dictionary_of(preset), [3, 0, 2]);
    if let Some(size) = entry(thread, spec, "dict_size")? {
        options.dict_size(size);
        made.0 = size;
    }
    if let Some(bits) = entry(thread, spec, "lc")? {
        options.literal_context_bits(bits);
        made.1[0] = bits;
    }
    if let Some(bits) = entry(thread, spec, "lp")? {
        options.literal_position_bits(bits);
        made.1[1] = bits;
    }
    if let Some(bits) = entry(thread, spec, "pb")? {
        options.position_bits(bits);
        made.1[2] = bits;
    }
    match entry(thread, spec, "mode")? {
        None => {}
        Some(1) => {
            options.mode(Mode::Fast);
        }
        Some(2) => {
            options.mode(Mode::Normal);
        }
        Some(_) => return Err(unsupported()),
    }
    if let Some(len) = entry(thread, spec, "nice_len")? {
        options.nice_len(len);
    }
    let finder = match entry(thread, spec, "mf")? {
        None => None,
        Some(3) => Some(MatchFinder::HashChain3),
        Some(4) => Some(MatchFinder::HashChain4),
        Some(18) => Some(MatchFinder::BinaryTree2),
        Some(19) => Some(MatchFinder::BinaryTree3),
        Some(20) => Some(MatchFinder::BinaryTree4),
        Some(_) => return Err(unsupported()),
    };
    if let Some(finder) = finder {
        options.match_finder(finder);
    }
    if let Some(depth) = entry(thread, spec, "depth")? {
        options.depth(depth);
    }
    Ok(Lzma { dict_size: made.0, bits: made.1, options })
}

/// The filter that a dict describes.
pub(super) fn filter(thread: &mut Thread, spec: Ref<'_>) -> PyResult<Filter> {
    let Some(spec) = spec.downcast::<PyDict>() else {
        return Err(type_error("Filter specifier must be a dict or dict-like object"));
    };
    let key = str::intern(thread, "id")?;
    let Some(id) = dict::get_item(thread, spec, key.get())? else {
        return Err(value_error("Filter specifier must have an \"id\" entry"));
    };
    let id = int::index_clamped(thread, id.get())?;
    let number = u64::try_from(id).map_err(|_| value_error("Cannot convert negative int"))?;
    match number {
        LZMA1 | LZMA2 => lzma(thread, spec).map(|options| Filter::Lzma(number, options)),
        DELTA => {
            expect_entries(thread, spec, &["id", "dist"], "Invalid filter specifier for delta filter")?;
            let distance = entry(thread, spec, "dist")?.unwrap_or(1);
            let property = distance.checked_sub(1).and_then(|distance| u8::try_from(distance).ok());
            Ok(Filter::Other(number, vec![property.ok_or_else(unsupported)?]))
        }
        4..=9 => {
            let message = "Invalid filter specifier for BCJ filter";
            expect_entries(thread, spec, &["id", "start_offset"], message)?;
            let start = entry(thread, spec, "start_offset")?.unwrap_or(0);
            let properties = if start == 0 { Vec::new() } else { start.to_le_bytes().to_vec() };
            Ok(Filter::Other(number, properties))
        }
        _ => Err(value_error(format!("Invalid filter ID: {id}"))),
    }
}

/// A chain of filters from a sequence of dicts.
pub(super) fn chain(thread: &mut Thread, specs: Ref<'_>) -> PyResult<Vec<Filter>> {
    let specs = orochi_objects::protocol::collect(thread, specs)?;
    if specs.len() > MOST {
        return Err(value_error(format!("Too many filters - liblzma supports a maximum of {MOST}")));
    }
    specs.iter().map(|spec| filter(thread, spec.get())).collect()
}

/// The chain for the library.
pub(super) fn filters(chain: &[Filter]) -> Result<Filters, Error> {
    let mut made = Filters::new();
    for filter in chain {
        match filter {
            Filter::Lzma(LZMA1, lzma) => {
                made.lzma1(&lzma.options);
            }
            Filter::Lzma(_, lzma) => {
                made.lzma2(&lzma.options);
            }
            Filter::Other(id, properties) => {
                match id {
                    4 => made.x86_properties(properties)?,
                    5 => made.powerpc_properties(properties)?,
                    6 => made.ia64_properties(properties)?,
                    7 => made.arm_properties(properties)?,
                    8 => made.arm_thumb_properties(properties)?,
                    9 => made.sparc_properties(properties)?,
                    _ => made.delta_properties(properties)?,
                };
            }
        }
    }
    Ok(made)
}

/// The size of a dictionary of LZMA2 for each value of its property.
fn lzma2_size(property: u32) -> Option<u32> {
    match property {
        40 => Some(u32::MAX),
        0..40 => Some((2 | property & 1) << (property / 2 + 11)),
        _ => None,
    }
}

/// The properties of a filter as files have them.
pub(super) fn encode(filter: &Filter) -> PyResult<Vec<u8>> {
    Ok(match filter {
        Filter::Other(_, properties) => properties.clone(),
        Filter::Lzma(LZMA1, lzma) => {
            let [lc, lp, pb] = lzma.bits;
            if lc > 4 || lp > 4 || lc + lp > 4 || pb > 4 {
                return Err(unsupported());
            }
            let mut properties = vec![((pb * 5 + lp) * 9 + lc) as u8];
            properties.extend_from_slice(&lzma.dict_size.to_le_bytes());
            properties
        }
        Filter::Lzma(_, lzma) => {
            let fits = |property: &u32| lzma2_size(*property).is_some_and(|size| size >= lzma.dict_size);
            vec![(0..=40).find(fits).unwrap_or(40) as u8]
        }
    })
}

/// The dict for a filter with these properties.
pub(super) fn decode(thread: &mut Thread, id: u64, properties: &[u8]) -> PyResult<Value> {
    let entries: Vec<(&str, u32)> = match (id, properties) {
        (LZMA1, [bits, size @ ..]) if *bits < 225 => {
            let bits = u32::from(*bits);
            let size: [u8; 4] = size.try_into().map_err(|_| unsupported())?;
            let (lc, lp, pb) = (bits % 9, bits / 9 % 5, bits / 45);
            vec![("lc", lc), ("lp", lp), ("pb", pb), ("dict_size", u32::from_le_bytes(size))]
        }
        (LZMA2, [property]) => {
            vec![("dict_size", lzma2_size((*property).into()).ok_or_else(unsupported)?)]
        }
        (DELTA, [distance]) => vec![("dist", u32::from(*distance) + 1)],
        (4..=9, []) => Vec::new(),
        (4..=9, start) => {
            let start: [u8; 4] = start.try_into().map_err(|_| unsupported())?;
            vec![("start_offset", u32::from_le_bytes(start))]
        }
        _ => return Err(unsupported()),
    };
    let made = dict::new(thread)?;
    let add = |thread: &mut Thread, name: &str, number: i64| {
        let (name, number) = (str::intern(thread, name)?, int::new(thread, number)?);
        dict::set_item(thread, &made, name.get(), number)
    };
    add(thread, "id", id as i64)?;
    for (name, number) in entries {
        add(thread, name, number.into())?;
    }
    Ok(made.into_value())
}

/// The properties as a bytes object.
pub(super) fn encoded(thread: &mut Thread, spec: Ref<'_>) -> PyResult {
    let filter = filter(thread, spec)?;
    let properties = encode(&filter)?;
    bytes::new(thread, &properties)
}
