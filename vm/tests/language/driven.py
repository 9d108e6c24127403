"""Generators that the loop drives: `send`, loops, exceptions on the way, and what `finally` and `with` do meanwhile."""


def echo():
    got = None
    while True:
        try:
            got = yield got
        except KeyError as error:
            got = 'caught ' + repr(error)
        if got == 'stop':
            return 'the end'
        if got == 'fail':
            raise ValueError('failed')


def drive(values):
    generator = echo()
    out = [next(generator)]
    try:
        for value in values:
            out.append(generator.send(value))
    except StopIteration as stop:
        out.append(('stopped', stop.value))
    except ValueError as error:
        out.append(('error', str(error)))
    try:
        out.append(generator.send(1))
    except StopIteration as stop:
        out.append(('stopped again', stop.value))
    return out


for values in ([1, 'a', None], [1, 'stop', 2], [1, 'fail', 2]):
    print(drive(values))

try:
    echo().send(1)
except TypeError as error:
    print(error)


def itself():
    try:
        yield holder[0].send(None)
    except ValueError as error:
        yield str(error)


holder = [itself()]
print(next(holder[0]))
thrown = echo()
next(thrown)
print(thrown.throw(KeyError('k')), thrown.send(2))


def inner():
    try:
        got = yield 'inner 1'
        print('inner got', got)
        yield 'inner 2'
    finally:
        print('inner ends')
    return 'result'


def outer():
    result = yield from inner()
    print('outer got', result)
    yield 'outer'


delegating = outer()
print(next(delegating), delegating.send('sent'), next(delegating), list(delegating))


def handling():
    try:
        raise ValueError('inside')
    except ValueError as error:
        yield 1
        try:
            raise KeyError('second')
        except KeyError as second:
            print(repr(second.__context__))
        yield 2


import_error = None
for item in handling():
    try:
        raise TypeError('outside')
    except TypeError as error:
        print(item, repr(error.__context__))


def numbers(n):
    for i in range(n):
        yield i


def pairs(n):
    for i in numbers(n):
        for j in numbers(i):
            yield i, j


print(list(pairs(4)), sum(x * y for x, y in pairs(5)))
for i in numbers(3):
    if i == 1:
        break
else:
    print('not reached')


class Resource:
    def __enter__(self):
        print('enter')
        return self

    def __exit__(self, kind, value, traceback):
        print('exit', kind and kind.__name__)


def with_resource():
    with Resource():
        yield 1
        yield 2


for item in with_resource():
    print(item)
closing = with_resource()
next(closing)
closing.close()
del closing


def raising():
    yield 1
    raise LookupError('from the generator')


try:
    for item in raising():
        print(item)
except LookupError as error:
    traceback = error.__traceback__
    names = []
    while traceback is not None:
        names.append((traceback.tb_frame.f_code.co_name, sorted(traceback.tb_frame.f_locals) if names else ''))
        traceback = traceback.tb_next
    print(repr(error), names)


class Custom(KeyError):
    def __init__(self, key, extra=None):
        super().__init__(key, extra)
        self.key = key


for arguments in ((1,), (2, 3)):
    try:
        raise Custom(*arguments)
    except KeyError as error:
        print(repr(error), error.args, error.key)
