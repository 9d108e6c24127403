//! The command as a process: exit statuses, options, bad input, signals. Whatever a program does, the process ends in time, with
//! CPython's status and message, and never with a panic.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Beyond this a process hangs. Generous, since unoptimised builds run on busy machines.
const LIMIT: Duration = Duration::from_secs(120);

/// The status of a process that a KeyboardInterrupt ended: it ends itself by SIGINT, so that shells notice.
const INTERRUPTED: i32 = if cfg!(unix) { -2 } else { 130 };

struct Outcome {
    status: Option<i32>,
    out: String,
    err: String,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orochi"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn reader(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).expect("a pipe that can be read");
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The exit status; minus the number of the signal that ended the process.
#[cfg(unix)]
fn code(status: ExitStatus) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| -signal))
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> Option<i32> {
    status.code()
}

fn finish(mut child: Child) -> Outcome {
    let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child to wait for") {
            break status;
        }
        if start.elapsed() > LIMIT {
            child.kill().expect("a child to end");
            panic!("it hangs; stderr: {}", err.join().expect("a reader"));
        }
        thread::sleep(Duration::from_millis(5));
    };
    let outcome = Outcome {
        status: code(status),
        out: out.join().expect("a reader"),
        err: err.join().expect("a reader"),
    };
    assert!(!outcome.err.contains("panicked at"), "it panics: {}", outcome.err);
    assert!(
        matches!(outcome.status, Some(0..) | Some(INTERRUPTED)),
        "it crashes ({status}): {}",
        outcome.err
    );
    outcome
}

fn run(args: &[&str]) -> Outcome {
    finish(command(args).spawn().expect("the command to start"))
}

/// Runs and compares the status and the end of stderr (its last line must start so).
#[track_caller]
fn expect(args: &[&str], status: i32, error: &str) -> Outcome {
    let outcome = run(args);
    let last = outcome.err.lines().last().unwrap_or("");
    assert_eq!(outcome.status, Some(status), "{args:?}: {}", outcome.err);
    assert!(last.contains(error), "{args:?}: {error:?} is not in {last:?}");
    outcome
}

#[track_caller]
fn program(source: &str, status: i32, error: &str) -> Outcome {
    expect(&["-c", source], status, error)
}

/// A file in a folder of this test's own.
fn file(test: &str, name: &str, content: &[u8]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&folder).expect("a folder for the test");
    let path = folder.join(name);
    fs::write(&path, content).expect("a file for the test");
    path
}

#[test]
fn exit_statuses() {
    program("raise SystemExit(3)", 3, "");
    program("import sys; sys.exit('msg')", 1, "msg");
    program("import sys; sys.exit()", 0, "");
    program("import sys; sys.exit(256 + 5)", 5, "");
    program("import sys; sys.exit(-1)", 255, "");
    program("import sys; sys.exit(2 ** 100)", 255, "");
    program("1/0", 1, "ZeroDivisionError: division by zero");
    program("def", 1, "SyntaxError: invalid syntax");
    program("raise KeyboardInterrupt", INTERRUPTED, "KeyboardInterrupt");
}

#[test]
fn what_to_run() {
    assert_eq!(program("import sys; print(sys.argv)", 0, "").out, "['-c']\n");
    assert_eq!(run(&["-c", "import sys; print(sys.argv)", "a", "-b"]).out, "['-c', 'a', '-b']\n");
    expect(&["missing.py"], 2, "[Errno 2] No such file or directory");
    expect(&["-m", "no_such_module"], 1, "No module named no_such_module");
    let path = file("what_to_run", "hello.py", b"import sys\nprint(__name__, len(sys.argv))\n");
    assert_eq!(run(&[path.to_str().expect("a path in UTF-8"), "x"]).out, "__main__ 2\n");
    let folder = path.parent().and_then(|folder| folder.to_str()).expect("a path in UTF-8");
    expect(&[folder], 1, "can't find '__main__' module in");
    assert_eq!(program("  x = 6\n  print(x * 7)", 0, "").out, "42\n");
}

