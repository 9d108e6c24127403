//! `_csv`: reading and writing files of separated values.
//!
//! Reading is a state machine over characters (the states are those of CPython's documentation of dialects: in a field, in
//! quotes, behind an escape, …). A reader's state between lines lies under its lock; lines are fetched outside of it.

use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::error::{Message, type_error, value_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{exception, list};
use orochi_objects::{
    Field, Guarded, KwArgs, ModuleExt, Obj, Owned, PyErr, PyModule, PyResult, PyType, Ref, Thread, Value,
    alloc, class_of, float, int, make, protocol, str,
};
use orochi_text::wtf8::{CodePoint, Wtf8, Wtf8Buf};
use std::sync::atomic::{AtomicI64, Ordering};

crate::exception!(ERROR: "Error" in "_csv", Exception, "");

/// The longest field, in characters. Relaxed: it guards nothing else.
static FIELD_LIMIT: AtomicI64 = AtomicI64::new(128 * 1024);

fn error(message: impl Message) -> PyErr {
    PyErr::with_message(&ERROR, message)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quoting {
    Minimal,
    All,
    NonNumeric,
    None,
    Strings,
    NotNull,
}

impl Quoting {
    const ALL: [(Quoting, &'static str); 6] = [
        (Quoting::Minimal, "QUOTE_MINIMAL"),
        (Quoting::All, "QUOTE_ALL"),
        (Quoting::NonNumeric, "QUOTE_NONNUMERIC"),
        (Quoting::None, "QUOTE_NONE"),
        (Quoting::Strings, "QUOTE_STRINGS"),
        (Quoting::NotNull, "QUOTE_NOTNULL"),
    ];

    fn from_number(number: i64) -> Option<Quoting> {
        let index = usize::try_from(number).ok()?;
        Self::ALL.get(index).map(|(quoting, _)| *quoting)
    }
}

#[derive(Clone, Debug)]
struct Format {
    delimiter: CodePoint,
    quotechar: Option<CodePoint>,
    escapechar: Option<CodePoint>,
    lineterminator: Wtf8Buf,
    quoting: Quoting,
    doublequote: bool,
    skipinitialspace: bool,
    strict: bool,
}

/// CSV dialect
///
/// The Dialect type records CSV dialect options.
#[pyclass(name = "Dialect", module = "_csv", subclassable)]
#[derive(Trace)]
struct Dialect {
    #[trace(unsafe_skip)]
    format: Format,
}

const OPTIONS: [&str; 8] = [
    "delimiter",
    "doublequote",
    "escapechar",
    "lineterminator",
    "quotechar",
    "quoting",
    "skipinitialspace",
    "strict",
];

/// The options of a dialect as they were given: by keyword, or as attributes of another dialect.
struct Given([Option<Value>; 8]);

impl Given {
    fn get(&self, name: &str) -> Option<Ref<'_>> {
        let index = OPTIONS.iter().position(|option| *option == name)?;
        self.0.get(index)?.as_ref().map(Value::get)
    }

    fn flag(&self, thread: &mut Thread, name: &str, default: bool) -> PyResult<bool> {
        match self.get(name) {
            Some(value) => protocol::is_true(thread, value),
            None => Ok(default),
        }
    }

    fn character(&self, name: &str, optional: bool) -> PyResult<Option<Option<CodePoint>>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if optional && value.is_none() {
            return Ok(Some(None));
        }
        let expected = if optional { "a unicode character or None" } else { "a unicode character" };
        let Some(text) = value.downcast::<PyStr>() else {
            let class = class_of(value).name();
            return Err(type_error(format!("\"{name}\" must be {expected}, not {class}")));
        };
        let mut points = text.as_wtf8().code_points();
        match (points.next(), points.next()) {
            (Some(c), None) => Ok(Some(Some(c))),
            _ => {
                let len = text.len();
                Err(type_error(format!("\"{name}\" must be {expected}, not a string of length {len}")))
            }
        }
    }
}

impl Format {
    fn new(thread: &mut Thread, given: &Given) -> PyResult<Format> {
        let delimiter = given.character("delimiter", false)?.flatten().unwrap_or(CodePoint::from_u8(b','));
        let escapechar = given.character("escapechar", true)?.flatten();
        let lineterminator = match given.get("lineterminator") {
            None => {
                let mut text = Wtf8Buf::default();
                text.push_str("\r\n");
                text
            }
            Some(value) => match value.downcast::<PyStr>() {
                Some(text) => {
                    let mut copy = Wtf8Buf::default();
                    copy.push_wtf8(text.as_wtf8());
                    copy
                }
                None => {
                    let class = class_of(value).name();
                    return Err(type_error(format!("\"lineterminator\" must be a string, not {class}")));
                }
            },
        };
        let quotes = given.character("quotechar", true)?;
        let quotechar = quotes.unwrap_or(Some(CodePoint::from_u8(b'"')));
        let mut quoting = match given.get("quoting") {
            None => Quoting::Minimal,
            Some(value) => match int::value(value) {
                Some(number) => number
                    .to_i64()
                    .and_then(Quoting::from_number)
                    .ok_or_else(|| type_error("bad \"quoting\" value"))?,
                None => {
                    let class = class_of(value).name();
                    return Err(type_error(format!("\"quoting\" must be an integer, not {class}")));
                }
            },
        };
        if quotes == Some(None) && given.get("quoting").is_none() {
            quoting = Quoting::None;
        }
        if quoting != Quoting::None && quotechar.is_none() {
            return Err(type_error("quotechar must be set if quoting enabled"));
        }
        let format = Format {
            delimiter,
            quotechar,
            escapechar,
            lineterminator,
            quoting,
            doublequote: given.flag(thread, "doublequote", true)?,
            skipinitialspace: given.flag(thread, "skipinitialspace", false)?,
            strict: given.flag(thread, "strict", false)?,
        };
        format.check()?;
        Ok(format)
    }

    fn check(&self) -> PyResult<()> {
        let space = CodePoint::from_u8(b' ');
        let characters = [
            ("delimiter", Some(self.delimiter)),
            ("escapechar", self.escapechar),
            ("quotechar", self.quotechar),
        ];
        for (name, character) in characters {
            let Some(c) = character else { continue };
            let is_end = matches!(c.to_u32(), 10 | 13);
            let is_space = c == space && self.skipinitialspace && name != "delimiter";
            if is_end || is_space || self.lineterminator.as_wtf8().code_points().any(|end| end == c) {
                return Err(value_error(format!("bad {name} value")));
            }
        }
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let ((first, a), (second, b)) = (characters[a], characters[b]);
            if a.is_some() && a == b {
                return Err(value_error(format!("bad {first} or {second} value")));
            }
        }
        Ok(())
    }
}

