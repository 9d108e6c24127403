# What the built-in containers answer, line by line. The same text as CPython's.

def t(f, *args):
    try:
        r = f(*args)
        print(type(r).__name__, r)
    except Exception as e:
        print(type(e).__name__, e)

class Key:
    def __init__(self, v, h=1):
        self.v = v
        self.h = h
    def __hash__(self):
        return self.h
    def __eq__(self, other):
        return isinstance(other, Key) and self.v == other.v
    def __repr__(self):
        return 'K%r' % self.v

class Bad:
    def __hash__(self):
        return 1
    def __eq__(self, other):
        raise ZeroDivisionError('eq')

def lists():
    a = [5, 3, 1]
    t(lambda: a + [2])
    t(lambda: a * 3)
    t(lambda: 3 * a)
    t(lambda: a * -1)
    t(lambda: a == [5, 3, 1])
    t(lambda: a < [5, 4])
    t(lambda: a != [5, 3])
    t(lambda: a[-1])
    t(lambda: a[3])
    t(lambda: a[-4])
    t(lambda: a['x'])
    t(lambda: a[1:])
    t(lambda: a[::-1])
    t(lambda: a[5:1:-2])
    t(lambda: a[1:2:0])
    t(lambda: a[10**30])
    t(lambda: a.index(1))
    t(lambda: a.index(9))
    t(lambda: a.index(5, 1))
    t(lambda: a.count(3))
    t(lambda: a.pop(9))
    t(lambda: [].pop())
    t(lambda: a.remove(9))
    t(lambda: a + (1,))
    t(lambda: a * 1.5)
    t(lambda: a.insert(1))
    t(lambda: a.append())
    t(lambda: a.sort(1))
    t(lambda: list(1))
    t(lambda: list(x=1))
    t(lambda: sorted(a))
    t(lambda: sorted(a, reverse=True))
    t(lambda: sorted('hello', key=lambda c: -ord(c)))
    t(lambda: sorted([1, 'a']))
    t(lambda: hash(a))
    t(lambda: list('abc'))
    t(lambda: list(range(5)))
    t(lambda: [*a, *a])
    t(lambda: 3 in a)
    t(lambda: 4 in a)
    t(lambda: list(reversed(a)))
    b = a.copy()
    b.append(b)
    t(lambda: b)
    b = list(range(10))
    b[2:5] = 'xyzw'
    t(lambda: b)
    b[::2] = range(6)
    t(lambda: b)
    del b[::3]
    t(lambda: b)
    del b[-2:]
    t(lambda: b)
    b[1:1] = [7, 7]
    t(lambda: b)
    b[5:2] = [8]
    t(lambda: b)
    b[:] = []
    t(lambda: b)
    b = [1, 2, 3]
    b.extend(b)
    b += 'ab'
    b *= 2
    t(lambda: b)
    b.insert(-1, 'i'); b.insert(100, 'j'); b.insert(-100, 'k')
    t(lambda: b)
    b.reverse()
    t(lambda: b)
    b.clear()
    t(lambda: b)
    def assign(x, y):
        c = [1, 2, 3, 4]
        c[x] = y
        return c
    t(assign, slice(0, 4, 2), [1])
    t(assign, slice(0, 1), 3)
    t(assign, slice(None, None, -1), 'abcd')
    t(assign, 9, 1)
    t(assign, 'a', 1)
    t(assign, slice('a', 1), 1)
    it = iter([1, 2, 3])
    next(it)
    t(lambda: it.__length_hint__())
    t(lambda: it.__reduce__())
    it.__setstate__(2)
    t(lambda: list(it))
    t(lambda: it.__reduce__())
    c = [1, 2, 3]
    out = []
    for x in c:
        out.append(x)
        if len(c) < 8:
            c.append(x * 10)
    t(lambda: out)
    class L(list):
        pass
    t(lambda: L([1]) + L([2]))
    t(lambda: L([1])[:])
    t(lambda: L('ab'))
    def modify():
        d = [3, 1, 2]
        d.sort(key=lambda x: d.append(1))
    t(modify)
    def fail():
        d = [3, 1, 2, Bad()]
        d.sort()
    t(fail)
    d = [(i * 7919 % 101, i) for i in range(300)]
    e = sorted(d, key=lambda p: p[0])
    t(lambda: all(e[i] <= e[i + 1] for i in range(len(e) - 1)))
    e = sorted(d, key=lambda p: p[0], reverse=True)
    t(lambda: all(x[0] > y[0] or x[0] == y[0] and x[1] < y[1] for x, y in zip(e, e[1:])))
    t(lambda: sorted([1.5, 1, True, 0.0, -3]))
    t(lambda: sorted([[2], [1, 5], [1]]))
    t(lambda: [Key(1), Key(2)].index(Key(2)))
    t(lambda: [Bad()].index(1))
    t(lambda: [float('nan')] == [float('nan')])
    n = float('nan')
    t(lambda: [n] == [n])

