"""A profiler with little overhead, with the interface of the module `profile`.

    import cProfile
    cProfile.run('work()', sort='cumulative')

or `python -m cProfile [-o file] [-s order] (-m module | script) [argument ...]`. The counting is done by `_lsprof`;
`pstats` shows what was counted.
"""

import _lsprof
import profile as _profile

__all__ = ['run', 'runctx', 'Profile']


def run(statement, filename=None, sort=-1):
    return _profile._Utils(Profile).run(statement, filename, sort)


def runctx(statement, globals, locals, filename=None, sort=-1):
    return _profile._Utils(Profile).runctx(statement, globals, locals, filename, sort)


run.__doc__ = _profile.run.__doc__
runctx.__doc__ = _profile.runctx.__doc__


def label(code):
    """The name under which pstats knows a function: of a code object, or a native function's description."""
    if isinstance(code, str):
        return '~', 0, code
    return code.co_filename, code.co_firstlineno, code.co_name


class Profile(_lsprof.Profiler):
    """Profile(timer=None, timeunit=None, subcalls=True, builtins=True)

    A profiler that asks `timer` for the time; without one it has its own, of real time. `timeunit` is how many seconds the
    unit of a timer is that gives whole numbers. With `subcalls` each function's part is also counted for each of its
    callers, with `builtins` native functions are counted apart from who calls them.
    """

    def create_stats(self):
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self):
        """Set `stats` to what pstats reads: for each function (primitive calls, calls, own time, time, callers)."""
        self.stats = {}
        callers_of = {}
        entries = self.getstats()
        for entry in entries:
            callers = callers_of[id(entry.code)] = {}
            self.stats[label(entry.code)] = *self._counts(entry), callers
        for entry in entries:
            caller = label(entry.code)
            for call in entry.calls or ():
                callers = callers_of.get(id(call.code))
                if callers is not None:
                    before = callers.get(caller, (0, 0, 0, 0))
                    # Functions with one label are one.
                    primitive, calls, own, total = map(sum, zip(before, self._counts(call)))
                    callers[caller] = calls, primitive, own, total

    @staticmethod
    def _counts(entry):
        return entry.callcount - entry.reccallcount, entry.callcount, entry.inlinetime, entry.totaltime

    def print_stats(self, sort=-1):
        import pstats
        keys = sort if isinstance(sort, tuple) else (sort,)
        pstats.Stats(self).strip_dirs().sort_stats(*keys).print_stats()

    def dump_stats(self, file):
        import marshal
        with open(file, 'wb') as out:
            self.create_stats()
            marshal.dump(self.stats, out)

    def run(self, cmd):
        import __main__
        return self.runctx(cmd, __main__.__dict__, __main__.__dict__)

    def runctx(self, cmd, globals, locals):
        self.runcall(exec, cmd, globals, locals)
        return self

    def runcall(self, func, /, *args, **kw):
        self.enable()
        # A block of its own with `with` would be among what is counted.
        try:
            return func(*args, **kw)
        finally:
            self.disable()

    def __enter__(self):
        self.enable()
        return self

    def __exit__(self, *exc_info):
        self.disable()


def main():
    import os
    import pstats
    import sys
    from optparse import OptionParser

    parser = OptionParser(usage='cProfile.py [-o output_file_path] [-s sort] [-m module | scriptfile] [arg] ...')
    parser.allow_interspersed_args = False
    parser.add_option('-o', '--outfile', dest='outfile', default=None, help='Save stats to <outfile>')
    parser.add_option(
        '-s', '--sort', dest='sort', default=2, choices=sorted(pstats.Stats.sort_arg_dict_default),
        help='Sort order when printing to stdout, based on pstats.Stats class')
    parser.add_option('-m', dest='module', action='store_true', default=False, help='Profile a library module')
    if not sys.argv[1:]:
        parser.print_usage()
        sys.exit(2)
    options, args = parser.parse_args()
    if not args:
        parser.error('a module or a script is missing')
    # The program may change the folder.
    outfile = options.outfile and os.path.abspath(options.outfile)
    sys.argv[:] = args
    statement, namespace = (_module if options.module else _script)(args[0])
    try:
        runctx(statement, namespace, namespace, outfile, options.sort)
    except BrokenPipeError as error:
        # Nobody reads what is left to say.
        sys.stdout = None
        sys.exit(error.errno)
    return parser


def _module(name):
    import runpy
    return "run_module(name, run_name='__main__')", {'run_module': runpy.run_module, 'name': name}


def _script(path):
    """A script's code, and the namespace of the module __main__ that it is to be, as if it had been started itself."""
    import io
    import os
    import sys
    import types
    sys.path.insert(0, os.path.dirname(path))
    with io.open_code(path) as file:
        code = compile(file.read(), path, 'exec')
    # `import __main__`, pickle and multiprocessing look for it there.
    module = sys.modules['__main__'] = types.ModuleType('__main__')
    module.__file__ = path
    module.__cached__ = None
    return code, vars(module)


if __name__ == '__main__':
    main()