/// The dialect that a name, class or instance and keywords stand for.
fn dialect_of(
    thread: &mut Thread,
    dialect: Option<Ref<'_>>,
    options: &KwArgs<'_>,
) -> PyResult<Owned<Dialect>> {
    let named;
    let mut base = dialect;
    if let Some(name) = dialect
        && name.downcast::<PyStr>().is_some()
    {
        named = registered(thread, name)?;
        base = Some(named.get());
    }
    let mut given = [const { None }; 8];
    for (name, value) in options.iter() {
        let text = str::display(name.get());
        let place = OPTIONS.iter().position(|option| *option == text).and_then(|index| given.get_mut(index));
        match place {
            Some(place) => *place = Some(Ref::to_owned(value)),
            None => {
                let text = format!("this function got an unexpected keyword argument '{text}'");
                return Err(type_error(text));
            }
        }
    }
    if let Some(base) = base {
        if options.is_empty()
            && let Some(dialect) = base.downcast::<Dialect>()
        {
            return Ok(dialect.to_owned());
        }
        for (place, name) in given.iter_mut().zip(OPTIONS) {
            if place.is_none() {
                let name = str::intern(thread, name)?;
                *place = protocol::find_attr(thread, base, name)?;
            }
        }
    }
    let format = Format::new(thread, &Given(given))?;
    make(thread, Dialect { format })
}

fn shown(thread: &Thread, character: Option<CodePoint>) -> PyResult {
    let Some(c) = character else { return Ok(Value::NONE) };
    let mut text = Wtf8Buf::default();
    text.push(c);
    str::from_wtf8(thread, text.as_wtf8())
}

