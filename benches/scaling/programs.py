"""Small works on shared and on local objects, for benches/scaling/compare.py.

Each function does one thing `n` times; several threads call it at once with the same arguments. `SHARED` works only read what they
share. `CONTENDED` works write to one object, so more threads can't be faster; they must not be much slower.
"""

import enum
import functools
import threading

SHARED = []
CONTENDED = []


def shared(function):
    SHARED.append(function)
    return function


def contended(function):
    CONTENDED.append(function)
    return function


class Point:
    kind = 'point'
    scale = 3

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def norm(self):
        return self.x * self.x + self.y * self.y

    def moved(self, by):
        return self.x + by


class Named(Point):
    pass


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Cell:
    def __init__(self, value, next):
        self.value = value
        self.next = next


class Trouble(Exception):
    pass


POINT = Point(3, 4)
NAMED = Named(5, 6)
TABLE = {'text': 'some text', 'pair': (1, 2), 'point': POINT, 'number': 10 ** 30, 7: 'seven', (1, 2): 'tuple'}
ITEMS = [('item', i) for i in range(100)]
NAME = 'a name'
KINDS = (int, Point)
LOCK = threading.Lock()
COUNTER = [0]
COMMON_TABLE = {}
COMMON_ITEMS = [0] * 64
GROWING = []


@shared
def instance_attributes(n):
    point = POINT
    total = 0
    for _ in range(n):
        total += point.x + point.y + point.x + point.y
    return total


@shared
def attribute_objects(n):
    named = NAMED
    named.text = 'some text' + NAME
    for _ in range(n):
        text = named.text
        other = named.text
    return text is other


@shared
def methods(n):
    point = POINT
    for _ in range(n):
        point.norm()
        point.moved(3)


@shared
def inherited_methods(n):
    named = NAMED
    for _ in range(n):
        named.norm()


@shared
def bound_methods(n):
    point = POINT
    for _ in range(n):
        norm = point.norm
        norm()


@shared
def dict_subscript(n):
    table = TABLE
    for _ in range(n):
        table['text']
        table['pair']
        table['point']
        table[7]


@shared
def dict_get(n):
    table = TABLE
    for _ in range(n):
        table.get('text')
        table.get('point')
        table.get('absent')


@shared
def dict_items(n):
    table = TABLE
    for _ in range(n // 5):
        for key, value in table.items():
            pass


@shared
def list_index(n):
    items = ITEMS
    for i in range(n):
        item = items[i % 100]
        items[7]


@shared
def list_iterate(n):
    items = ITEMS
    for _ in range(n // 50):
        for item in items:
            pass


@shared
def tuple_unpack(n):
    items = ITEMS
    for _ in range(n // 50):
        for name, number in items:
            pass


@shared
def class_attributes(n):
    for _ in range(n):
        Point.kind
        Point.scale
        POINT.kind


@shared
def enum_members(n):
    for _ in range(n):
        colour = Colour.RED
        if colour is Colour.GREEN:
            pass


@functools.lru_cache(maxsize=None)
def squared(x):
    return (x, x * x)


@functools.lru_cache(maxsize=100)
def cubed(x):
    return (x, x * x * x)


# By the main thread, which then does nothing: what a worker makes may share a cache line with something that it writes.
squared(12)
cubed(12)


@shared
def unbounded_cache(n):
    for _ in range(n):
        squared(12)


@shared
def lru_cache(n):
    for _ in range(n):
        cubed(12)


def add(a, b=1):
    return a + b


@shared
def functions(n):
    for i in range(n):
        add(i, 2)
        add(i)


def make_closure():
    offset = 5
    point = POINT

    def inner(a):
        return a + offset + point.x
    return inner


CLOSURE = make_closure()


@shared
def closures(n):
    closure = CLOSURE
    for i in range(n):
        closure(i)


@shared
def new_closures(n):
    for i in range(n):
        (lambda a: a + i)(1)


def count(n):
    for i in range(n):
        yield i, POINT


@shared
def generators(n):
    for _ in range(n // 10):
        for i, point in count(10):
            pass


@shared
def isinstances(n):
    for _ in range(n):
        isinstance(POINT, Point)
        isinstance(NAMED, Point)
        isinstance(NAME, KINDS)


@shared
def f_strings(n):
    for i in range(n):
        f'{NAME}: {POINT.x}, {i}'


@shared
def local_objects(n):
    for i in range(n):
        point = Point(i, 3)
        point.norm()


@shared
def kept_objects(n):
    cells = None
    for i in range(n):
        cells = Cell(i, cells)
        if i % 100 == 0:
            cells = None


@shared
def shared_in_local(n):
    """Stores references to shared objects into local ones."""
    for i in range(n):
        pair = (POINT, NAME)
        cell = Cell(POINT, Colour.RED)


@shared
def local_lists(n):
    for i in range(n // 5):
        items = [i, i + 1, i + 2]
        items.append(i)
        items.sort()
        [item * 2 for item in items]


@shared
def local_dicts(n):
    for i in range(n // 5):
        table = {'a': i, 'b': i}
        table['c'] = i
        table.update(d=3)
        for key in table:
            pass


@shared
def local_strings(n):
    for i in range(n // 5):
        words = 'one two three four'.split()
        ' '.join(words).upper().replace('TWO', NAME)


@shared
def exceptions(n):
    for i in range(n // 5):
        try:
            raise Trouble(NAME, i)
        except Trouble as error:
            error.args


@shared
def native_exceptions(n):
    for i in range(n // 5):
        try:
            TABLE['nothing']
        except KeyError:
            pass


@shared
def context_managers(n):
    class Nothing:
        def __enter__(self):
            return self

        def __exit__(self, *details):
            pass
    nothing = Nothing()
    for i in range(n // 2):
        with nothing:
            pass


@shared
def keywords(n):
    def function(a, *rest, key=None, **more):
        return key
    for i in range(n // 2):
        function(i, POINT, key=NAME, other=POINT)


@contended
def lock_around_counter(n):
    for _ in range(n // 2):
        with LOCK:
            COUNTER[0] += 1


@contended
def one_dict(n):
    table = COMMON_TABLE
    for i in range(n):
        table[i & 63] = i


@contended
def one_list(n):
    items = COMMON_ITEMS
    for i in range(n):
        items[i & 63] = i


@contended
def one_growing_list(n):
    items = GROWING
    for i in range(n):
        items.append(i)
    items.clear()
