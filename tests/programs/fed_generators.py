"""Generators that built-in functions drive: between two plain values nothing shows that they were not suspended."""

import threading


class Added:
    """Is added, compared and hashed by Python code."""

    def __init__(self, number):
        self.number = number

    def __add__(self, other):
        return Added(self.number + (other.number if isinstance(other, Added) else other))

    __radd__ = __add__

    def __repr__(self):
        return f'Added({self.number})'

    def __bool__(self):
        print('bool', self.number)
        return self.number > 2

    def __hash__(self):
        return hash(self.number)

    def __eq__(self, other):
        return isinstance(other, Added) and self.number == other.number


def show(name, work):
    try:
        result = work()
    except BaseException as error:
        result = type(error).__name__, str(error)
    print(name, result)


def several():
    yield 1
    yield from (x for x in range(5))
    try:
        yield 2
        yield 3
    finally:
        print('finally')
    return 'returned'


def failing(error):
    yield 1
    raise error


def sums(depth):
    for i in range(depth):
        yield sum(j for j in range(i)) + len([k for k in (m for m in range(i))])


def sent():
    print('got', (yield 1))
    print('got', (yield 2))


show('ints', lambda: sum(x * x for x in range(10)))
show('floats', lambda: sum(x * .5 for x in range(10)))
show('mixed', lambda: sum(Added(x) if x % 3 else x for x in range(10)))
show('strs', lambda: sum(str(x) for x in range(10)))
show('any', lambda: any(Added(x) for x in range(10)))
show('all', lambda: all(x < 5 for x in range(10)))
show('set', lambda: {*(x % 3 for x in range(10))})
show('hashed', lambda: sorted(a.number for a in set(Added(x % 3) for x in range(10))))
show('unhashable', lambda: set([x] for x in range(3)))
show('list', lambda: list(several()))
show('tuple', lambda: tuple(several()))
show('delegated', lambda: sum(several()))
show('found', lambda: any(x == 3 for x in several()))
show('error', lambda: list(failing(ValueError('in the generator'))))
show('stop', lambda: list(failing(StopIteration(3))))
show('nested', lambda: list(sums(5)))
show('sent', lambda: list(sent()))
show('extremes', lambda: (max(i % 7 for i in range(20)), min((i % 7 - 3.5) for i in range(20))))
show('joined', lambda: (''.join(str(i) for i in range(5)), sorted(-i for i in range(5)), bytes(i for i in range(3))))


# A generator that asks for its own next value while it runs, and one that is asked between two of its values.
def itself():
    yield 1
    yield next(inner)


class Asks:
    def __add__(self, other):
        return next(asked)

    __radd__ = __add__


def answers():
    yield Asks()
    yield 5
    yield 7


inner, asked = itself(), answers()
show('itself', lambda: sum(inner))
show('between', lambda: sum(asked))

# What the generator sees of the list that it extends.
seen = []
seen.extend(len(seen) for _ in range(10))
print(seen)

begun = (i for i in range(5))
next(begun)
show('begun', lambda: (list(begun), list(begun)))


def nest(depth):
    if depth:
        yield from (x for x in [depth])
        yield sum(nest(depth - 1))


def endless(depth):
    return sum(endless(depth + 1) for _ in range(1))


show('deep', lambda: sum(nest(50)))
try:
    endless(0)
except RecursionError:
    print('RecursionError')

# Two threads that sum one generator get all of its values between them, or are refused.
shared = (i for i in range(1000))
totals = []


def total():
    try:
        totals.append(sum(shared))
    except ValueError as error:
        print(error) if str(error) != 'generator already executing' else totals.append(0)


threads = [threading.Thread(target=total) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(totals), sum(totals) <= sum(range(1000)))


# An iterator is not asked for an iterator once more.
class Odd:
    def __iter__(self):
        print('asked')
        return self

    def __next__(self):
        raise StopIteration


show('once', lambda: list(Odd()))
