//! What the command line and the environment ask for.

use std::ffi::OsString;

/// What `-h` prints.
pub const HELP: &str = "\
usage: orochi [option] ... [-c cmd | -m mod | file | -] [arg] ...
Options:
-b     : warn about str(bytes) and comparing bytes with str; -bb: raise
-B     : don't write .pyc files on import
-c cmd : run the program passed in as a string
-E     : ignore PYTHON* environment variables
-h     : print this help and exit
-i     : go on interactively after running the program
-I     : isolate from the user's environment (implies -E, -P and -s)
-m mod : run a library module as a program
-O     : remove asserts and code that depends on __debug__; -OO: docstrings too
-P     : don't put a possibly unsafe path first in sys.path
-q     : don't print version and copyright at interactive start
-s     : don't add the user's site folder to sys.path
-S     : don't import site at start
-u     : don't buffer standard output and error
-v     : say what is imported
-V     : print the version number and exit; -VV: more about it
-W arg : control warnings: action:message:category:module:lineno
-x     : skip the first line of the source
-X opt : an option of the implementation
file   : run the program in this file, folder or archive
-      : run the program from standard input
arg ...: what the program finds in sys.argv[1:]
--check-hash-based-pycs always|default|never: when compiled files with a hash are compared with their source
--help-env     : print help about environment variables and exit
--help-xoptions: print help about -X options and exit
--help-all     : print everything that there is to print and exit
";

/// What `--help-env` prints.
pub const HELP_ENV: &str = "\
Environment variables that change behaviour:
PYTHONBREAKPOINT : what breakpoint() calls; 0: nothing
PYTHON_COLORS    : 0: no colour; 1: colour wherever output goes
PYTHON_CONTEXT_AWARE_WARNINGS: as -X context_aware_warnings
PYTHON_CPU_COUNT : as -X cpu_count
PYTHONDEBUG      : as -d
PYTHONDEVMODE    : as -X dev
PYTHON_DISABLE_REMOTE_DEBUG: as -X disable-remote-debug
PYTHONDONTWRITEBYTECODE: as -B
PYTHONFAULTHANDLER: as -X faulthandler
PYTHONHASHSEED   : a number, or 'random': where hashes of text begin
PYTHON_HISTORY   : the file of the interactive loop's history (~/.orochi_history)
PYTHONINSPECT    : as -i
PYTHONINTMAXSTRDIGITS: as -X int_max_str_digits
PYTHONIOENCODING : encoding[:errors] of the standard streams
PYTHONNODEBUGRANGES: as -X no_debug_ranges
PYTHONNOUSERSITE : as -s
PYTHONOPTIMIZE   : as -O
PYTHONPATH       : folders to put in front of sys.path, separated as in PATH
PYTHONPYCACHEPREFIX: as -X pycache_prefix
PYTHONSAFEPATH   : as -P
PYTHONSTARTUP    : a file to run before the interactive loop
PYTHON_THREAD_INHERIT_CONTEXT: as -X thread_inherit_context
PYTHONUNBUFFERED : as -u
PYTHONUTF8       : as -X utf8
PYTHONVERBOSE    : as -v
PYTHONWARNDEFAULTENCODING: as -X warn_default_encoding
PYTHONWARNINGS   : as -W, separated by commas
PYTHON_BASIC_REPL: the plain interactive loop
";

/// What `--help-xoptions` prints.
pub const HELP_X: &str = "\
Options of the implementation:
-X context_aware_warnings=[0|1]: filters of warnings follow the context (1)
-X cpu_count=N : what os.cpu_count() and os.process_cpu_count() say
-X dev         : checks that cost too much to be on by default
-X disable-remote-debug: refuse scripts from sys.remote_exec() of other processes
-X faulthandler: tracebacks of crashes
-X frozen_modules=[on|off]: no effect
-X gil=0       : no effect: there is no global interpreter lock
-X int_max_str_digits=N: the most digits of an int that is turned to or from text; 0: no limit
-X no_debug_ranges: tracebacks without marks below lines
-X pycache_prefix=PATH: a folder for compiled files
-X thread_inherit_context=[0|1]: threads begin with a copy of their starter's context (1)
-X utf8[=0|1]  : UTF-8 whatever the locale says
-X warn_default_encoding: warn of text files that are opened without an encoding
";

/// What to run.
#[derive(Debug, Default, PartialEq)]
pub enum Run {
    /// The interactive loop, or a program from standard input if that isn't a terminal.
    #[default]
    Interactive,
    /// `-c command`
    Command(String),
    /// `-m module`
    Module(String),
    /// A file, folder or zip archive.
    File(OsString),
    /// `-`: standard input.
    Stdin,
}

