# Names: globals, closures, class bodies, deletion, comprehensions.
x = 10


def outer():
    def inner():
        return v
    try:
        inner()
    except NameError as e:
        print(e)
    v = 3
    print(inner())
    del v
    try:
        inner()
    except NameError as e:
        print(e)


outer()


def counter():
    n = 0

    def inc(by=1):
        nonlocal n
        n += by
        return n
    return inc


a, b = counter(), counter()
print(a(), a(), a(5), b(), a.__closure__[0].cell_contents)


class K:
    x = 20
    y = [x for i in range(2)]
    z = [i for i in range(x - 18)]

    def m(self):
        return x, __class__

    def n():
        return x


print(K.x, K.y, K.z, K().m(), K.n())


def f():
    try:
        print(u)
    except UnboundLocalError as e:
        print(e)
    u = 1
    del u
    try:
        del u
    except UnboundLocalError as e:
        print(e)
    global new
    new = 5


f()
print(new)
del new
try:
    new
except NameError as e:
    print(e)
try:
    del nothing
except NameError as e:
    print(e)
print([(lambda: i)() for i in range(3)], [g() for g in [lambda: i for i in range(3)]])


def loc(a, b=2):
    c = a + b
    return locals()


print(loc(1))
exec('x = 20; print(x)', {'print': print})
print(x, eval('x + y', {'x': 1}, {'y': 2}))
ns = {}
exec('def q(): return r\nr = 7', ns)
print(ns['q']())


def walrus(values):
    return [y for v in values if (y := v * 2) > 2], y


print(walrus([1, 2, 3]))
for i in range(3):
    pass
else:
    print('else', i)
while True:
    break
else:
    print('no')


def args(*a, **k):
    a = a + (1,)
    k['z'] = 1
    return a, k


print(args(5, y=2))
print((lambda: [locals() for q in [1]])())


def big():
    a, (b, *c), d = 1, (2, 3, 4), 5
    return a, b, c, d


print(big())

# A comprehension outside of functions has variables of its own.
print([sorted(locals()) for inner in [1]], [eval('inner + 1') for inner in [1]])


class Holder:
    names = [sorted(locals()) for inner in [1]]


print(Holder.names, 'inner' in globals())

# Annotations of what is no simple name are never evaluated.
place = [0]
place[0]: print('no')
(place): print('no')

# A change to a class that only `mro()` knows of is seen.
class Stranger:
    value = 1


class Meta(type):
    def mro(cls):
        return (cls, Stranger, object)


class Odd(metaclass=Meta):
    pass


print(Odd.value)
Stranger.value = 2
print(Odd.value, Stranger.__subclasses__())


# A special method may say that it isn't there.
class Shy:
    @property
    def __eq__(self):
        raise AttributeError('no')

    @property
    def __add__(self):
        raise AttributeError('no')

    __hash__ = None


print(Shy() == 1)
try:
    Shy() + 1
except TypeError as error:
    print(error)
