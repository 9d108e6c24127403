"""Code that is read late: docstrings, attributes and errors are as if it had been read at once."""
import marshal, threading, sys, types

def f(a, b=2, *, c=3):
    "the docstring"
    return a + b + c

assert f.__doc__ == 'the docstring' and f.__doc__ is f.__doc__
assert f.__code__.co_consts[0] == 'the docstring'
def g():
    "another"
def h(): pass
g.__code__ = h.__code__
assert g.__doc__ == 'another'
del f.__doc__
assert f.__doc__ is None
f.__doc__ = 'x'
assert f.__doc__ == 'x'
assert f(1) == 6 and f(1, c=1) == 4

# Damaged inner code is found out when it is to run, not before.
source = 'def inner(a):\n    return a + 1\n'
code = compile(source, 'damaged', 'exec')
data = marshal.dumps(code)
words = code.co_consts[0].co_code
at = data.index(words)
wrong = bytearray(data)
wrong[at + 1] = 250
namespace = {}
exec(marshal.loads(bytes(wrong)), namespace)
inner = namespace['inner']
assert inner.__name__ == 'inner' and inner.__code__.co_filename == 'damaged', inner
for _ in range(2):
    try:
        inner(1)
    except ValueError as error:
        assert str(error) == 'bad marshal data (bytecode is malformed)', error
    else:
        assert False
    try:
        inner.__code__.co_consts
    except ValueError as error:
        pass
    else:
        assert False

# Many threads call functions first at once.
for _ in range(30):
    namespace = {}
    exec(marshal.loads(marshal.dumps(compile('def k(x):\n    "doc"\n    return [(x, "const", 1.5, y) for y in (1, 2, 300000000000000000000)]', 'k', 'exec'))), namespace)
    k = namespace['k']
    results = []
    start = threading.Barrier(4)
    def run():
        start.wait()
        results.append(k(7))
    threads = [threading.Thread(target=run) for _ in range(4)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert all(r == results[0] for r in results) and len(results) == 4
    assert all(r[0][1] is results[0][0][1] for r in results)
print('done')
