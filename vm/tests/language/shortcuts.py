# What the interpreter and the containers do in short cuts must be what they do the long way.

# Loops that take pairs apart, over enumerate, zip and items.
class Pairs:
    def __iter__(self):
        return iter([(1, 'a'), (2, 'b')])

for make in (lambda: enumerate('xyz'), lambda: enumerate([5, 6], 2**62 - 1), lambda: zip([1, 2, 3], 'ab'), lambda: zip('ab', [1]),
             lambda: {'k': 1, 2: None}.items(), Pairs, lambda: [(1, 2), [3, 4], 'ab'], lambda: zip([1], [2], [3])):
    try:
        for a, b in make():
            print(a, b)
    except ValueError as error:
        print(error)
try:
    d = {1: 2}
    for a, b in d.items():
        d[b] = a
except RuntimeError as error:
    print(error)
try:
    for a, b in zip([1, 2], [3], strict=True):
        print(a, b)
except ValueError as error:
    print(error)

# Slices that make no slice object.
text, items = 'höllo wörld', [0, 1, 2, 3, 4]
for sequence in (text, 'hello', items, tuple(items), b'bytes', range(5)):
    print(sequence[1:3], sequence[:-1], sequence[::-1], sequence[4:1:-2], sequence[7:], sequence[True:3])
for key in ((1, 2, 0), ('a', None, None)):
    try:
        print(items[key[0]:key[1]:key[2]])
    except (ValueError, TypeError) as error:
        print(type(error).__name__, error)
class Sliced:
    def __getitem__(self, key):
        return key
print(Sliced()[1:2], Sliced()[::3])

# Sets and dicts in which keys come and go.
s = {1, 2, 3}
s.discard(1); s.add(9); print(s)
s = set(range(10))
for i in range(5): s.discard(i)
s.add(33); s.add(65); s.add(1); print(s)
d = {i: i for i in range(10)}
for i in range(1000):
    d['key'] = i
    assert d.pop('key') == i and 'key' not in d
    d[i % 10] = -i
print(d, len(d))
class Key:
    def __init__(self, n): self.n = n
    def __hash__(self): return 7
    def __eq__(self, other): return isinstance(other, Key) and self.n == other.n
d = {Key(1): 'one', 7: 'seven', Key(2): 'two', 'x': 0}
print(d[Key(1)], d[Key(2)], d[7], 7 in d, Key(3) in d, d.get(Key(3)), len({Key(1), Key(1), 7}))
d[Key(2)] = 'deux'; del d[Key(1)]; d[Key(1)] = 'un'
print(list(d.values()), {**d} == d, dict(d) == d, d | {1: 1} == d)
print({True: 1, 1: 2, 1.0: 3}, {0.0, 0, False})

# Lists: stores, growth, repetition of itself.
l = []
for i in range(40): l.append(i)
l[0], l[-1] = l[-1], 'last'
l[True] = 'one'
l += l
print(l[:3], len(l), l[39], l[40], (l * 2)[79:82], l * -1, [1] * 3 + [2])
for index in (80, -81):
    try:
        l[index] = 0
    except IndexError as error:
        print(error)
print(list(range(10, 0, -3)), list(range(2**62, 2**62 + 2)), list('añ'), list({'b': 1}), sorted({3: 0, 1: 0}.values()))
a, *b, c = {1: 0, 2: 0, 3: 0}
print(a, b, c)
for shape in ([1], [1, 2, 3], 'ab', {1: 2}):
    try:
        a, b = shape
        print(a, b)
    except ValueError as error:
        print(error)

# Comparison and sorting.
print(sorted([(2, 'b'), (2, 'a'), (1, None)]), sorted([3, True, 2.5]), sorted('bca', reverse=True), max((1, 2), (1, 3)), min([[2], [1]]))
try:
    sorted([(1, None), (1, 2)])
except TypeError as error:
    print(error)
print((1, float('nan')) == (1, float('nan')), (1, 2) < (1, 2, 3), 'é' < 'z', 'a' != 'a', sum([1, 2.5, True]), sum([[1], [2]], []))
print(max(3, 1, key=lambda n: -n), max([], default=None), min('b', 'a'))

# Text.
print(f'{"é":>3}|{1.5:8.3f}|{255:#06x}|{True:5}|{"s":<3}|{12345678:,}|{-5:05d}', str(-2**62), str(2**62), '%5.1f|%x' % (2.25, 255))
print('a,b,,c'.split(','), 'aXXb'.split('XX'), ' a  b '.split(), 'é,b'.split(','), '-'.join('añb'), ''.join(['a', '', 'é']))
print('aaa'.replace('a', 'bb'), 'abab'.find('ab', 1), 'aaaaaaaaaaaaab'.find('aab'), 'ab' in 'aab', '' in 'a', 'ÀB'.lower(), 'aB1'.swapcase())
print([c for c in 'añ'], set('aa'), 'abc'[-1], 'añ'[1], bin(-5), hex(2**70), oct(8))
text = ''
for i in range(100): text += 'é' if i == 50 else 'a'
print(len(text), text[49:52], hash(text) == hash('a' * 50 + 'é' + 'a' * 49))
