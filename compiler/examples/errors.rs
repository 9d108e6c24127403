//! Reads programs separated by NUL bytes and prints the error of each, one a line.

use std::io::Read;

use orochi_compiler::{CompileOptions, Mode, compile};

fn main() {
    let mut text = String::new();
    if std::io::stdin().read_to_string(&mut text).is_err() {
        return;
    }
    for source in text.split('\0') {
        match compile(source, "<string>", Mode::Exec, &CompileOptions::default()) {
            Ok(_) => println!("ok"),
            Err(e) => println!(
                "{:?}\t{}\t{}\t{}\t{}\t{}",
                e.kind,
                e.message.replace('\n', "\\n"),
                e.line,
                e.offset,
                e.end_line,
                e.end_offset
            ),
        }
    }
}