def tuples():
    a = (1, 2, 3)
    t(lambda: a + (4,))
    t(lambda: a * 2)
    t(lambda: a[1:])
    t(lambda: a[::-1])
    t(lambda: a[9])
    t(lambda: a['x'])
    t(lambda: a + [1])
    t(lambda: hash(a) == hash((1, 2, 3)))
    t(lambda: hash((1, [])))
    t(lambda: a.index(9))
    t(lambda: a.count(1))
    t(lambda: (1,))
    t(lambda: ())
    t(lambda: tuple('abc'))
    t(lambda: tuple(a) is a)
    t(lambda: a < (1, 3))
    t(lambda: a < 3)
    t(lambda: a == [1, 2, 3])
    t(lambda: 2 in a)
    t(lambda: (1, (2, [3, {4: 5}])))
    class T(tuple):
        pass
    t(lambda: T([1, 2]))
    t(lambda: T([1, 2]) + (3,))
    t(lambda: T())
    x = []
    y = (x,)
    x.append(y)
    t(lambda: y)

def dicts():
    d = {'a': 1, 'b': 2}
    t(lambda: d)
    t(lambda: d['c'])
    t(lambda: d.get('c'))
    t(lambda: d.get('c', 5))
    t(lambda: d.pop('z'))
    t(lambda: d.pop('z', 7))
    t(lambda: d.setdefault('q', []))
    t(lambda: d | {'z': 9})
    t(lambda: d | 5)
    t(lambda: d.keys())
    t(lambda: d.values())
    t(lambda: d.items())
    t(lambda: list(reversed(d)))
    t(lambda: list(reversed(d.items())))
    t(lambda: d.keys() & {'a', 'x'})
    t(lambda: sorted(d.keys() | {'x'}))
    t(lambda: sorted(d.keys() - {'a'}))
    t(lambda: sorted(d.keys() ^ {'a', 'x'}))
    t(lambda: d.keys() == {'a', 'b', 'q'})
    t(lambda: d.keys() < {'a', 'b', 'q', 'r'})
    t(lambda: ('a', 1) in d.items())
    t(lambda: d.keys().isdisjoint(['x']))
    t(lambda: d.values() == d.values())
    t(lambda: d.keys().mapping)
    t(lambda: dict([(1, 2), (3, 4)]))
    t(lambda: dict(a=1, **{'b': 2}))
    t(lambda: dict({1: 2}, x=3))
    t(lambda: dict([1]))
    t(lambda: dict([(1, 2, 3)]))
    t(lambda: dict(1, 2))
    t(lambda: {[]: 1})
    t(lambda: d[[]])
    t(lambda: [] in d)
    t(lambda: {}.popitem())
    t(lambda: dict.fromkeys('abc', 0))
    t(lambda: dict.fromkeys('abc'))
    t(lambda: {1: 'a', True: 'b', 1.0: 'c'})
    t(lambda: {1: 2} == {1.0: 2.0})
    t(lambda: {1: 2} == {1: 3})
    t(lambda: {1: 2} < {1: 3})
    t(lambda: hash({}))
    e = {}
    for i in range(1000):
        e[i] = i
    for i in range(0, 1000, 3):
        del e[i]
    t(lambda: sum(e.values()))
    t(lambda: len(e))
    for i in range(2000, 2100):
        e[i] = 0
    t(lambda: list(e)[:5] + list(e)[-2:])
    t(lambda: [e.popitem() for _ in range(3)])
    def grow():
        for k in e:
            e[k + 10000] = 1
    t(grow)
    def swap():
        f = {1: 1, 2: 2}
        for k in f:
            del f[k]
            f[k + 10] = 1
    t(swap)
    def shrink():
        for k in e:
            del e[k]
    t(shrink)
    g = {Key(i): i for i in range(10)}
    t(lambda: g[Key(5)])
    t(lambda: Key(11) in g)
    del g[Key(3)]
    t(lambda: g)
    t(lambda: {Bad(): 1, Bad(): 2})
    h = {}
    h['self'] = h
    t(lambda: h)
    t(lambda: h.values())
    class M(dict):
        def __missing__(self, key):
            return 'missing %r' % key
    t(lambda: M()['x'])
    t(lambda: M(a=1).get('x'))
    t(lambda: M(a=1) | {'b': 2})
    i = iter({1: 2, 3: 4})
    next(i)
    t(lambda: i.__length_hint__())
    t(lambda: i.__reduce__())
    j = {1: 2}
    j |= [(3, 4)]
    t(lambda: j)
    j.update(a=5)
    j.update({1: 9}, b=6)
    t(lambda: j)
    t(lambda: j.update(1))
    t(lambda: j.update(1, 2))
    class Mapping:
        def keys(self):
            return ['x', 'y']
        def __getitem__(self, key):
            return key * 2
    t(lambda: dict(Mapping()))
    t(lambda: {**{'a': 1}, 'b': 2, **Mapping()})
    class K2:
        # Equality that changes the dict that is being searched.
        def __init__(self, d):
            self.d = d
        def __hash__(self):
            return 1
        def __eq__(self, other):
            self.d.clear()
            return False
    def evil():
        z = {}
        z[K2(z)] = 1
        z[K2(z)] = 2
        return len(z)
    t(evil)

