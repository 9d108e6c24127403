//! The nearest of several names, as CPython chooses it for "Did you mean".

/// The greatest length of names that are compared.
const MAX_LENGTH: usize = 40;
/// What a change of a letter costs; a change of case costs half.
const MOVE: usize = 2;
const CASE: usize = 1;

fn substitution(a: u8, b: u8) -> usize {
    if a == b {
        0
    } else if a.eq_ignore_ascii_case(&b) {
        CASE
    } else {
        MOVE
    }
}

/// Edit distance, or more than `limit` as soon as it is known to be.
fn distance(a: &[u8], b: &[u8], limit: usize) -> usize {
    if a.len().abs_diff(b.len()) * MOVE > limit {
        return limit + 1;
    }
    let mut row: Vec<usize> = (1..=b.len()).map(|i| i * MOVE).collect();
    let mut result = 0;
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i * MOVE;
        result = diagonal + MOVE;
        let mut least = usize::MAX;
        for (y, cell) in b.iter().zip(row.iter_mut()) {
            let replaced = diagonal + substitution(*x, *y);
            diagonal = *cell;
            result = replaced.min(result.min(diagonal) + MOVE);
            *cell = result;
            least = least.min(result);
        }
        if least > limit {
            return limit + 1;
        }
    }
    result
}

/// The candidate nearest to `wrong`, if one is near enough.
pub(super) fn best_match<'a>(wrong: &str, candidates: &'a [String]) -> Option<&'a str> {
    if wrong.len() > MAX_LENGTH {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for candidate in
        candidates.iter().filter(|candidate| candidate.len() <= MAX_LENGTH && *candidate != wrong)
    {
        let mut limit = (wrong.len() + candidate.len() + 3) * MOVE / 6;
        if let Some((found, _)) = best {
            limit = limit.min(found.saturating_sub(1));
        }
        let found = distance(wrong.as_bytes(), candidate.as_bytes(), limit);
        if found <= limit && best.is_none_or(|(known, _)| found < known) {
            best = Some((found, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}
