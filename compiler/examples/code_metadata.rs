//! Prints what programs can see of the code objects of Python files, one code object a line.

use orochi_compiler::code::{Code, Constant};
use orochi_compiler::{CompileOptions, Mode, compile};

fn show(code: &Code) {
    let mut cells: Vec<&str> = code.cellvars().collect();
    cells.sort_unstable();
    let mut free: Vec<&str> = code.freevars.iter().map(|name| &**name).collect();
    free.sort_unstable();
    let parameters: Vec<&str> = code.varnames().take(code.parameter_count() as usize).collect();
    println!(
        "{}|{}|{}|{}|{}|{}|{:#x}|{}|{}|{}",
        code.qualname,
        code.name,
        code.firstlineno,
        code.argcount,
        code.posonlyargcount,
        code.kwonlyargcount,
        code.flags,
        cells.join(","),
        free.join(","),
        parameters.join(",")
    );
    for constant in &code.constants {
        if let Constant::Code(inner) = constant {
            show(inner);
        }
    }
}

fn main() {
    for path in std::env::args().skip(1) {
        let Ok(source) = std::fs::read_to_string(&path) else { continue };
        println!("== {path}");
        match compile(&source, &path, Mode::Exec, &CompileOptions::default()) {
            Ok((code, _)) => show(&code),
            Err(error) => println!("error {}", error.message),
        }
    }
}
