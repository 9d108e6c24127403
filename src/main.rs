//! The `orochi` command.

// The sanitizers follow the system's allocator only.
#[cfg(not(orochi_sanitize))]
mod allocator;

use orochi::config::{self, Parsed};
use orochi::startup;
use std::process::ExitCode;

#[cfg(not(orochi_sanitize))]
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_else(|| "orochi".into());
    let name = program.to_string_lossy().into_owned();
    match config::parse(program, args.collect(), &|name| std::env::var_os(name)) {
        Parsed::Run(config) => startup::end(startup::run(Box::leak(config))),
        Parsed::Help(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Parsed::Version(count) => {
            println!("{}", orochi::version(count > 1));
            ExitCode::SUCCESS
        }
        Parsed::Usage(message) => {
            eprintln!("{message}\nusage: {name} [option] ... [-c cmd | -m mod | file | -] [arg] ...");
            eprintln!("Try `{name} -h' for more information.");
            ExitCode::from(2)
        }
        Parsed::Fatal(message) => {
            eprintln!("Fatal Orochi error: {message}");
            ExitCode::FAILURE
        }
    }
}
