"""What the orochi command does in Python: standard streams, running programs, the plain interactive loop."""

import sys

# There is no compiler to machine code; programs ask for it so.
sys._jit = type(sys)('sys._jit', 'Utilities for observing just-in-time compilation.')
sys._jit.is_available = sys._jit.is_enabled = sys._jit.is_active = lambda: False


def install_streams(unbuffered, encoding, default_errors):
    """Sets sys.stdin, sys.stdout and sys.stderr; a stream whose descriptor is closed becomes None."""
    import io
    encoding, _, errors = (encoding or '').partition(':')
    if encoding:
        import codecs
        encoding = codecs.lookup(encoding).name
        errors = errors or 'strict'
    encoding = encoding or 'utf-8'
    errors = errors or default_errors
    sys.stdin = sys.__stdin__ = _stream(io, 0, 'r', encoding, errors, unbuffered)
    sys.stdout = sys.__stdout__ = _stream(io, 1, 'w', encoding, errors, unbuffered)
    sys.stderr = sys.__stderr__ = _stream(io, 2, 'w', encoding, 'backslashreplace', unbuffered)


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


def run_folder_or_archive(path):
    """Runs what can be imported from as __main__; False if the path is an ordinary file."""
    import os
    if not os.path.isdir(path):
        import zipimport
        try:
            zipimport.zipimporter(path)
        except zipimport.ZipImportError:
            return False
    import runpy
    sys.path.insert(0, path)
    runpy._run_module_as_main('__main__', False)
    return True


def _put_first(path):
    sys.path.insert(0, path)
    try:
        import _library
        _library.set_first_path(path)
    except UnicodeEncodeError:
        pass  # only messages need it


def path_of_file(path):
    """Puts the folder of a program in front of sys.path."""
    import os
    if not sys.flags.safe_path:
        _put_first(os.path.dirname(os.path.realpath(path)))


def path_of_command():
    """Puts the working folder, wherever it will be, in front of sys.path."""
    if not sys.flags.safe_path:
        _put_first('')


def compiled_program(data):
    """The code of a program that is a file of compiled code."""
    import _imp
    import marshal
    if data[:4] != _imp.pyc_magic_number_token.to_bytes(4, 'little'):
        raise RuntimeError('Bad magic number in .pyc file')
    if len(data) < 16:
        raise EOFError('EOF read where not expected')
    try:
        code = marshal.loads(data[16:])
    except (EOFError, ValueError, TypeError):
        code = None
    if not isinstance(code, type(compiled_program.__code__)):
        raise RuntimeError('Bad code object in .pyc file')
    return code


def describe_main(path, is_compiled):
    """What __main__ says about a program that is a file."""
    import __main__
    import _frozen_importlib_external as external
    loader = external.SourcelessFileLoader if is_compiled else external.SourceFileLoader
    __main__.__file__ = path
    __main__.__cached__ = None
    __main__.__loader__ = loader('__main__', path)


def dedent(source):
    """The argument of -c without the indentation that all its lines share."""
    import textwrap
    return textwrap.dedent(source)


def remember_source(code, source):
    """Lets tracebacks show the lines of source that has no file."""
    import linecache
    linecache._register_code(code, source, code.co_filename)


def run_module(name):
    """Runs the argument of -m."""
    import os
    import runpy
    if not sys.flags.safe_path:
        _put_first(os.getcwd())
    runpy._run_module_as_main(name)


def interact(is_program):
    """The interactive loop: the library's own when the terminal can do it, else a plain one. It is the program, or what
    follows one."""
    if is_program:
        path_of_command()
        _say_hello()
        _run_startup_file()
    hook = getattr(sys, '__interactivehook__', None)
    if hook is not None and not sys.flags.isolated:
        try:
            hook()
        except Exception:
            print('Failed calling sys.__interactivehook__', file=sys.stderr)
            sys.excepthook(*sys.exc_info())
    import __main__
    if _may_use_terminal():
        import _pyrepl.main
        _pyrepl.main.interactive_console(__main__)
    else:
        _plain_loop(__main__.__dict__)


def _say_hello():
    if not sys.flags.quiet:
        print(f'Orochi {sys.version} on {sys.platform}', file=sys.stderr)
        if not sys.flags.no_site:
            print('Type "help", "copyright", "credits" or "license" for more information.', file=sys.stderr)


def _run_startup_file():
    import os
    import __main__
    path = os.environ.get('PYTHONSTARTUP')
    if not path or sys.flags.ignore_environment:
        return
    try:
        with open(path, 'rb') as file:
            source = file.read()
    except OSError as error:
        print('Could not open PYTHONSTARTUP', file=sys.stderr)
        _show(error.with_traceback(None))
        return
    try:
        exec(compile(source, path, 'exec', dont_inherit=True), __main__.__dict__)
    except Exception as error:
        _show(error.with_traceback(error.__traceback__.tb_next))


