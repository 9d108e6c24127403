//! What the compression modules have in common: output that grows, input that is kept until it is wanted.

use orochi_objects::PyResult;
use orochi_objects::error::eof_error;

/// Output is made in pieces of this size.
const CHUNK: usize = 16 * 1024;

/// What one call of a codec did.
pub(crate) struct Step {
    /// Bytes of input that were used.
    pub(crate) read: usize,
    /// Bytes of output that were made.
    pub(crate) written: usize,
    /// The stream has ended.
    pub(crate) ended: bool,
}

/// Something that turns input into output, as much as there is room for.
pub(crate) trait Codec {
    /// What the module says of input behind the end of a stream.
    const AT_END: &'static str = "End of stream already reached";

    /// # Errors
    /// What the module raises for bad data.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> PyResult<Step>;
}

/// What came of some input.
struct Outcome {
    output: Vec<u8>,
    read: usize,
    ended: bool,
}

/// Feeds input until it is used up, the stream ends, or there are `limit` bytes of output.
fn run(codec: &mut impl Codec, input: &[u8], limit: usize) -> PyResult<Outcome> {
    let mut outcome = Outcome { output: Vec::new(), read: 0, ended: false };
    let mut chunk = [0_u8; CHUNK];
    loop {
        let room = CHUNK.min(limit.saturating_sub(outcome.output.len()));
        let rest = input.get(outcome.read..).unwrap_or_default();
        let step = codec.step(rest, chunk.get_mut(..room).unwrap_or_default())?;
        outcome.read += step.read;
        outcome.output.extend_from_slice(chunk.get(..step.written).unwrap_or_default());
        outcome.ended = step.ended;
        let is_full = outcome.output.len() >= limit;
        let is_dry = step.written < room && outcome.read >= input.len();
        let is_stuck = step.read == 0 && step.written == 0;
        if step.ended || is_full || is_dry || is_stuck {
            return Ok(outcome);
        }
    }
}

/// All the output for some input.
pub(crate) fn whole(codec: &mut impl Codec, input: &[u8]) -> PyResult<Vec<u8>> {
    run(codec, input, usize::MAX).map(|outcome| outcome.output)
}

/// A decompressor object's state.
pub(crate) struct Decompression<C> {
    codec: C,
    pub(crate) eof: bool,
    pub(crate) needs_input: bool,
    /// What came behind the end of the stream.
    pub(crate) unused: Vec<u8>,
    /// Input that is still to be read.
    pending: Vec<u8>,
}

impl<C: Codec> Decompression<C> {
    pub(crate) fn new(codec: C) -> Decompression<C> {
        Decompression { codec, eof: false, needs_input: true, unused: Vec::new(), pending: Vec::new() }
    }

    /// The codec, for what only it knows.
    pub(crate) fn codec(&self) -> &C {
        &self.codec
    }

    /// Decompresses more input; at most `max_length` bytes come out unless it is negative.
    ///
    /// # Errors
    /// EOFError behind the end of the stream, and the codec's.
    pub(crate) fn decompress(&mut self, data: &[u8], max_length: isize) -> PyResult<Vec<u8>> {
        if self.eof {
            return Err(eof_error(C::AT_END));
        }
        let limit = usize::try_from(max_length).unwrap_or(usize::MAX);
        let mut input = std::mem::take(&mut self.pending);
        let outcome = if input.is_empty() {
            let outcome = run(&mut self.codec, data, limit)?;
            input = data.get(outcome.read..).unwrap_or_default().to_vec();
            outcome
        } else {
            input.extend_from_slice(data);
            let outcome = run(&mut self.codec, &input, limit)?;
            input.drain(..outcome.read.min(input.len()));
            outcome
        };
        if outcome.ended {
            (self.eof, self.needs_input, self.unused) = (true, false, input);
        } else {
            self.needs_input = input.is_empty() && outcome.output.len() < limit;
            self.pending = input;
        }
        Ok(outcome.output)
    }
}