#[pymethods]
impl Dialect {
    #[new]
    #[signature(dialect=None, **options)]
    #[no_text_signature]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, dialect: Option<Ref>, options: KwArgs<'_>) -> PyResult {
        let made = dialect_of(thread, dialect, &options)?;
        if std::ptr::eq(cls, class_of(made.get())) {
            return Ok(made.into_value());
        }
        let format = made.format.clone();
        Ok(alloc(thread, cls, Dialect { format })?.into_value())
    }

    #[slot]
    fn tp_init(this: &Obj<Self>, args: orochi_objects::Args<'_>) {
        let _ = (this, args);
    }

    #[getter]
    fn delimiter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        shown(thread, Some(this.format.delimiter))
    }

    #[getter]
    fn quotechar(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        shown(thread, this.format.quotechar)
    }

    #[getter]
    fn escapechar(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        shown(thread, this.format.escapechar)
    }

    #[getter]
    fn lineterminator(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        str::from_wtf8(thread, this.format.lineterminator.as_wtf8())
    }

    #[getter]
    fn quoting(this: &Obj<Self>) -> i64 {
        this.format.quoting as i64
    }

    #[getter]
    fn doublequote(this: &Obj<Self>) -> bool {
        this.format.doublequote
    }

    #[getter]
    fn skipinitialspace(this: &Obj<Self>) -> bool {
        this.format.skipinitialspace
    }

    #[getter]
    fn strict(this: &Obj<Self>) -> bool {
        this.format.strict
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StartRecord,
    StartField,
    Escaped,
    InField,
    InQuotes,
    EscapedInQuotes,
    QuoteInQuotes,
    EatNewline,
    AfterEscapedNewline,
}

/// What a line has come to so far.
struct Parser<'a> {
    format: &'a Format,
    state: State,
    field: Wtf8Buf,
    length: i64,
    fields: Vec<Value>,
    /// The field was in quotes.
    quoted: bool,
}

