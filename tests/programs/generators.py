# Generators and exceptions: throwing into delegates, what frames and tracebacks show, contexts, replaced code.
import sys
import traceback


def stack():
    frame, names = sys._getframe(1), []
    while frame:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names


def lines(error):
    tb, names = error.__traceback__, []
    while tb:
        names.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
        tb = tb.tb_next
    return names


def inner():
    try:
        yield 1
    except ValueError:
        print('inner', stack())
        yield 2
    except KeyError:
        print('inner returns', stack())
        return 'result'
    finally:
        print('finally', stack()[0])


def middle():
    print('middle got', (yield from inner()))
    yield 3


def outer():
    try:
        yield from middle()
    except BaseException as error:
        print('outer', repr(error), lines(error))
        raise


def throw(error):
    g = outer()
    print(next(g))
    try:
        print(g.throw(error))
        print(g.gi_yieldfrom.__name__, g.gi_running, g.gi_suspended)
        print(next(g, 'end'))
    except BaseException as error:
        print('out', repr(error), lines(error))
    g.close()


for error in ValueError('v'), KeyError('k'), TypeError('t'), GeneratorExit('g'):
    throw(error)


class Delegate:
    def __iter__(self):
        return self

    def __next__(self):
        return 'next'

    def throw(self, *args):
        print('throw', args, stack()[:3])
        if isinstance(args[0], KeyError):
            raise StopIteration('stopped')
        if isinstance(args[0], TypeError):
            raise OSError('os')
        return 'thrown'

    def close(self):
        print('close', stack()[0])


def over(iterator):
    value = yield from iterator
    print('value', value)
    yield 'after'


for error in ValueError, KeyError, TypeError, GeneratorExit:
    g = over(Delegate())
    next(g)
    try:
        print(g.throw(error()))
    except BaseException as error:
        print(repr(error), lines(error), repr(error.__context__))

g = over([1, 2])
next(g)
try:
    g.throw(ValueError('list'))
except ValueError as error:
    print(repr(error), lines(error))


def handling():
    try:
        1 / 0
    except ZeroDivisionError:
        yield from plain()


def plain():
    yield 1


for make in plain, handling:
    g = make()
    next(g)
    try:
        raise LookupError
    except LookupError:
        try:
            g.throw(TypeError('x'))
        except TypeError as error:
            print(make.__name__, repr(error.__context__))


def itself():
    try:
        yield 1
    except ValueError:
        try:
            me.throw(TypeError)
        except ValueError as error:
            print(error)
        yield 2


def around():
    yield from me


me = itself()
g = around()
next(g)
print(g.throw(ValueError))
try:
    next(me), me.throw(KeyError('ended'))
except (KeyError, StopIteration) as error:
    print(repr(error))
try:
    g.throw(IndexError('late'))
except IndexError as error:
    print(repr(error), lines(error))


# A generator keeps the code with which it was made.
def replaced(n):
    a = yield n
    b = yield a
    return a, b


def replacement():
    x = [i for i in range(3)]
    yield x


g = replaced(1)
other = replaced(2)
next(g)
old = replaced.__code__
replaced.__code__ = replacement.__code__
print(g.gi_code is old, other.gi_code is old, g.send(4), next(other), g.gi_frame.f_lineno - old.co_firstlineno)
try:
    g.send(5)
except StopIteration as error:
    print(error.value)


# Frames of generators: variables are seen and set while it waits and after it has ended.
def variables():
    a = 1
    b = yield a
    c = yield b
    yield a, b, c


g = variables()
next(g)
frame = g.gi_frame
print(frame.f_locals)
frame.f_locals['a'] = 'set'
g.send(2)
print(frame.f_locals, frame.f_lineno - frame.f_code.co_firstlineno)
print(g.send(3))
del g
print(frame.f_locals, frame.f_back)


# What a frame that has ended still shows.
def failing(depth):
    local = 'local %d' % depth
    if depth == 0:
        raise LookupError('deep')
    cell = [depth]
    get = lambda: cell
    failing(depth - 1)


try:
    failing(3)
except LookupError as error:
    caught = error
tb = caught.__traceback__
while tb:
    frame = tb.tb_frame
    shown = {k: v for k, v in frame.f_locals.items() if k in ('local', 'depth', 'cell')} if frame.f_back else '-'
    print(frame.f_code.co_name, tb.tb_lineno - frame.f_code.co_firstlineno, shown, frame.f_back and frame.f_back.f_code.co_name)
    tb = tb.tb_next
frames = [frame for frame, _ in traceback.walk_tb(caught.__traceback__)]
print([a is b.f_back for a, b in zip(frames, frames[1:])], frames[0] is sys._getframe())


# The traceback grows while the exception is handled again and again.
def again(n):
    try:
        if n:
            again(n - 1)
        else:
            raise OSError('bottom')
    except OSError as error:
        print(n, lines(error))
        raise


try:
    again(2)
except OSError as error:
    print(lines(error))
    first = error
    held = error.__traceback__
try:
    raise first
except OSError as error:
    print(lines(error), error.__traceback__.tb_next is held)
    error.__traceback__ = None
    print(error.__traceback__, error.with_traceback(held).__traceback__ is held)


# A frame object that was taken before the exception is the traceback's.
def taken():
    global frame
    frame = sys._getframe()
    value = 5
    raise ValueError


try:
    taken()
except ValueError as error:
    print(error.__traceback__.tb_next.tb_frame is frame, frame.f_locals, sys.exc_info()[2] is error.__traceback__)


# The objects that a traceback keeps are let go of with the exception.
class Noisy:
    def __del__(self):
        print('gone')


def keeps():
    noisy = Noisy()
    raise ValueError


try:
    keeps()
except ValueError:
    print('caught')
print('after')
try:
    keeps()
except ValueError as error:
    kept = error
print('kept')
kept.__traceback__.tb_next.tb_frame.clear()
print('cleared')


# What nobody awaits is told of.
import warnings


async def coroutine():
    pass


async def asynchronous():
    yield 1


def told(make):
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter('always')
        try:
            make()
        except BaseException as error:
            print(repr(error))
    print([(w.category.__name__, str(w.message)) for w in log])


told(lambda: coroutine())
told(lambda: asynchronous().asend(None))
told(lambda: asynchronous().athrow(ValueError))
told(lambda: asynchronous().aclose())
told(lambda: asynchronous().asend(None).close())
told(lambda: asynchronous().asend(None).send(None))
told(lambda: asynchronous().athrow(ValueError, 'x', None).close())