#[test]
fn folders_and_archives() {
    let main =
        file("folders", "__main__.py", b"import sys\nprint(__file__ == sys.argv[0] + '/__main__.py')\n");
    let folder = main.parent().and_then(|folder| folder.to_str()).expect("a path in UTF-8");
    assert_eq!(run(&[folder]).out, "True\n");
    let archive = format!("{folder}/made.zip");
    let make = "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n  z.writestr('__main__.py', 'print(6 * 7)')";
    assert_eq!(run(&["-c", make, &archive]).status, Some(0));
    assert_eq!(run(&[&archive]).out, "42\n");
    let broken = file("folders", "broken.zip", b"PK\x03\x04 and no more");
    expect(&[broken.to_str().expect("a path in UTF-8")], 1, "SyntaxError: ");
}

#[test]
fn compiled_programs() {
    let make = "import sys, _imp, marshal\n\
        code = marshal.dumps(compile('print(6 * 7)', 'x', 'exec'))\n\
        open(sys.argv[1], 'wb').write(_imp.pyc_magic_number_token.to_bytes(4, 'little') + bytes(12) + code)";
    let path = file("compiled", "made.pyc", b"");
    let path = path.to_str().expect("a path in UTF-8");
    assert_eq!(run(&["-c", make, path]).status, Some(0));
    assert_eq!(run(&[path]).out, "42\n");
    let good = fs::read(path).expect("the file that was made");
    let cases: [(&[u8], &str); 4] = [
        (b"what is this?", "RuntimeError: Bad magic number in .pyc file"),
        (&good[..10], "EOFError: EOF read where not expected"),
        (&good[..40], "RuntimeError: Bad code object in .pyc file"),
        (&[&good[..16], b"i\x01\x00\x00\x00"].concat(), "RuntimeError: Bad code object in .pyc file"),
    ];
    for (content, error) in cases {
        let path = file("compiled", "broken.pyc", content);
        let outcome = expect(&[path.to_str().expect("a path in UTF-8")], 1, error);
        assert_eq!(outcome.err.lines().count(), 1, "{}", outcome.err);
    }
}

#[test]
fn options() {
    expect(&["-Z"], 2, "-h' for more information.");
    expect(&["-c"], 2, "-h' for more information.");
    expect(&["-m"], 2, "-h' for more information.");
    assert!(run(&["-V"]).out.starts_with("Python 3.14."));
    let help = run(&["-h"]);
    assert!(help.status == Some(0) && help.out.starts_with("usage:"), "{}", help.out);
}

#[test]
fn settings() {
    let flags =
        "import sys; print(sys.flags.optimize, sys.flags.inspect, sys.flags.isolated, sys.flags.safe_path)";
    assert_eq!(run(&["-OOI", "-c", flags]).out, "2 0 1 True\n");
    let options = "import sys; print(sys.warnoptions, sys._xoptions)";
    let args = ["-bb", "-Werror::FutureWarning", "-Xdev", "-X", "a=b", "-c", options];
    let expected = "['default', 'error::FutureWarning', 'error::BytesWarning'] {'dev': True, 'a': 'b'}\n";
    assert_eq!(run(&args).out, expected);
    expect(&["-bb", "-c", "b'' == ''"], 1, "BytesWarning: Comparison between bytes and string");
    assert!(run(&["-b", "-c", "str(b'')"]).err.contains("BytesWarning: str() on a bytes instance"));
    expect(&["-X", "utf8=2", "-c", ""], 1, "invalid -X utf8 option value");
    expect(&["-X", "int_max_str_digits=5", "-c", ""], 1, "invalid limit; must be >= 640");
    let count = run(&["-X", "cpu_count=3", "-c", "import os; print(os.cpu_count(), os.process_cpu_count())"]);
    assert_eq!(count.out, "3 3\n");
}

