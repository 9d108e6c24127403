"""Comparisons, truth, sets and patterns that the interpreter does itself agree with what the operators' functions say."""

import operator
from collections import ChainMap, OrderedDict
from types import MappingProxyType
from typing import NamedTuple

NAN = float('nan')
VALUES = [
    None, True, False, 0, 1, 1.0, NAN, 1 << 70, 'a', 'b', b'a', [1], {1}, set(), frozenset({1}), {},
    (), (1,), (1, 2), (1, 'a'), (NAN,), (1, NAN), ((1, 2), 3), (None,), (1.5, 2), (1 << 70,), (True,),
]


def jump(name):
    names = {}
    exec(f'def compare(a, b):\n    if a {name} b: return True\n    return False', names)
    return names['compare']


def value(name):
    return eval(f'lambda a, b: a {name} b')


def outcome(function, *args):
    try:
        return bool(function(*args))
    except TypeError as error:
        return str(error)


for name, function in {'<': operator.lt, '<=': operator.le, '>': operator.gt, '>=': operator.ge, '==': operator.eq, '!=': operator.ne}.items():
    as_jump, as_value = jump(name), value(name)
    for a in VALUES:
        for b in VALUES:
            expected = outcome(function, a, b)
            assert outcome(as_jump, a, b) == outcome(as_value, a, b) == expected, (a, name, b)

for a in VALUES:
    assert (True if a else False) == (not (not a)) == operator.truth(a), a


class Equal:
    def __init__(self, other):
        self.other = other

    def __hash__(self):
        return hash(self.other)

    def __eq__(self, other):
        return self.other == other


members = set()
for item in (1, True, 1.0, (1, 2), (1, 2.0), Equal((1, 2)), 'a', Equal('a'), frozenset({3})):
    members.add(item)
assert len(members) == 4
assert len({item for item in [1, True, (1, 2), (1, 2.0), 'a', 'a']}) == 3
for item, left in ((Equal('a'), 3), ({3}, 2), ('b', 2), ((1.0, 2), 1), (True, 0)):
    members.discard(item)
    assert len(members) == left, item
for refused in (lambda: members.add([]), lambda: members.discard([]), lambda: {item for item in [[]]}):
    try:
        refused()
    except TypeError as error:
        assert 'list' in str(error)
    else:
        assert False


class Point(NamedTuple):
    x: int
    y: int = 2


class Odd:
    __match_args__ = ('x', 3)
    x = 1


class Names:
    first = second = 'k'
    third = []


def match(subject):
    match subject:
        case Point(x, y) if x != 5:
            return x, y
        case {'k': k, 'j': j, **rest}:
            return k, j, rest
        case {'k': k}:
            return k
        case Odd(x, y):
            return x, y
        case int(number):
            return -number
    return None


for subject, expected in (
    (Point(1), (1, 2)), (Point(5), None), ({'k': 1, 'j': 2, 'l': 3}, (1, 2, {'l': 3})), ({'k': None}, None), (OrderedDict(k=4), 4),
    (ChainMap({'k': 5}), 5), (MappingProxyType({'k': 6}), 6), ({}, None), (7, -7),
):
    assert match(subject) == expected, subject


def refused(subject):
    try:
        match subject:
            case Odd():
                return match(subject)
            case {Names.first: 1, Names.second: 2}:
                pass
            case {Names.third: 1}:
                pass
            case Point(x, x=3):
                pass
    except (TypeError, ValueError) as error:
        return str(error)


assert refused(Odd()) == '__match_args__ elements must be strings (got int)'
assert refused({'k': 1, 'x': 2}) == "mapping pattern checks duplicate key ('k')"
assert refused({'k': 1}) == "cannot use 'list' as a set element (unhashable type: 'list')"
assert refused(Point(1)) == "Point() got multiple sub-patterns for attribute 'x'"


class Frozen:
    def __setattr__(self, name, value):
        raise AttributeError(name)


frozen = Frozen()
for i in range(3):
    object.__setattr__(frozen, 'x', i)
    assert frozen.x == i
    try:
        object.__setattr__(i, 'x', i)
    except AttributeError:
        pass
    else:
        assert False
print('agreed')
