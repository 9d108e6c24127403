"""Attributes through inline caches: whatever changes under a cache must be seen."""


class Base:
    kind = 'base'

    def name(self):
        return 'name of ' + self.kind


class Point(Base):
    __slots__ = ('z',)
    count = 0

    def __init__(self, x, y=2, *, z=3):
        self.x = x
        self.y = y
        self.z = z
        Point.count += 1

    @property
    def total(self):
        return self.x + self.y + self.z

    @property
    def broken(self):
        raise ValueError('broken getter')


def read(point):
    return point.x, point.y, point.z, point.kind, point.total, point.name(), Point.count


def try_broken(point):
    try:
        return point.broken
    except ValueError as error:
        return str(error)


points = [Point(1), Point(2, 3), Point(4, z=5), Point(x=6, y=7, z=8)]
for turn in range(4):
    for point in points:
        print(read(point), try_broken(point))
    if turn == 0:
        Base.kind = 'changed'
    elif turn == 1:
        Point.kind = 'own'
        points[1].kind = 'of instance'
        points[1].name = lambda: 'instance function'
    elif turn == 2:
        Point.total = property(lambda self: 'another getter')
        Point.broken = 'a value now'
        del points[0].x
        points[0].x = 'back, in a dict'
        points[2].__dict__['y'] = 'through the dict'


class Late:
    pass


def late(object):
    try:
        return object.value
    except AttributeError as error:
        return str(error)


def set_late(object, value):
    object.value = value


one = Late()
for turn in range(6):
    print(turn, late(one))
    if turn == 1:
        Late.value = 'of the class'
    elif turn == 2:
        set_late(one, 'of the instance')
    elif turn == 3:
        Late.value = property(lambda self: 'computed', lambda self, value: print('set to', value))
        set_late(one, 'lost')
    elif turn == 4:
        del Late.value


class Other:
    value = 'other'


one.__class__ = Other
print(late(one), late(Late()), late(Other()))
for value in range(3):
    two = Late()
    set_late(two, value)
    print(late(two), vars(two))


class Meta(type):
    @property
    def label(cls):
        return 'label of ' + cls.__name__


class WithMeta(metaclass=Meta):
    plain = 1


class Sub(WithMeta):
    pass


def of_class(cls):
    return cls.plain


for turn in range(3):
    print(of_class(WithMeta), of_class(Sub), WithMeta.label, Sub.label)
    if turn == 0:
        WithMeta.plain = 2
    else:
        Sub.plain = 3


class Slotted:
    __slots__ = ('a', 'b')


def slots(object):
    try:
        return object.a, object.b
    except AttributeError as error:
        return str(error)


slotted = Slotted()
for turn in range(4):
    print(slots(slotted))
    if turn == 0:
        slotted.a = 1
    elif turn == 1:
        slotted.b = 2
    elif turn == 2:
        del slotted.a
    Slotted.c = turn


class Deep:
    def __init__(self, n):
        self.n = n

    @property
    def depth(self):
        return 0 if self.n == 0 else 1 + Deep(self.n - 1).depth

    @property
    def endless(self):
        return self.endless


print(Deep(100).depth)
try:
    Deep(1).endless
except RecursionError as error:
    print(error)


class Made:
    def __new__(cls, *args, **kwargs):
        made = object.__new__(Other if 'other' in kwargs else cls)
        made.args = args
        return made

    def __init__(self, *args, **kwargs):
        self.kwargs = kwargs


for arguments in ({}, {'a': 1}, {'other': 2}):
    made = Made(1, 2, **arguments)
    print(type(made).__name__, made.args, getattr(made, 'kwargs', None))


class BadInit:
    def __init__(self, give):
        return give


for give in (None, 5):
    try:
        print(type(BadInit(give)).__name__)
    except TypeError as error:
        print(error)
try:
    Point()
except TypeError as error:
    print(error)