fn run_with_input(args: &[&str], input: &[u8]) -> Outcome {
    let mut child = command(args).stdin(Stdio::piped()).spawn().expect("the command to start");
    child.stdin.take().expect("a pipe").write_all(input).expect("a pipe that takes the input");
    finish(child)
}

#[test]
fn standard_input() {
    let outcome = run_with_input(&["-"], b"print(6 * 7)\n");
    assert_eq!((outcome.status, outcome.out.as_str()), (Some(0), "42\n"), "{}", outcome.err);
    let outcome = run_with_input(&[], b"print(1)\n1 / 0\n");
    let error = "Traceback (most recent call last):\n  File \"<stdin>\", line 2, in <module>\n\
                 ZeroDivisionError: division by zero\n";
    assert_eq!((outcome.status, outcome.err.as_str()), (Some(1), error));
}

#[test]
fn interactive_loop() {
    let outcome = run_with_input(&["-i", "-q"], b"if 1:\n  x = 4\n\nx\n_ + 1\n1 / 0\nx =\nprint(x)\n");
    assert_eq!((outcome.status, outcome.out.as_str()), (Some(0), "4\n5\n4\n"), "{}", outcome.err);
    let error = ">>> ... ... >>> >>> >>> Traceback (most recent call last):\n  File \"<stdin>\", line 1, in <module>\n    \
                 1 / 0\n    ~~^~~\nZeroDivisionError: division by zero\n>>>   File \"<stdin>\", line 1\n    x =\n       ^\n\
                 SyntaxError: invalid syntax\n>>> >>> \n";
    assert_eq!(outcome.err, error);
    assert_eq!(run_with_input(&["-i", "-q"], b"exit(4)\n").status, Some(4));
    let after = run_with_input(&["-i", "-c", "x = 1; raise SystemExit(5)"], b"x\n");
    assert_eq!((after.status, after.out.as_str()), (Some(0), "1\n"), "{}", after.err);
    assert!(after.err.contains("SystemExit: 5"), "{}", after.err);
}

#[test]
fn sources_that_are_no_text() {
    let cases: [(&str, &[u8], &str); 4] = [
        ("null.py", b"print(1)\n\0\n", "line 2\n    \nSyntaxError: source code cannot contain null bytes\n"),
        (
            "latin.py",
            b"\nx = \"\xff\"\n",
            "line 2\n    x = \"\u{fffd}\"\n         ^\nSyntaxError: Non-UTF-8 code starting with '\\xff' in file ",
        ),
        ("unknown.py", b"# coding: foobar\n", "line 0\nSyntaxError: unknown encoding: foobar\n"),
        (
            "marked.py",
            b"\xef\xbb\xbf# coding: latin-1\n",
            "line 1\n    # coding: latin-1\nSyntaxError: encoding problem: iso-8859-1 with BOM\n",
        ),
    ];
    for (name, content, error) in cases {
        let path = file("sources", name, content);
        let outcome = run(&[path.to_str().expect("a path in UTF-8")]);
        assert!(outcome.status == Some(1) && outcome.err.contains(error), "{name}: {}", outcome.err);
        assert!(outcome.err.starts_with("  File "), "{name}: {}", outcome.err);
    }
    let latin = file("sources", "declared.py", b"# coding: latin-1\nprint(len('\xe9'))\n");
    assert_eq!(run(&[latin.to_str().expect("a path in UTF-8")]).out, "1\n");
}

#[test]
fn hooks_that_fail() {
    let outcome = program(
        "import sys; sys.excepthook = lambda *a: [][1]\n1/0",
        1,
        "ZeroDivisionError: division by zero",
    );
    let lines: Vec<_> = outcome.err.lines().collect();
    assert_eq!(lines.first(), Some(&"Error in sys.excepthook:"), "{}", outcome.err);
    assert!(lines.contains(&"IndexError: list index out of range"), "{}", outcome.err);
    assert!(lines.contains(&"Original exception was:"), "{}", outcome.err);
    let outcome = program("import sys; del sys.excepthook; 1/0", 1, "ZeroDivisionError: division by zero");
    assert!(outcome.err.starts_with("sys.excepthook is missing\nTraceback"), "{}", outcome.err);
    assert_eq!(program("import sys; sys.stderr = None; 1/0", 1, "").err, "");
}