impl Parser<'_> {
    fn push(&mut self, c: CodePoint) -> PyResult<()> {
        self.length += 1;
        let limit = FIELD_LIMIT.load(Ordering::Relaxed);
        if self.length > limit {
            return Err(error(format!("field larger than field limit ({limit})")));
        }
        self.field.push(c);
        Ok(())
    }

    /// How many bytes a text begins with that are nothing but contents of the present field.
    fn contents(&self, text: &Wtf8) -> usize {
        let Format { delimiter, escapechar, quotechar, .. } = *self.format;
        let bytes = text.as_bytes();
        let until = |specials: [Option<CodePoint>; 4]| {
            // What isn't ASCII is looked at character by character.
            let special =
                specials.map(|c| c.map_or(b'\n', |c| if c.is_ascii() { c.to_u32() as u8 } else { 0x80 }));
            let ascii_only = special.contains(&0x80);
            let stops = |byte: &u8| special.contains(byte) || ascii_only && *byte >= 0x80;
            bytes.iter().position(stops).unwrap_or(bytes.len())
        };
        match self.state {
            State::InField => until([Some(delimiter), escapechar, None, Some(CodePoint::from_u8(b'\r'))]),
            State::InQuotes => until([quotechar, escapechar, quotechar, escapechar]),
            _ => 0,
        }
    }

    /// Takes contents of the field.
    fn push_all(&mut self, text: &Wtf8) -> PyResult<()> {
        self.length += text.count_code_points() as i64;
        let limit = FIELD_LIMIT.load(Ordering::Relaxed);
        if self.length > limit {
            return Err(error(format!("field larger than field limit ({limit})")));
        }
        self.field.push_wtf8(text);
        Ok(())
    }

    fn save(&mut self, thread: &mut Thread) -> PyResult<()> {
        let field = std::mem::take(&mut self.field);
        self.length = 0;
        let quoted = std::mem::replace(&mut self.quoted, false);
        let empty = field.as_wtf8().is_empty();
        let value = match self.format.quoting {
            Quoting::NotNull | Quoting::Strings if empty && !quoted => Value::NONE,
            Quoting::NonNumeric | Quoting::Strings if !quoted && !empty => {
                let text = str::from_wtf8(thread, field.as_wtf8())?;
                let number = orochi_objects::types::float_::construct::from_str(thread, text.get())?;
                float::new(thread, number)?
            }
            _ => str::from_wtf8(thread, field.as_wtf8())?,
        };
        self.fields.push(value);
        Ok(())
    }

    /// Takes a character; `None` is the end of the line.
    fn take(&mut self, thread: &mut Thread, character: Option<CodePoint>) -> PyResult<()> {
        let format = self.format;
        let is_end = character.is_none_or(|c| matches!(c.to_u32(), 10 | 13));
        let newline = CodePoint::from_u8(b'\n');
        let is = |wanted: Option<CodePoint>| wanted.is_some() && character == wanted;
        match self.state {
            State::StartRecord if character.is_none() => {}
            State::StartRecord if is_end => self.state = State::EatNewline,
            State::StartRecord | State::StartField => {
                if is_end {
                    self.save(thread)?;
                    self.state = if character.is_none() { State::StartRecord } else { State::EatNewline };
                } else if is(format.quotechar) && format.quoting != Quoting::None {
                    self.quoted = true;
                    self.state = State::InQuotes;
                } else if is(format.escapechar) {
                    self.state = State::Escaped;
                } else if is(Some(CodePoint::from_u8(b' '))) && format.skipinitialspace {
                    self.state = State::StartField;
                } else if is(Some(format.delimiter)) {
                    self.save(thread)?;
                    self.state = State::StartField;
                } else if let Some(c) = character {
                    self.push(c)?;
                    self.state = State::InField;
                }
            }
            State::Escaped => {
                if character.is_some() && is_end {
                    self.push(character.unwrap_or(newline))?;
                    self.state = State::AfterEscapedNewline;
                } else {
                    self.push(character.unwrap_or(newline))?;
                    self.state = State::InField;
                }
            }
            State::AfterEscapedNewline if character.is_none() => {}
            State::AfterEscapedNewline | State::InField => {
                if is_end {
                    self.save(thread)?;
                    self.state = if character.is_none() { State::StartRecord } else { State::EatNewline };
                } else if is(format.escapechar) {
                    self.state = State::Escaped;
                } else if is(Some(format.delimiter)) {
                    self.save(thread)?;
                    self.state = State::StartField;
                } else if let Some(c) = character {
                    self.push(c)?;
                    self.state = State::InField;
                }
            }
            State::InQuotes => match character {
                None => {}
                Some(_) if is(format.escapechar) => self.state = State::EscapedInQuotes,
                Some(_) if is(format.quotechar) && format.quoting != Quoting::None => {
                    self.state = if format.doublequote { State::QuoteInQuotes } else { State::InField };
                }
                Some(c) => self.push(c)?,
            },
            State::EscapedInQuotes => {
                self.push(character.unwrap_or(newline))?;
                self.state = State::InQuotes;
            }
            State::QuoteInQuotes => self.after_quote(thread, character, is_end)?,
            State::EatNewline => match character {
                None => self.state = State::StartRecord,
                Some(_) if is_end => {}
                Some(_) => {
                    return Err(error(
                        "new-line character seen in unquoted field - do you need to open the file with newline=''?",
                    ));
                }
            },
        }
        Ok(())
    }

    /// A quote in quotes: doubled, or the end of the quotes.
    fn after_quote(
        &mut self,
        thread: &mut Thread,
        character: Option<CodePoint>,
        is_end: bool,
    ) -> PyResult<()> {
        let format = self.format;
        match character {
            Some(c) if Some(c) == format.quotechar && format.quoting != Quoting::None => {
                self.push(c)?;
                self.state = State::InQuotes;
            }
            Some(c) if c == format.delimiter => {
                self.save(thread)?;
                self.state = State::StartField;
            }
            _ if is_end => {
                self.save(thread)?;
                self.state = if character.is_none() { State::StartRecord } else { State::EatNewline };
            }
            Some(c) if !format.strict => {
                self.push(c)?;
                self.state = State::InField;
            }
            _ => {
                let show = |c: Option<CodePoint>| c.map_or(' ', CodePoint::to_char_lossy);
                let (delimiter, quote) = (show(Some(format.delimiter)), show(format.quotechar));
                return Err(error(format!("'{delimiter}' expected after '{quote}'")));
            }
        }
        Ok(())
    }
}

/// CSV reader
///
/// Reader objects are responsible for reading and parsing tabular data
/// in CSV format.
#[pyclass(name = "reader", module = "_csv", no_new)]
#[derive(Trace)]
struct Reader {
    lines: Field,
    dialect: Field,
    line_num: Guarded<i64>,
}