def sets():
    s = {3, 1, 2}
    t(lambda: s)
    t(lambda: set())
    t(lambda: frozenset())
    t(lambda: frozenset([3, 1]))
    t(lambda: {10, 5, 33, 64, 1, 100, 7, 8})
    t(lambda: set(range(40, 0, -1)))
    t(lambda: s | {7})
    t(lambda: s & {1, 9})
    t(lambda: s - {1})
    t(lambda: s ^ {1, 9})
    t(lambda: s | [1])
    t(lambda: s < {1, 2, 3, 4})
    t(lambda: s <= s)
    t(lambda: s < s)
    t(lambda: s > {1})
    t(lambda: s < [1])
    t(lambda: s == frozenset(s))
    t(lambda: s.union([8], (9,)))
    t(lambda: s.intersection([1], [1, 2]))
    t(lambda: s.difference([1], [2]))
    t(lambda: s.symmetric_difference([1, 7]))
    t(lambda: s.issubset([1, 2, 3, 4]))
    t(lambda: s.issuperset([1]))
    t(lambda: s.isdisjoint([9]))
    t(lambda: s.remove(99))
    t(lambda: s.discard(99))
    t(lambda: set().pop())
    t(lambda: {[]})
    t(lambda: [] in s)
    t(lambda: {1} in s)
    t(lambda: {frozenset([1])} == {frozenset([1])})
    t(lambda: {1} in {frozenset([1])})
    t(lambda: hash(frozenset([1, 2])) == hash(frozenset([2, 1])))
    t(lambda: hash(s))
    t(lambda: set(1))
    t(lambda: set([1], [2]))
    t(lambda: frozenset([1]) | {2})
    t(lambda: {2} | frozenset([1]))
    t(lambda: s.copy() is s)
    f = frozenset([1])
    t(lambda: f.copy() is f)
    t(lambda: frozenset(f) is f)
    u = {1, 2, 3}
    u |= {4}
    u &= {1, 2, 4}
    u -= {1}
    u ^= {2, 8}
    t(lambda: u)
    u.update([5], 'ab'[:0])
    u.intersection_update([5, 8])
    u.difference_update([8])
    u.symmetric_difference_update([5, 6])
    t(lambda: u)
    def grow():
        v = {1, 2}
        for x in v:
            v.add(x + 100)
    t(grow)
    w = set()
    for i in range(200):
        w.add(i * 3)
    for i in range(100):
        w.discard(i * 6)
    t(lambda: w)
    t(lambda: [w.pop() for _ in range(5)])
    t(lambda: {Key(i) for i in range(5)} == {Key(i) for i in range(5)})
    class S(set):
        pass
    t(lambda: S([1]))
    t(lambda: S([1]) | {2})
    t(lambda: S([1]).__reduce__())
    t(lambda: {Bad(), Bad()})
    t(lambda: iter({1}).__length_hint__())

