//! Prints the code of a Python file: `cargo run -p orochi-compiler --example disassemble -- FILE`.

use orochi_compiler::{CompileOptions, Mode, compile, disassemble::disassemble};

fn main() {
    let path = std::env::args().nth(1).unwrap_or_default();
    let source = match std::fs::read_to_string(&path) {
        Ok(source) => source,
        Err(error) => return eprintln!("{path}: {error}"),
    };
    match compile(&source, &path, Mode::Exec, &CompileOptions::default()) {
        Ok((code, warnings)) => {
            print!("{}", disassemble(&code));
            warnings.iter().for_each(|warning| eprintln!("{warning:?}"));
        }
        Err(error) => eprintln!("{error:?}"),
    }
}
