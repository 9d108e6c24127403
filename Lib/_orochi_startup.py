"""What the orochi command does in Python: standard streams, running programs, the plain interactive loop."""

import sys

# There is no compiler to machine code; programs ask for it so.
sys._jit = type(sys)('sys._jit', 'Utilities for observing just-in-time compilation.')
sys._jit.is_available = sys._jit.is_enabled = sys._jit.is_active = lambda: False


def install_streams(unbuffered, encoding):
    """Sets sys.stdin, sys.stdout and sys.stderr; a stream whose descriptor is closed becomes None."""
    import io
    encoding, _, errors = (encoding or '').partition(':')
    encoding = encoding or 'utf-8'
    # As CPython in its UTF-8 mode and in the C locale.
    errors = errors or ('surrogateescape' if _c_locale() else 'strict')
    sys.stdin = sys.__stdin__ = _stream(io, 0, 'r', encoding, errors, unbuffered)
    sys.stdout = sys.__stdout__ = _stream(io, 1, 'w', encoding, errors, unbuffered)
    sys.stderr = sys.__stderr__ = _stream(io, 2, 'w', encoding, 'backslashreplace', unbuffered)


def _c_locale():
    import os
    for name in ('LC_ALL', 'LC_CTYPE', 'LANG'):
        value = os.environ.get(name)
        if value:
            return value in ('C', 'POSIX')
    return True


def _stream(io, descriptor, mode, encoding, errors, unbuffered):
    import os
    try:
        os.fstat(descriptor)
    except OSError:
        return None
    writing = mode == 'w'
    raw = io.FileIO(descriptor, mode, closefd=False)
    terminal = raw.isatty()
    if writing and unbuffered:
        buffer = raw
    elif writing:
        buffer = io.BufferedWriter(raw)
    else:
        buffer = io.BufferedReader(raw)
    raw.name = ('<stdin>', '<stdout>', '<stderr>')[descriptor]
    stream = io.TextIOWrapper(
        buffer, encoding, errors, newline='\n' if writing else None,
        line_buffering=writing and (terminal or descriptor == 2), write_through=writing and unbuffered)
    stream.mode = mode
    return stream


def run_file(path, skip_first_line=False):
    """Runs a folder or an archive as __main__; gives the code of a source file or a compiled file."""
    import os
    importer = _importer_of(path)
    if importer is not None:
        import runpy
        sys.path.insert(0, path)
        runpy._run_module_as_main('__main__', False)
        return
    if not sys.flags.safe_path:
        sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    import __main__
    import _frozen_importlib_external as external
    path = os.path.abspath(path)
    with open(path, 'rb') as file:
        data = file.read()
    if data[:4] == external.MAGIC_NUMBER:
        loader = external.SourcelessFileLoader('__main__', path)
        code = external._compile_bytecode(memoryview(data)[16:], '__main__', path)
    else:
        loader = external.SourceFileLoader('__main__', path)
        if skip_first_line:
            data = b'\n' + data.partition(b'\n')[2]
        if b'\0' in data:
            raise SyntaxError('source code cannot contain null bytes')
        code = compile(data, path, 'exec', dont_inherit=True)
    del data
    __main__.__file__ = path
    __main__.__cached__ = None
    __main__.__loader__ = loader
    return code


def _importer_of(path):
    """What can import from a path that is a folder or an archive; None for ordinary files."""
    import os
    if not os.path.isdir(path):
        import zipimport
        try:
            return zipimport.zipimporter(path)
        except zipimport.ZipImportError:
            return None
    return path


def run_command(source):
    """The code of the argument of -c."""
    if not sys.flags.safe_path:
        sys.path.insert(0, '')
    return _compile_named(source, '<string>')


def _compile_named(source, name):
    """Compiles text that has no file, and lets tracebacks show its lines."""
    code = compile(source, name, 'exec', dont_inherit=True)
    import linecache
    text = source if isinstance(source, str) else source.decode('utf-8', 'replace')
    linecache._register_code(code, text, name)
    return code


def run_module(name):
    """Runs the argument of -m."""
    import os
    import runpy
    if not sys.flags.safe_path:
        sys.path.insert(0, os.getcwd())
    runpy._run_module_as_main(name)


def run_stdin():
    """Runs the program that comes from standard input, or the interactive loop on a terminal."""
    if not sys.flags.safe_path:
        sys.path.insert(0, '')
    if sys.stdin is None:
        return
    if sys.stdin.isatty() or sys.flags.interactive:
        interact()
        return
    import __main__
    exec(_compile_named(sys.stdin.buffer.read(), '<stdin>'), __main__.__dict__)


def interact(banner=True):
    """The interactive loop: the library's own when the terminal can do it, else a plain one."""
    import os
    import __main__
    startup = os.environ.get('PYTHONSTARTUP')
    if startup and not sys.flags.ignore_environment:
        try:
            with open(startup, 'rb') as file:
                exec(compile(file.read(), startup, 'exec'), __main__.__dict__)
        except Exception:
            sys.excepthook(*sys.exc_info())
    if not hasattr(sys, 'ps1'):
        sys.ps1 = '>>> '
        sys.ps2 = '... '
    if banner and not sys.flags.quiet:
        print(f'Orochi {sys.version} on {sys.platform}', file=sys.stderr)
        if not sys.flags.no_site:
            print('Type "help", "copyright", "credits" or "license" for more information.', file=sys.stderr)
    sys.__interactivehook__() if hasattr(sys, '__interactivehook__') and not sys.flags.isolated else None
    _plain_loop(__main__.__dict__)


def _plain_loop(namespace):
    """Reads, compiles and runs statements until the end of the input."""
    import codeop
    compiler = codeop.CommandCompiler()
    lines = []
    while True:
        try:
            line = input(sys.ps2 if lines else sys.ps1)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print('\nKeyboardInterrupt')
            lines.clear()
            continue
        lines.append(line)
        source = '\n'.join(lines)
        try:
            code = compiler(source, '<stdin>', 'single')
            if code is None:
                continue
            lines.clear()
            exec(code, namespace)
        except SystemExit:
            raise
        except BaseException:
            lines.clear()
            sys.last_exc = error = sys.exception()
            sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
            sys.excepthook(type(error), error, error.__traceback__)


def finish():
    """Ends what Python code began: waits for threads, runs exit functions, flushes the streams. Gives the status 120 if
    a flush failed, else 0."""
    threading = sys.modules.get('threading')
    if threading is not None:
        try:
            threading._shutdown()
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
    atexit = sys.modules.get('atexit')
    if atexit is not None:
        atexit._run_exitfuncs()
    status = 0
    for name in ('stdout', 'stderr'):
        stream = getattr(sys, name, None)
        if stream is None or getattr(stream, 'closed', False):
            continue
        try:
            stream.flush()
        except BaseException as error:
            status = 120
            if name == 'stdout':
                _ignored(error, stream)
    return status


def _ignored(error, stream):
    """Reports an error that nothing can be done about, as sys.unraisablehook does."""
    try:
        print(f'Exception ignored while flushing sys.stdout:', file=sys.stderr)
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException:
        pass