/// csv_reader = reader(iterable [, dialect='excel']
///                     [optional keyword args])
///     for row in csv_reader:
///         process(row)
///
/// The "iterable" argument can be any object that returns a line
/// of input for each iteration, such as a file object or a list.  The
/// optional "dialect" parameter is discussed below.  The function
/// also accepts optional keyword arguments which override settings
/// provided by the dialect.
///
/// The returned object is an iterator.  Each iteration returns a row
/// of the CSV file (which can span multiple input lines).
#[pyfunction]
#[signature(iterable, /, dialect=None, **fmtparams)]
#[text_signature = "($module, iterable, /, dialect='excel', **fmtparams)"]
fn reader(thread: &mut Thread, iterable: Ref, dialect: Option<Ref>, fmtparams: KwArgs<'_>) -> PyResult {
    let lines = protocol::iter(thread, iterable)?;
    let dialect = dialect_of(thread, dialect, &fmtparams)?;
    let made = Reader {
        lines: Field::new_local(lines),
        dialect: Field::new_local(dialect.into_value()),
        line_num: Guarded::new(0),
    };
    Ok(make(thread, made)?.into_value())
}

fn format_of(dialect: &Field) -> PyResult<&Format> {
    let dialect: Option<&Obj<Dialect>> = dialect.fixed().downcast();
    dialect.map(|dialect| &dialect.format).ok_or_else(|| type_error("a dialect is required"))
}

#[pymethods]
impl Reader {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> PyResult {
        Ok(Ref::to_owned(this))
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let format = format_of(&this.dialect)?;
        let mut parser = Parser {
            format,
            state: State::StartRecord,
            field: Wtf8Buf::default(),
            length: 0,
            fields: Vec::new(),
            quoted: false,
        };
        loop {
            let Some(line) = protocol::next(thread, this.lines.fixed())? else {
                let unfinished = !parser.field.as_wtf8().is_empty() || parser.state == State::InQuotes;
                if parser.state == State::StartRecord || !unfinished {
                    if parser.fields.is_empty() || parser.state == State::StartRecord {
                        return Ok(None);
                    }
                } else if format.strict {
                    return Err(error("unexpected end of data"));
                }
                parser.save(thread)?;
                break;
            };
            let Some(text) = line.get().downcast::<PyStr>() else {
                let class = class_of(line.get()).name();
                return Err(error(format!(
                    "iterator should return strings, not {class} (the file should be opened in text mode)"
                )));
            };
            this.line_num.with(this, thread, |line_num, _| *line_num += 1);
            let mut rest = text.as_wtf8();
            while !rest.is_empty() {
                let run = parser.contents(rest);
                if run > 0 {
                    parser.push_all(rest.slice_to(run))?;
                    rest = rest.slice_from(run);
                } else if let Some(c) = rest.code_point_at(0) {
                    parser.take(thread, Some(c))?;
                    rest = rest.slice_from(c.len_wtf8());
                }
            }
            parser.take(thread, None)?;
            if parser.state == State::StartRecord {
                break;
            }
        }
        let fields = std::mem::take(&mut parser.fields);
        Ok(Some(list::new(thread, fields)?.into_value()))
    }

    #[getter]
    fn dialect(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.dialect.fixed())
    }

    #[getter]
    fn line_num(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        this.line_num.with(this, thread, |line_num, _| *line_num)
    }
}

/// CSV writer
///
/// Writer objects are responsible for generating tabular data
/// in CSV format from sequence input.
#[pyclass(name = "writer", module = "_csv", no_new)]
#[derive(Trace)]
struct Writer {
    write: Field,
    dialect: Field,
}

/// csv_writer = csv.writer(fileobj [, dialect='excel']
///                         [optional keyword args])
///     for row in sequence:
///         csv_writer.writerow(row)
///
///     [or]
///
///     csv_writer = csv.writer(fileobj [, dialect='excel']
///                             [optional keyword args])
///     csv_writer.writerows(rows)
///
/// The "fileobj" argument can be any object that supports the file API.
#[pyfunction]
#[signature(fileobj, /, dialect=None, **fmtparams)]
#[text_signature = "($module, fileobj, /, dialect='excel', **fmtparams)"]
fn writer(thread: &mut Thread, fileobj: Ref, dialect: Option<Ref>, fmtparams: KwArgs<'_>) -> PyResult {
    let dialect = dialect_of(thread, dialect, &fmtparams)?;
    let name = str::intern(thread, "write")?;
    let write = protocol::find_attr(thread, fileobj, name)?
        .filter(|write| class_of(write.get()).slots.tp_call().is_some())
        .ok_or_else(|| type_error("argument 1 must have a \"write\" method"))?;
    let made = Writer { write: Field::new_local(write), dialect: Field::new_local(dialect.into_value()) };
    Ok(make(thread, made)?.into_value())
}

