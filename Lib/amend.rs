//! Mends for known errors of the embedded library, which is older than what its users know.
//!
//! `amendments/` has a file `PATH.patch` for each module `PATH` that is mended. Its hunks read as in a patch, but say why instead
//! of where: `@@`, CPython's number of the issue, and what was wrong; then lines that stay (` `), go (`-`) and come (`+`).
//! What a hunk takes away or keeps must be in the module exactly once, or the build fails, so that a newer library can't be
//! mended twice. A hunk of new lines alone is put at the module's end. Empty lines, and those before the first hunk, mean nothing.

use std::path::Path;

struct Hunk {
    reason: String,
    old: String,
    new: String,
}

fn hunks(path: &Path, text: &str) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    for line in text.lines() {
        if let Some(reason) = line.strip_prefix("@@ ") {
            assert!(
                ["gh-", "Orochi: "].iter().any(|who| reason.starts_with(who)),
                "{}: a mend names an issue of CPython's: {line}",
                path.display()
            );
            hunks.push(Hunk { reason: reason.to_owned(), old: String::new(), new: String::new() });
            continue;
        }
        let Some(hunk) = hunks.last_mut() else { continue };
        let Some((mark, rest)) = line.split_at_checked(1) else { continue };
        assert!([" ", "-", "+"].contains(&mark), "{}: not a line of a mend: {line}", path.display());
        for (side, other) in [(&mut hunk.old, "+"), (&mut hunk.new, "-")] {
            if mark != other {
                side.push_str(rest);
                side.push('\n');
            }
        }
    }
    hunks
}

/// A module's source with what its file in `folder` says of it.
pub(crate) fn amended(folder: &Path, module: &str, mut source: String) -> String {
    let path = folder.join(format!("{module}.patch"));
    let Ok(text) = std::fs::read_to_string(&path) else { return source };
    for Hunk { reason, old, new } in hunks(&path, &text) {
        if old.is_empty() {
            source.push_str("\n\n");
            source.push_str(&new);
            continue;
        }
        let found = source.matches(&old).count();
        assert!(found == 1, "{}: found {found} times instead of once: {reason}\n{old}", path.display());
        source = source.replace(&old, &new);
    }
    source
}