/// The configuration of an interpreter; field names follow `sys.flags`.
#[derive(Debug, Default)]
pub struct Config {
    /// `-d` (no effect).
    pub debug: u8,
    /// `-i`: inspect after running.
    pub inspect: bool,
    /// `-i` was given on the command line.
    pub interactive: bool,
    /// `-I`.
    pub isolated: bool,
    /// `-E`.
    pub ignore_environment: bool,
    /// `-B`.
    pub dont_write_bytecode: bool,
    /// `-s`.
    pub no_user_site: bool,
    /// `-S`.
    pub no_site: bool,
    /// `-P`.
    pub safe_path: bool,
    /// `-O`, `-OO`.
    pub optimize: u8,
    /// `-v`.
    pub verbose: u8,
    /// `-q`.
    pub quiet: bool,
    /// `-u`.
    pub unbuffered: bool,
    /// `-b`, `-bb`.
    pub bytes_warning: u8,
    /// `-x`: skip the first line of the source.
    pub skip_first_line: bool,
    /// `-X dev` or PYTHONDEVMODE.
    pub dev_mode: bool,
    /// `-X utf8`; on by default only where the locale asks for it.
    pub utf8_mode: Option<bool>,
    /// `-X int_max_str_digits`, PYTHONINTMAXSTRDIGITS.
    pub int_max_str_digits: Option<i64>,
    /// PYTHONHASHSEED: `None` is random.
    pub hash_seed: Option<u32>,
    /// `-X warn_default_encoding`.
    pub warn_default_encoding: bool,
    /// `-X pycache_prefix`.
    pub pycache_prefix: Option<OsString>,
    /// `-X thread_inherit_context`; on, as in free-threaded CPython.
    pub thread_inherit_context: bool,
    /// `-X context_aware_warnings`; on, as in free-threaded CPython.
    pub context_aware_warnings: bool,
    /// `-X cpu_count`.
    pub cpu_count: Option<usize>,
    /// `-X faulthandler`.
    pub faulthandler: bool,
    /// `-X disable-remote-debug`, PYTHON_DISABLE_REMOTE_DEBUG: other processes can't have this one run scripts.
    pub disable_remote_debug: bool,
    /// `-X no_debug_ranges`.
    pub no_debug_ranges: bool,
    /// `-W` options, PYTHONWARNINGS first.
    pub warn_options: Vec<String>,
    /// `-X` options as given.
    pub x_options: Vec<(String, Option<String>)>,
    /// PYTHONPATH.
    pub python_path: Option<OsString>,
    /// `--check-hash-based-pycs`.
    pub check_hash_based_pycs: String,
    /// The locale for characters that the environment names.
    pub locale: Option<String>,
    /// PYTHONIOENCODING.
    pub io_encoding: Option<String>,
    /// The program that was started: `sys.argv[0]` of the process.
    pub program: OsString,
    /// What to run.
    pub run: Run,
    /// Arguments after what is run.
    pub args: Vec<OsString>,
    /// All arguments, for `sys.orig_argv`.
    pub orig_args: Vec<OsString>,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Parsed {
    /// Run something.
    Run(Box<Config>),
    /// `-h` and its kin: the text.
    Help(String),
    /// `-V`; twice for more.
    Version(u8),
    /// A mistake: the message for standard error. Exit status 2.
    Usage(String),
    /// A fatal configuration error. Exit status 1.
    Fatal(String),
}

/// Reads arguments (without the program's name) by CPython's rules: single-letter options that may be joined; `-c` and `-m`
/// end the options.
pub fn parse(program: OsString, args: Vec<OsString>, env: &dyn Fn(&str) -> Option<OsString>) -> Parsed {
    let mut config = Config {
        program,
        orig_args: args.clone(),
        thread_inherit_context: true,
        context_aware_warnings: true,
        check_hash_based_pycs: "default".to_owned(),
        locale: locale(env),
        ..Config::default()
    };
    let mut versions = 0;
    let mut rest = args.into_iter();
    while let Some(arg) = rest.next() {
        let text = arg.to_string_lossy().into_owned();
        if text == "-" {
            config.run = Run::Stdin;
            break;
        }
        if text == "--" {
            config.run = rest.next().map_or(Run::Interactive, Run::File);
            break;
        }
        if let Some(long) = text.strip_prefix("--") {
            match long {
                "help" => return Parsed::Help(HELP.to_owned()),
                "help-env" => return Parsed::Help(HELP_ENV.to_owned()),
                "help-xoptions" => return Parsed::Help(HELP_X.to_owned()),
                "help-all" => return Parsed::Help([HELP, HELP_ENV, HELP_X].join("\n")),
                "version" => versions += 1,
                "check-hash-based-pycs" => {
                    match rest.next().map(|value| value.to_string_lossy().into_owned()) {
                        Some(value) if ["always", "default", "never"].contains(&value.as_str()) => {
                            config.check_hash_based_pycs = value;
                        }
                        Some(_) => {
                            let choice = "must be one of 'default', 'always', or 'never'";
                            return Parsed::Usage(format!("--check-hash-based-pycs {choice}"));
                        }
                        None => {
                            let option = "--check-hash-based-pycs";
                            return Parsed::Usage(format!("Argument expected for the {option} option"));
                        }
                    }
                }
                _ => return Parsed::Usage(format!("Unknown option: --{long}")),
            }
            continue;
        }
        if !text.starts_with('-') {
            config.run = Run::File(arg);
            break;
        }
        match short_options(&mut config, &text[1..], &mut rest, &mut versions) {
            Ok(true) => {}
            Ok(false) => break,
            Err(parsed) => return parsed,
        }
    }
    config.args = rest.collect();
    if versions > 0 {
        return Parsed::Version(versions);
    }
    if let Err(parsed) = environment(&mut config, env).and_then(|()| apply_x_options(&mut config)) {
        return parsed;
    }
    warn_options_of_flags(&mut config);
    if config.isolated {
        config.ignore_environment = true;
        config.no_user_site = true;
        config.safe_path = true;
    }
    Parsed::Run(Box::new(config))
}

/// The locale for characters, by the rules of the C library.
fn locale(env: &dyn Fn(&str) -> Option<OsString>) -> Option<String> {
    let set = |name: &&str| env(name).is_some_and(|value| !value.is_empty());
    let name = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(set)?;
    env(name).map(|value| value.to_string_lossy().into_owned())
}

/// Options that stand for filters of warnings: those of `-X dev` come first, those of `-b` last.
fn warn_options_of_flags(config: &mut Config) {
    if config.dev_mode {
        config.warn_options.insert(0, "default".to_owned());
    }
    match config.bytes_warning {
        0 => {}
        1 => config.warn_options.push("default::BytesWarning".to_owned()),
        _ => config.warn_options.push("error::BytesWarning".to_owned()),
    }
}

/// Reads one argument of joined options; whether options go on.
fn short_options(
    config: &mut Config,
    letters: &str,
    rest: &mut dyn Iterator<Item = OsString>,
    versions: &mut u8,
) -> Result<bool, Parsed> {
    for (at, letter) in letters.char_indices() {
        let after = &letters[at + letter.len_utf8()..];
        if matches!(letter, 'c' | 'm' | 'W' | 'X') {
            let value = if after.is_empty() {
                rest.next().map(|value| value.to_string_lossy().into_owned())
            } else {
                Some(after.to_owned())
            };
            let Some(value) = value else {
                return Err(Parsed::Usage(format!("Argument expected for the -{letter} option")));
            };
            return Ok(option_with_value(config, letter, value));
        }
        match letter {
            'b' => config.bytes_warning += 1,
            'B' => config.dont_write_bytecode = true,
            'd' => config.debug += 1,
            'E' => config.ignore_environment = true,
            'h' | '?' => return Err(Parsed::Help(HELP.to_owned())),
            'i' => {
                config.inspect = true;
                config.interactive = true;
            }
            'I' => config.isolated = true,
            'O' => config.optimize += 1,
            'P' => config.safe_path = true,
            'q' => config.quiet = true,
            'R' => config.hash_seed = None,
            's' => config.no_user_site = true,
            'S' => config.no_site = true,
            // Once warned of tabs.
            't' => {}
            'u' => config.unbuffered = true,
            'v' => config.verbose += 1,
            'V' => *versions += 1,
            'x' => config.skip_first_line = true,
            _ => return Err(Parsed::Usage(format!("Unknown option: -{letter}"))),
        }
    }
    Ok(true)
}

fn option_with_value(config: &mut Config, letter: char, value: String) -> bool {
    match letter {
        'c' => config.run = Run::Command(value),
        'm' => config.run = Run::Module(value),
        'W' => config.warn_options.push(value),
        _ => {
            let (name, setting) = match value.split_once('=') {
                Some((name, setting)) => (name.to_owned(), Some(setting.to_owned())),
                None => (value, None),
            };
            config.x_options.push((name, setting));
        }
    }
    matches!(letter, 'W' | 'X')
}

fn environment(config: &mut Config, env: &dyn Fn(&str) -> Option<OsString>) -> Result<(), Parsed> {
    if config.ignore_environment || config.isolated {
        return Ok(());
    }
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let text = |name: &str| set(name).map(|value| value.to_string_lossy().into_owned());
    let level = |name: &str| text(name).map(|value| value.parse::<u8>().unwrap_or(1));
    config.optimize = config.optimize.max(level("PYTHONOPTIMIZE").unwrap_or(0)).min(2);
    config.verbose = config.verbose.max(level("PYTHONVERBOSE").unwrap_or(0));
    config.debug = config.debug.max(level("PYTHONDEBUG").unwrap_or(0));
    config.inspect |= set("PYTHONINSPECT").is_some();
    config.dont_write_bytecode |= set("PYTHONDONTWRITEBYTECODE").is_some();
    config.unbuffered |= set("PYTHONUNBUFFERED").is_some();
    config.no_user_site |= set("PYTHONNOUSERSITE").is_some();
    config.safe_path |= set("PYTHONSAFEPATH").is_some();
    config.dev_mode |= set("PYTHONDEVMODE").is_some();
    config.faulthandler |= set("PYTHONFAULTHANDLER").is_some();
    if set("PYTHONPROFILEIMPORTTIME").is_some() {
        return Err(Parsed::Fatal("PYTHONPROFILEIMPORTTIME: imports can't be timed yet".to_owned()));
    }
    config.disable_remote_debug |= set("PYTHON_DISABLE_REMOTE_DEBUG").is_some();
    config.no_debug_ranges |= set("PYTHONNODEBUGRANGES").is_some();
    config.warn_default_encoding |= set("PYTHONWARNDEFAULTENCODING").is_some();
    config.pycache_prefix = set("PYTHONPYCACHEPREFIX");
    config.python_path = set("PYTHONPATH");
    config.io_encoding = text("PYTHONIOENCODING");
    if let Some(value) = text("PYTHONUTF8") {
        config.utf8_mode = Some(switch(&value, "invalid PYTHONUTF8 environment variable value")?);
    }
    if let Some(value) = text("PYTHON_THREAD_INHERIT_CONTEXT") {
        let mistake = "PYTHON_THREAD_INHERIT_CONTEXT must be \"0\" or \"1\"";
        config.thread_inherit_context = switch(&value, mistake)?;
    }
    if let Some(value) = text("PYTHON_CONTEXT_AWARE_WARNINGS") {
        let mistake = "PYTHON_CONTEXT_AWARE_WARNINGS must be \"0\" or \"1\"";
        config.context_aware_warnings = switch(&value, mistake)?;
    }
    if let Some(value) = text("PYTHON_CPU_COUNT") {
        config.cpu_count = cpu_count(&value, "PYTHON_CPU_COUNT")?;
    }
    if set("PYTHONTRACEMALLOC").is_some_and(|value| value != "0") {
        return Err(Parsed::Fatal("PYTHONTRACEMALLOC: memory can't be traced yet".to_owned()));
    }
    if let Some(value) = text("PYTHONINTMAXSTRDIGITS") {
        config.int_max_str_digits = Some(digits_limit(&value, "PYTHONINTMAXSTRDIGITS")?);
    }
    if let Some(value) = text("PYTHONHASHSEED").filter(|value| value != "random") {
        config.hash_seed = Some(value.parse().map_err(|_| {
            Parsed::Fatal(
                "PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]".to_owned(),
            )
        })?);
    }
    if let Some(value) = text("PYTHON_GIL") {
        gil(&value)?;
    }
    if let Some(value) = text("PYTHONWARNINGS") {
        let mut options: Vec<String> = value.split(',').map(str::to_owned).collect();
        options.append(&mut config.warn_options);
        config.warn_options = options;
    }
    Ok(())
}

fn digits_limit(value: &str, name: &str) -> Result<i64, Parsed> {
    match value.parse::<i64>() {
        Ok(limit) if limit == 0 || (640..=i64::from(i32::MAX)).contains(&limit) => Ok(limit),
        _ => Err(Parsed::Fatal(format!("{name}: invalid limit; must be >= 640 or 0 for unlimited."))),
    }
}

/// A setting that is 0 or 1.
fn switch(value: &str, mistake: &str) -> Result<bool, Parsed> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(Parsed::Fatal(mistake.to_owned())),
    }
}

