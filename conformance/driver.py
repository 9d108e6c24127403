"""Runs the tests of one module of CPython's test package and writes what became of each method to a file.

    INTERPRETER conformance/driver.py MODULE EVENTS FINISHED [ONLY]

It runs inside the interpreter under test, so it asks little of it. EVENTS gets one line for each event, with tabs between
its parts: `start ID`, then `pass|fail|skip|apart ID REASON`; `module fail|skip|apart REASON` if the module can't be
loaded, and `end` when all is done. A line is written at once: what started and has no outcome is what crashed or hung.
FINISHED names a file of IDs that an earlier process has done, one a line; ONLY one of the IDs that are wanted.

"Apart" is what says nothing about a Python implementation: tests that skip themselves since it isn't CPython, or for
want of CPython's test helpers in C.
"""

import ast
import contextlib
import importlib
import os
import pkgutil
import re
import sys
import traceback
import types
import unittest

C_HELPERS = {
    '_testcapi', '_testinternalcapi', '_testlimitedcapi', '_testbuffer', '_testimportmultiple', '_testsinglephase',
    '_testmultiphase', '_testexternalinspection', '_testclinic', '_testclinic_limited', '_xxtestfuzz', '_ctypes_test',
    '_remote_debugging', 'xxlimited', 'xxsubtype',
}
APART = re.compile(
    r'implementation detail|[Cc]Python[- ]only|specific to CPython|requires? CPython|CPython implementation'
    r'|ctypes\.pythonapi'
    r'|ndarray object required'  # test_buffer's words for the lack of `_testbuffer`
    r'|(?:' + '|'.join(sorted(C_HELPERS, key=len, reverse=True)) + r')\b')


class Missing:
    """What a stand-in for a helper in C has for every name: it can be imported, and skips the test that uses it."""

    testing = False  # while modules are loaded, nothing is skipped

    def __init__(self, name):
        self._name = name

    def __call__(self, *args, **kwargs):
        if not Missing.testing:
            return Missing(f'{self._name}()')
        raise unittest.SkipTest(f'needs {self._name}')

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        return Missing(f'{self._name}.{name}')

    def __mro_entries__(self, bases):
        return ()

    def __lt__(self, other):
        return False

    __le__ = __gt__ = __ge__ = __lt__


class StandIn(types.ModuleType):
    """A module in place of one of CPython's test helpers."""

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        return Missing(f'{self.__name__}.{name}')


def one_line(text):
    return ' '.join(str(text).split())[:300]


class Events:
    """The file of events; only the process that opened it writes to it."""

    def __init__(self, path, module):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.process = os.getpid()
        self.prefix = f'test.{module}.'

    def write(self, *parts):
        if os.getpid() == self.process:
            line = '\t'.join(one_line(part) for part in parts) + '\n'
            os.write(self.file, line.encode('utf-8', 'backslashreplace'))

    def identify(self, test):
        name = one_line(test.id())
        return name.removeprefix(self.prefix)