/// A row as it is put together.
struct Row<'a> {
    format: &'a Format,
    out: Wtf8Buf,
    fields: usize,
}

impl Row<'_> {
    /// Appends a field. `quote` says that it has to be in quotes.
    fn add(&mut self, field: Option<&Obj<PyStr>>, mut quote: bool) -> PyResult<()> {
        let format = self.format;
        let special = |c: CodePoint| {
            c == format.delimiter
                || Some(c) == format.escapechar
                || Some(c) == format.quotechar
                || matches!(c.to_u32(), 10 | 13)
                || format.lineterminator.as_wtf8().code_points().any(|end| end == c)
        };
        let plain = field.filter(|field| !field.is_empty() && !field.as_wtf8().code_points().any(special));
        if let Some(field) = plain {
            self.append(field.as_wtf8(), quote);
            return Ok(());
        }
        let mut escaped = Wtf8Buf::default();
        for c in field.iter().flat_map(|field| field.as_wtf8().code_points()) {
            if special(c) {
                let mut escape = format.quoting == Quoting::None;
                if !escape {
                    if Some(c) == format.quotechar {
                        if format.doublequote {
                            escaped.push(c);
                            quote = true;
                        } else {
                            escape = true;
                        }
                    } else if Some(c) == format.escapechar {
                        escape = true;
                    } else {
                        quote = true;
                    }
                }
                if escape {
                    let escapechar = format.escapechar;
                    escaped.push(escapechar.ok_or_else(|| error("need to escape, but no escapechar set"))?);
                }
            }
            escaped.push(c);
        }
        let empty = escaped.as_wtf8().is_empty();
        if empty && format.delimiter == CodePoint::from_u8(b' ') && format.skipinitialspace {
            if format.quoting == Quoting::None
                || field.is_none() && !matches!(format.quoting, Quoting::Minimal | Quoting::All)
            {
                return Err(error(
                    "empty field must be quoted if delimiter is a space and skipinitialspace is true",
                ));
            }
            quote = true;
        }
        self.append(escaped.as_wtf8(), quote);
        Ok(())
    }

    /// Appends a field as it is to be written.
    fn append(&mut self, field: &Wtf8, quote: bool) {
        if self.fields > 0 {
            self.out.push(self.format.delimiter);
        }
        let quotes = if quote { self.format.quotechar } else { None };
        quotes.into_iter().for_each(|quote| self.out.push(quote));
        self.out.push_wtf8(field);
        quotes.into_iter().for_each(|quote| self.out.push(quote));
        self.fields += 1;
    }

    fn add_object(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        let is_str = object.downcast::<PyStr>().is_some();
        let is_number =
            class_of(object).slots.nb_float().is_some() || class_of(object).slots.nb_index().is_some();
        let quote = match self.format.quoting {
            Quoting::NonNumeric => !is_number,
            Quoting::All => true,
            Quoting::Strings => is_str,
            Quoting::NotNull => !object.is_none(),
            Quoting::Minimal | Quoting::None => false,
        };
        if object.is_none() {
            return self.add(None, quote);
        }
        let text = if is_str { Ref::to_owned(object) } else { protocol::str(thread, object)? };
        self.add(text.get().downcast::<PyStr>(), quote)
    }
}

fn write_row(thread: &mut Thread, writer: &Obj<Writer>, row: Ref<'_>) -> PyResult {
    let format = format_of(&writer.dialect)?;
    let fields = protocol::iter(thread, row).map_err(|failure| {
        if failure.matches(&exception::TypeError) {
            error(format!("iterable expected, not {}", class_of(row).name()))
        } else {
            failure
        }
    })?;
    let mut line = Row { format, out: Wtf8Buf::default(), fields: 0 };
    let mut last_null = false;
    while let Some(field) = protocol::next(thread, fields.get())? {
        last_null = field.get().is_none();
        line.add_object(thread, field.get())?;
    }
    if line.fields > 0 && line.out.as_wtf8().is_empty() {
        // A line without anything would be no row at all.
        let unquoted = format.quoting == Quoting::None
            || last_null && matches!(format.quoting, Quoting::Strings | Quoting::NotNull);
        if unquoted {
            return Err(error("single empty field record must be quoted"));
        }
        line.fields = 0;
        line.add(None, true)?;
    }
    line.out.push_wtf8(format.lineterminator.as_wtf8());
    let text = str::from_wtf8(thread, line.out.as_wtf8())?;
    protocol::call(thread, writer.write.fixed(), &[text.get()])
}