def ranges():
    t(lambda: range(5))
    t(lambda: range(1, 10, 3))
    t(lambda: list(range(10, 0, -3)))
    t(lambda: range(0))
    t(lambda: range(1, 2, 0))
    t(lambda: range('a'))
    t(lambda: range())
    t(lambda: len(range(10**20)))
    t(lambda: len(range(-5, 5)))
    t(lambda: range(10)[3])
    t(lambda: range(10)[-1])
    t(lambda: range(10)[10])
    t(lambda: range(10)[2:8:2])
    t(lambda: range(10)[::-1])
    t(lambda: range(10**20)[10**19])
    t(lambda: 5 in range(0, 10, 5))
    t(lambda: 6 in range(0, 10, 5))
    t(lambda: 5.0 in range(10))
    t(lambda: 10**19 in range(10**20))
    t(lambda: range(10).index(4))
    t(lambda: range(10).index(40))
    t(lambda: range(10).count(4))
    t(lambda: range(0, 3, 2) == range(0, 4, 2))
    t(lambda: hash(range(0, 3, 2)) == hash(range(0, 4, 2)))
    t(lambda: list(reversed(range(0, 10, 3))))
    t(lambda: list(range(2**63 - 2, 2**63 + 2)))
    t(lambda: list(range(-2**63, -2**63 - 3, -1)))
    t(lambda: range(2**63 - 1, -2**63, -2**62)[-1])
    t(lambda: (range(3).start, range(3).stop, range(3).step))
    t(lambda: bool(range(0)))

def slices():
    t(lambda: slice(1, 2, 3))
    t(lambda: slice(1, 2) == slice(1, 2))
    t(lambda: slice(1, 2) < slice(1, 3))
    t(lambda: slice(None, None, -1).indices(5))
    t(lambda: slice(-100, 100, 3).indices(5))
    t(lambda: slice(1).indices(-1))
    t(lambda: slice('a').indices(1))
    t(lambda: slice(10**30).indices(10**29))
    t(lambda: slice())
    t(lambda: hash(slice(1, 2)) == hash(slice(1, 2, None)))

def iterators():
    t(lambda: list(enumerate('ab')))
    t(lambda: list(enumerate('ab', 10**20)))
    t(lambda: enumerate(1))
    t(lambda: enumerate('a', 'b'))
    t(lambda: list(zip('abc', [1, 2])))
    t(lambda: list(zip()))
    t(lambda: list(zip('abc', [1, 2], strict=True)))
    t(lambda: list(zip('a', [1, 2], strict=True)))
    t(lambda: list(zip([], 'a', [1, 2], strict=True)))
    t(lambda: zip(1))
    t(lambda: zip([1], x=2))
    t(lambda: list(map(len, ['a', 'bc'])))
    t(lambda: list(map(lambda a, b: a + b, [1, 2], [3, 4, 5])))
    t(lambda: map(len))
    t(lambda: list(map(lambda a, b: 1, [1], [], strict=True)))
    t(lambda: list(filter(None, [0, 1, '', 'a'])))
    t(lambda: list(filter(lambda x: x > 1, [1, 2, 3])))
    t(lambda: filter(1))
    t(lambda: list(reversed('abc')))
    t(lambda: reversed({1}))
    t(lambda: reversed(1))
    t(lambda: next(iter([])))
    class Seq:
        def __len__(self):
            return 3
        def __getitem__(self, i):
            if i < 3:
                return i * 2
            raise IndexError
    t(lambda: list(reversed(Seq())))
    t(lambda: list(Seq()))
    t(lambda: reversed([1, 2]).__length_hint__())

def parts():
    l = [1, 2, 3, 4, 5]
    l[:2] = [9, 8]
    t(lambda: l)
    l[1:3] = l
    t(lambda: l)
    l[2:] = [7]
    t(lambda: (l, l[::-1], l[5:2], l[-2:], l[3::-2]))
    l[1:2] = (n for n in range(3))
    t(lambda: l)
    for place, new in (slice(0, 2), 5), (slice(0, 3, 2), [5]), (slice(0, 3, 2), [5, 6]):
        t(lambda: l.__setitem__(place, new))
    def wrong():
        l[0:2] = 5
    t(wrong)
    t(lambda: l)

for part in (lists, tuples, dicts, sets, ranges, slices, iterators, parts):
    print('--', part.__name__)
    part()