#[test]
fn sources_that_are_deep() {
    program("eval('(' * 1000 + ')' * 1000)", 1, "SyntaxError: too many nested parentheses");
    program("eval('(' * 100000)", 1, "SyntaxError: too many nested parentheses");
    let deep = run(&["-c", "eval('-' * 100000 + '1')"]);
    let last = deep.err.lines().last().unwrap_or("");
    assert!(
        deep.status == Some(1) && ["MemoryError", "RecursionError"].iter().any(|e| last.contains(e)),
        "{last}"
    );
}

#[test]
fn endless_recursion() {
    program("def f(): f()\nf()", 1, "RecursionError");
    program("class A:\n  def __repr__(self): return repr(self)\nrepr(A())", 1, "RecursionError");
    program("class A:\n  def __eq__(s, o): return s == o\nA() == A()", 1, "RecursionError");
    program("l = []\nfor _ in range(100000): l = [l]\nrepr(l)", 1, "RecursionError");
    let gone = program("l = []\nfor _ in range(100000): l = [l]\ndel l\nprint('gone')", 0, "");
    assert_eq!(gone.out, "gone\n");
    assert_eq!(program("l = []\nl.append(l)\nprint(l)", 0, "").out, "[[...]]\n");
}

#[test]
fn more_memory_than_there_is() {
    for source in ["[0] * 10**18", "(0,) * 10**18", "'x' * 10**18", "b'x' * 10**18", "1 << 10**12"] {
        program(source, 1, "MemoryError");
    }
}

#[test]
fn errors_that_nobody_catches() {
    let thread =
        "import threading\ndef f(): 1/0\nt = threading.Thread(target=f)\nt.start()\nt.join()\nprint('after')";
    assert_eq!(program(thread, 0, "ZeroDivisionError: division by zero").out, "after\n");
    let finalizer = "class A:\n  def __del__(self): 1/0\na = A()\ndel a\nprint('after')";
    assert_eq!(program(finalizer, 0, "ZeroDivisionError: division by zero").out, "after\n");
}

#[test]
fn what_happens_at_the_end() {
    let source = "import atexit, sys\n\
        class A:\n  def __init__(self, name): self.name = name\n  def __del__(self): print('del', self.name)\n\
        a, _b, cycle = A('a'), A('_b'), [A('cycle')]\ncycle.append(cycle)\n\
        sys.modules['other'] = type(sys)('other')\nsys.modules['other'].x = A('x')\n\
        atexit.register(print, 'atexit')";
    assert_eq!(program(source, 0, "").out, "atexit\ndel x\ndel a\ndel _b\ndel cycle\n");
    let path = file("end", "written.txt", b"");
    let path = path.to_str().expect("a path in UTF-8");
    assert_eq!(run(&["-c", "import sys; f = open(sys.argv[1], 'w'); f.write('text')", path]).status, Some(0));
    assert_eq!(fs::read_to_string(path).expect("the file"), "text");
    let late = "import threading, time\ndef f(): time.sleep(0.2); print('late')\n\
        threading.Thread(target=f).start()\nraise SystemExit(4)";
    assert_eq!(program(late, 4, "").out, "late\n");
    let daemons = "import threading\ndef f():\n  while True: pass\n\
        for _ in range(3): threading.Thread(target=f, daemon=True).start()\nprint('end')";
    assert_eq!(program(daemons, 0, "").out, "end\n");
    let exit = "import threading, sys\nt = threading.Thread(target=sys.exit, args=(3,))\nt.start()\nt.join()";
    assert_eq!(program(exit, 0, "").err, "");
}