#[pymethods]
impl Writer {
    /// writerow(iterable)
    ///
    /// Construct and write a CSV record from an iterable of fields.  Non-string
    /// elements will be converted to string.
    fn writerow(thread: &mut Thread, this: &Obj<Self>, row: Ref) -> PyResult {
        write_row(thread, this, row)
    }

    /// writerows(iterable of iterables)
    ///
    /// Construct and write a series of iterables to a csv file.  Non-string
    /// elements will be converted to string.
    fn writerows(thread: &mut Thread, this: &Obj<Self>, rows: Ref) -> PyResult<()> {
        protocol::iterate(thread, rows, |thread, row| write_row(thread, this, row.get()).map(drop))
    }

    #[getter]
    fn dialect(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.dialect.fixed())
    }
}

/// The registered dialects: `_csv._dialects`, which belongs to the interpreter.
fn dialects(thread: &mut Thread) -> PyResult<Owned<PyDict>> {
    let found = crate::support::import_attr(thread, "_csv", "_dialects")?;
    found.downcast::<PyDict>().map_err(|_| type_error("_csv._dialects must be a dict"))
}

fn registered(thread: &mut Thread, name: Ref<'_>) -> PyResult {
    let all = dialects(thread)?;
    dict::get_item(thread, &all, name)?.ok_or_else(|| error("unknown dialect"))
}

/// Create a mapping from a string name to a dialect class.
#[pyfunction]
#[signature(name, dialect=None, /, **fmtparams)]
#[text_signature = "($module, name, /, dialect='excel', **fmtparams)"]
fn register_dialect(
    thread: &mut Thread,
    name: Ref,
    dialect: Option<Ref>,
    fmtparams: KwArgs<'_>,
) -> PyResult<()> {
    if name.downcast::<PyStr>().is_none() {
        return Err(type_error("dialect name must be a string"));
    }
    let dialect = dialect_of(thread, dialect, &fmtparams)?;
    let all = dialects(thread)?;
    dict::set_item(thread, &all, name, dialect.into_value())
}

/// Delete the name/dialect mapping associated with a string name.
#[pyfunction]
#[signature(name)]
fn unregister_dialect(thread: &mut Thread, name: Ref) -> PyResult<()> {
    registered(thread, name)?;
    let all = dialects(thread)?;
    protocol::set_item(thread, all.get(), name, None)
}

/// Return the dialect instance associated with name.
#[pyfunction]
#[signature(name)]
fn get_dialect(thread: &mut Thread, name: Ref) -> PyResult {
    registered(thread, name)
}

/// Return a list of all known dialect names.
#[pyfunction]
fn list_dialects(thread: &mut Thread) -> PyResult {
    let all = dialects(thread)?;
    let names = dict::entries(thread, &all)?.into_iter().map(|entry| entry.key).collect();
    Ok(list::new(thread, names)?.into_value())
}

/// Sets an upper limit on parsed fields.
///
/// Returns old limit. If limit is not given, no new limit is set and
/// the old limit is returned
#[pyfunction]
#[signature(new_limit=<missing>)]
fn field_size_limit(thread: &mut Thread, new_limit: Option<Ref>) -> PyResult<i64> {
    let old = FIELD_LIMIT.load(Ordering::Relaxed);
    if let Some(limit) = new_limit {
        if !int::is_int(limit) {
            return Err(type_error("limit must be an integer"));
        }
        let limit = int::index_i64(thread, limit)?;
        FIELD_LIMIT.store(limit, Ordering::Relaxed);
    }
    Ok(old)
}

/// CSV parsing and writing.
#[pymodule(
    name = "_csv",
    functions(
        reader,
        writer,
        register_dialect,
        unregister_dialect,
        get_dialect,
        list_dialects,
        field_size_limit
    ),
    classes(Dialect)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "Error", ERROR.get().to_value())?;
    module.add(thread, "Reader", <Reader as orochi_objects::PyClass>::static_type().get().to_value())?;
    module.add(thread, "Writer", <Writer as orochi_objects::PyClass>::static_type().get().to_value())?;
    let dialects = dict::new(thread)?;
    module.add(thread, "_dialects", dialects)?;
    for (quoting, name) in Quoting::ALL {
        module.add(thread, name, quoting as i64)?;
    }
    Ok(())
}
