//! Prints the syntax trees of Python files, one a line.

use orochi_compiler::{Mode, parse::parse};

fn main() {
    for path in std::env::args().skip(1) {
        let Ok(source) = std::fs::read_to_string(&path) else { continue };
        match parse(&source, Mode::Exec) {
            Ok((module, _)) => println!("{path}\t{module:?}"),
            Err(error) => println!("{path}\t{error:?}"),
        }
    }
}