class Result(unittest.TextTestResult):
    """A result that tells the file of events; a method whose subtest fails has failed."""

    def __init__(self, events, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.events_file = events
        self.outcome = None

    def startTest(self, test):
        super().startTest(test)
        self.outcome = None
        self.events_file.write('start', self.events_file.identify(test))

    def stopTest(self, test):
        outcome, reason = self.outcome or ('pass', '')
        self.events_file.write(outcome, self.events_file.identify(test), reason)
        super().stopTest(test)

    def note(self, test, outcome, reason):
        """A failure outweighs whatever else is said of the same method."""
        if not hasattr(test, '_testMethodName') and not hasattr(test, 'run'):
            self.events_file.write(outcome, self.events_file.identify(test), reason)  # a class's or module's set-up
        elif self.outcome is None or outcome == 'fail':
            self.outcome = outcome, reason

    def failed(self, test, error):
        reason = traceback.format_exception_only(error[0], error[1])[-1] if error else 'unexpected success'
        lacks_helper = error and issubclass(error[0], ImportError) and APART.search(reason)
        self.note(test, 'apart' if lacks_helper else 'fail', reason)

    def addError(self, test, err):
        super().addError(test, err)
        self.failed(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.failed(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.failed(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, 'apart' if APART.search(str(reason)) else 'skip', reason)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.failed(test, None)


def set_up(test, original=unittest.TestCase._callSetUp):
    """A set-up that meets a stand-in is taken back: the tests after it find things as they would without it."""
    try:
        original(test)
    except unittest.SkipTest as skip:
        if APART.search(str(skip)):
            with contextlib.suppress(Exception):
                test.tearDown()
        raise


def missing_module(error):
    if isinstance(error, ImportError):
        return error.name
    found = re.search("No module named '(.*)'", str(error))
    return found and found[1]


def import_module(name):
    """Imports a module of tests, with stand-ins for the helpers in C that it imports at its top, and for CPython's functions."""
    while True:
        try:
            return importlib.import_module(name)
        except (ImportError, unittest.SkipTest) as error:
            # `import_helper.import_module` at the top of a module turns the ImportError into a SkipTest.
            helper = missing_module(error)
            if helper not in C_HELPERS or helper in sys.modules:
                raise
            sys.modules[helper] = StandIn(helper)
            sys.modules.pop(name, None)
        except AttributeError as error:
            # Functions of CPython's interface for C are looked up at the top of a module.
            if 'undefined symbol: Py' not in str(error) or isinstance(sys.modules['ctypes'].pythonapi, Missing):
                raise
            sys.modules['ctypes'].pythonapi = Missing('ctypes.pythonapi')
            sys.modules.pop(name, None)


def import_parts(module):
    """A package's modules are imported too, so that the loader finds them with their stand-ins."""
    for _, name, _ in pkgutil.iter_modules(getattr(module, '__path__', ())):
        if name.startswith('test_'):
            try:
                part = import_module(f'{module.__name__}.{name}')
                import_parts(part)
            except BaseException:
                pass  # the loader tries again, and reports it


def choose(suite, wanted):
    """Takes out of `suite` the tests that aren't wanted. The suites stay: their classes may do more than hold tests."""
    kept = []
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            choose(test, wanted)
            kept.append(test)
        elif wanted(test):
            kept.append(test)
    suite._tests = kept


def read_lines(path):
    with open(path, encoding='utf-8') as file:
        return set(file.read().split('\n'))


def is_for_cpython(test):
    """Whether the condition of an `if` asks whether this is CPython, as `cpython_only` does."""
    names = (getattr(node.func, 'attr', getattr(node.func, 'id', '')) for node in ast.walk(test) if isinstance(node, ast.Call))
    return 'check_impl_detail' in names


def report_left_out(module, events):
    """Notes the classes of tests that a module only defines if this is CPython, and didn't define."""
    with open(module.__file__, encoding='utf-8') as file:
        tree = ast.parse(file.read())
    for guard in tree.body:
        if isinstance(guard, ast.If) and is_for_cpython(guard.test):
            for node in guard.body:
                if isinstance(node, ast.ClassDef) and not hasattr(module, node.name):
                    for part in node.body:
                        if isinstance(part, ast.FunctionDef) and part.name.startswith('test'):
                            events.write('apart', f'{node.name}.{part.name}', 'defined for CPython only')


def load(name, events):
    """The suite of a module, or None, with an event that says why."""
    try:
        module = import_module(f'test.{name}')
        import_parts(module)
        report_left_out(module, events)
        return unittest.defaultTestLoader.loadTestsFromName(f'test.{name}')
    except unittest.SkipTest as skip:
        events.write('module', 'apart' if APART.search(str(skip)) else 'skip', skip)
    except BaseException as error:
        traceback.print_exc()
        events.write('module', 'fail', f'{type(error).__name__}: {error}')
    return None


def main():
    name, path, finished = sys.argv[1:4]
    sys.path.pop(0)  # this folder
    finished = read_lines(finished)
    only = read_lines(sys.argv[4]) if len(sys.argv) > 4 else None
    sys.argv[1:] = []
    events = Events(path, name)
    try:
        from test import support
        # All but what needs a network, a screen, or gigabytes.
        support.use_resources = ('cpu', 'curses', 'decimal', 'subprocess', 'tzdata', 'walltime')
    except ImportError:
        traceback.print_exc()

    def wanted(test):
        identity = events.identify(test)
        return identity not in finished and (only is None or identity in only)

    suite = load(name, events)
    if suite is not None:
        choose(suite, wanted)

        Missing.testing = True
        unittest.TestCase._callSetUp = set_up

        def result(*args, **kwargs):
            return Result(events, *args, **kwargs)

        unittest.TextTestRunner(stream=sys.stdout, resultclass=result, verbosity=2).run(suite)
    events.write('end')
    sys.stdout.flush()


if __name__ == '__main__':
    main()