def _may_use_terminal():
    import os
    basic = os.environ.get('PYTHON_BASIC_REPL') and not sys.flags.ignore_environment
    return not basic and sys.stdin is not None and os.isatty(0) and os.isatty(1)


def _base_loop():
    """sys._baserepl: the plain loop for whoever has tried to start the other one."""
    import __main__
    _plain_loop(__main__.__dict__)


sys._baserepl = _base_loop


def _plain_loop(namespace):
    """Reads, compiles and runs statements until the end of the input."""
    import codeop
    if not hasattr(sys, 'ps1'):
        sys.ps1 = '>>> '
    if not hasattr(sys, 'ps2'):
        sys.ps2 = '... '
    compiler = codeop.CommandCompiler()
    lines = []
    while True:
        try:
            line = _read_line(sys.ps2 if lines else sys.ps1)
        except KeyboardInterrupt:
            print('\nKeyboardInterrupt', file=sys.stderr)
            lines.clear()
            continue
        at_end = not line
        if at_end and not lines:
            print(file=sys.stderr)
            return
        lines.append(line.removesuffix('\n'))
        source = '\n'.join(lines)
        try:
            code = compiler(source, '<stdin>', 'single')
            if code is None and at_end:
                code = compile(source + '\n', '<stdin>', 'single')
        except (SyntaxError, OverflowError, ValueError, MemoryError, RecursionError) as error:
            lines.clear()
            _show(error.with_traceback(None))
            continue
        if code is not None:
            lines.clear()
            _run_statement(code, source, namespace)


def _read_line(prompt):
    """A line with its end; empty at the end of the input. Prompts go to the terminal, or out of the output's way."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        try:
            return input(prompt) + '\n'
        except EOFError:
            return ''
    print(prompt, end='', file=sys.stderr, flush=True)
    return sys.stdin.readline()


def _run_statement(code, source, namespace):
    remember_source(code, source)
    try:
        exec(code, namespace)
    except SystemExit:
        raise
    except BaseException as error:
        _show(error.with_traceback(error.__traceback__.tb_next))
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


def _show(error):
    sys.last_exc = error
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    sys.excepthook(type(error), error, error.__traceback__)


def finish():
    """Waits for threads. The command runs exit functions after it, and the next two."""
    threading = sys.modules.get('threading')
    if threading is not None:
        try:
            threading._shutdown()
        except BaseException as error:
            _ignored(error, 'Exception ignored on threading shutdown')


def flush_streams():
    """Flushes the standard streams; whether it worked."""
    flushed = True
    for name in ('stdout', 'stderr'):
        stream = getattr(sys, name, None)
        if stream is None or getattr(stream, 'closed', False):
            continue
        try:
            stream.flush()
        except BaseException as error:
            flushed = False
            if name == 'stdout':
                _ignored(error, 'Exception ignored while flushing sys.stdout')
    return flushed


def modules_that_stay():
    """The library's modules, which are not let go of; None while daemon threads run, which would find their globals gone."""
    import _thread
    if _thread._count():
        return None
    return [module for module in sys.modules.values() if isinstance(module, type(sys)) and _is_of_library(module)]


def let_go_of_modules():
    """Lets the modules that are not the library's die, so that what only they keep alive is finalized: files are flushed.
    What finalizers find in their globals is there still. Gives weak references to them, for `empty_modules`."""
    from _weakref import ref
    for name in ('last_exc', 'last_type', 'last_value', 'last_traceback'):
        sys.__dict__.pop(name, None)
    left = []
    for name, module in reversed(list(sys.modules.items())):
        if isinstance(module, type(sys)) and not _is_of_library(module):
            left.append(ref(module))
            del sys.modules[name]
    return left


def empty_modules(left):
    """Empties modules that something else holds, after a collection."""
    for reference in left:
        module = reference()
        if module is not None:
            _empty(module.__dict__)


def _is_of_library(module):
    if module.__name__ == '__main__':
        return False
    spec = getattr(module, '__spec__', None)
    loader = getattr(spec, 'loader', None)
    return loader is not None and (
        type(loader).__name__ == 'LibraryLoader' or spec.origin in ('built-in', 'frozen') or module is sys)


def _empty(namespace):
    """Lets go of a module's names in the order in which they came to be."""
    for name in list(namespace):
        if name != '__builtins__':
            namespace[name] = None


def _ignored(error, message):
    """Reports an error that nothing can be done about, as sys.unraisablehook does."""
    try:
        print(message + ':', file=sys.stderr)
        import traceback
        traceback.print_exception(error.with_traceback(error.__traceback__.tb_next), chain=False)
    except BaseException:
        pass
