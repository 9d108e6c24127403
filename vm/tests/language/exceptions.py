# Raising, handling, chaining.
def b():
    raise ValueError('boom')


try:
    try:
        b()
    except ValueError as e:
        raise KeyError('k') from e
except KeyError as e:
    print(type(e.__cause__), e.__cause__ is e.__context__, e.__suppress_context__)
try:
    try:
        b()
    finally:
        1 / 0
except ZeroDivisionError as e:
    print(type(e.__context__), e.__cause__)
try:
    raise 5
except TypeError as e:
    print(e)
try:
    raise ValueError from 5
except TypeError as e:
    print(e)
try:
    try:
        raise ValueError
    except 5:
        pass
except TypeError as e:
    print(e)


def f(n):
    try:
        if n == 0:
            return 'ret'
        if n == 1:
            raise ValueError('one')
        if n == 2:
            raise KeyError('two')
    except ValueError as e:
        return 'caught'
    else:
        return 'else'
    finally:
        print('finally', n)


print(f(0), f(1), f(3))
try:
    f(2)
except KeyError:
    print('key')


def loop():
    for i in range(5):
        try:
            if i == 1:
                continue
            if i == 3:
                break
            print('body', i)
        finally:
            print('fin', i)


loop()


def nested():
    try:
        try:
            raise ValueError(1)
        except ValueError:
            try:
                raise TypeError(2)
            except TypeError as t:
                print(repr(t.__context__))
            raise
    except ValueError as v:
        print(repr(v), repr(v.__context__))


nested()


class CM:
    def __init__(self, swallow):
        self.swallow = swallow

    def __enter__(self):
        return self

    def __exit__(self, t, v, tb):
        print('exit', t, v)
        return self.swallow


with CM(True) as a, CM(False) as c:
    raise ValueError('inside')
try:
    with CM(False):
        raise KeyError
except KeyError:
    print('out')
try:
    with 5:
        pass
except TypeError as e:
    print(e)
try:
    raise ExceptionGroup('eg', [ValueError(1), TypeError(2), KeyError(3)])
except* ValueError as e:
    print('V', e.exceptions)
except* (TypeError, KeyError) as e:
    print('T', e.exceptions)
try:
    try:
        raise ExceptionGroup('eg', [ValueError(1), OSError(2)])
    except* ValueError:
        pass
except ExceptionGroup as e:
    print(e.exceptions)


class E(Exception):
    def __init__(self, a, b):
        super().__init__(a)
        self.b = b


try:
    raise E(1, b=2)
except E as e:
    print(e.args, e.b, e)
e = None
try:
    [][1]
except IndexError as err:
    saved = err
try:
    err
except NameError as n:
    print(n)
t = saved.__traceback__
print(t.tb_lineno, t.tb_next, t.tb_frame.f_code.co_name)
assert True
try:
    assert 1 == 2, 'message'
except AssertionError as e:
    print(e)