#[test]
fn tracebacks() {
    let missing =
        program("import no_such_module", 1, "ModuleNotFoundError: No module named 'no_such_module'");
    assert_eq!(missing.err.lines().count(), 4, "{}", missing.err);
    let hook = "import sys\nsys.unraisablehook = lambda u: [][1]\nclass A:\n  def __del__(self): 1/0\nA()";
    let failed = program(hook, 0, "IndexError: list index out of range");
    assert!(
        failed.err.starts_with("Exception ignored in sys.unraisablehook: <function <lambda> at "),
        "{}",
        failed.err
    );
    let finalizer = program("class A:\n  def __del__(self): 1/0\nA()", 0, "ZeroDivisionError");
    assert!(
        finalizer.err.starts_with("Exception ignored while calling deallocator <function A.__del__"),
        "{}",
        finalizer.err
    );
}

#[test]
fn what_is_deep() {
    let nest = "l = []\nfor _ in range(100000): l = [l]\n";
    for use_of_it in
        ["import json; json.dumps(l)", "import copy; copy.deepcopy(l)", "import pickle; pickle.dumps(l)"]
    {
        let outcome = program(&format!("{nest}{use_of_it}"), 1, "");
        assert!(outcome.err.contains("\nRecursionError: "), "{use_of_it}: {}", outcome.err);
    }
    program("import json; json.loads('[' * 100000)", 1, "RecursionError");
    program("t = ()\nfor _ in range(100000): t = (t,)\nhash(t)", 1, "RecursionError");
    program("import re; re.compile('(' * 100000)", 1, "RecursionError");
    program(
        "class A:\n  def __getattr__(self, name): return getattr(self, name)\nA().x",
        1,
        "RecursionError",
    );
}

#[test]
fn containers_that_change_while_they_are_used() {
    let cases = [
        ("d = {1: 1}\nfor k in d: d[k + 1] = 1", "RuntimeError: dictionary changed size during iteration"),
        ("s = {1}\nfor k in s: s.add(k + 1)", "RuntimeError: Set changed size during iteration"),
        ("l = [2, 1]\nl.sort(key=lambda x: l.append(x) or x)", "ValueError: list modified during sort"),
        (
            "b = bytearray(9)\nm = memoryview(b)\nb.append(1)",
            "BufferError: Existing exports of data: object cannot be re-sized",
        ),
        (
            "class A:\n  def __index__(self): l.clear(); return 5\nl = [1] * 9\nl[A()] = 1",
            "IndexError: list assignment index out of range",
        ),
    ];
    for (source, error) in cases {
        program(source, 1, error);
    }
}

#[test]
fn closed_output() {
    program("import sys; sys.stdout.close(); print(1)", 1, "ValueError: I/O operation on closed file.");
    let mut child =
        command(&["-c", "for i in range(100000): print(i)"]).spawn().expect("the command to start");
    drop(child.stdout.take());
    let outcome = finish(child);
    assert!(outcome.status == Some(1) && outcome.err.contains("BrokenPipeError"), "{}", outcome.err);
}

/// Interrupts a program once it has printed a line.
#[cfg(unix)]
fn interrupt(source: &str) -> Outcome {
    let mut child = command(&["-u", "-c", source]).spawn().expect("the command to start");
    let mut ready = [0];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut ready).expect("a line before the interruption");
    thread::sleep(Duration::from_millis(200));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill to start").success());
    finish(child)
}

#[cfg(unix)]
#[test]
fn interruptions() {
    for wait in [
        "import time; print('ready'); time.sleep(1000)",
        "import threading; l = threading.Lock(); l.acquire(); print('ready'); l.acquire()",
        "print('ready')\nwhile True: pass",
    ] {
        let outcome = interrupt(wait);
        assert_eq!(outcome.status, Some(INTERRUPTED), "{wait}: {}", outcome.err);
        assert!(outcome.err.contains("KeyboardInterrupt"), "{wait}: {}", outcome.err);
    }
}