/// A number of processors, or "default".
fn cpu_count(value: &str, name: &str) -> Result<Option<usize>, Parsed> {
    match value.parse() {
        _ if value == "default" => Ok(None),
        Ok(1..) => Ok(value.parse().ok()),
        _ => {
            Err(Parsed::Fatal(format!("{name}: n is missing or an invalid number, n must be greater than 0")))
        }
    }
}

fn gil(value: &str) -> Result<(), Parsed> {
    match value {
        "0" => Ok(()),
        "1" => Err(Parsed::Fatal("Enabling the GIL is not supported: Orochi has none".to_owned())),
        _ => Err(Parsed::Fatal("PYTHON_GIL / -X gil must be \"0\" or \"1\"".to_owned())),
    }
}

fn apply_x_options(config: &mut Config) -> Result<(), Parsed> {
    let options = std::mem::take(&mut config.x_options);
    let applied = options.iter().try_for_each(|(name, value)| x_option(config, name, value.as_deref()));
    config.x_options = options;
    applied
}

fn x_option(config: &mut Config, name: &str, value: Option<&str>) -> Result<(), Parsed> {
    let fatal = |mistake: &str| Err(Parsed::Fatal(mistake.to_owned()));
    match (name, value) {
        ("dev", _) => config.dev_mode = true,
        ("utf8", value) => {
            config.utf8_mode = Some(switch(value.unwrap_or("1"), "invalid -X utf8 option value")?);
        }
        ("faulthandler", _) => config.faulthandler = true,
        ("importtime", _) => return fatal("-X importtime: imports can't be timed yet"),
        ("tracemalloc", value) if value != Some("0") => {
            return fatal("-X tracemalloc: memory can't be traced yet");
        }
        ("disable-remote-debug", _) => config.disable_remote_debug = true,
        ("no_debug_ranges", _) => config.no_debug_ranges = true,
        ("warn_default_encoding", _) => config.warn_default_encoding = true,
        ("pycache_prefix", prefix) => config.pycache_prefix = prefix.map(Into::into),
        ("thread_inherit_context", value) => {
            let mistake = "-X thread_inherit_context must be \"0\" or \"1\"";
            config.thread_inherit_context = switch(value.unwrap_or(""), mistake)?;
        }
        ("context_aware_warnings", value) => {
            let mistake = "-X context_aware_warnings must be \"0\" or \"1\"";
            config.context_aware_warnings = switch(value.unwrap_or(""), mistake)?;
        }
        ("cpu_count", count) => {
            config.cpu_count = cpu_count(count.unwrap_or(""), "-X cpu_count=n option")?;
        }
        ("frozen_modules", Some("on" | "off") | None) => {}
        ("frozen_modules", Some(_)) => {
            return fatal("bad value for option -X frozen_modules (expected \"on\" or \"off\")");
        }
        ("gil", value) => gil(value.unwrap_or(""))?,
        ("int_max_str_digits", limit) => {
            let limit = digits_limit(limit.unwrap_or(""), "-X int_max_str_digits")?;
            config.int_max_str_digits = Some(limit);
        }
        // As in CPython, unknown ones are ignored.
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> Box<Config> {
        match parse("orochi".into(), args.iter().map(OsString::from).collect(), &|_| None) {
            Parsed::Run(config) => config,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options() {
        let config = run(&["-uBOO", "-Wignore", "-X", "dev", "-c", "pass", "-v"]);
        assert!(config.unbuffered && config.dont_write_bytecode && config.dev_mode);
        assert_eq!((config.optimize, config.verbose), (2, 0));
        assert_eq!(config.run, Run::Command("pass".to_owned()));
        assert_eq!(config.args, ["-v"]);
        assert_eq!(run(&["-mtimeit", "-h"]).run, Run::Module("timeit".to_owned()));
        assert_eq!(run(&["-"]).run, Run::Stdin);
        assert!(run(&["-I"]).safe_path);
    }

    #[test]
    fn mistakes() {
        let parsed =
            |args: &[&str]| parse("orochi".into(), args.iter().map(OsString::from).collect(), &|_| None);
        assert!(matches!(parsed(&["-c"]), Parsed::Usage(_)));
        assert!(matches!(parsed(&["-Z"]), Parsed::Usage(_)));
        assert!(matches!(parsed(&["-X", "gil=1"]), Parsed::Fatal(_)));
        assert!(matches!(parsed(&["-VV"]), Parsed::Version(2)));
        assert!(matches!(parsed(&["-h"]), Parsed::Help(_)));
        assert!(matches!(parsed(&["-X", "cpu_count=0"]), Parsed::Fatal(_)));
    }
}
