"""Functional style: map, filter, reduce, itertools, functools, operator, partial, caches."""

import itertools
import operator
from functools import cached_property, lru_cache, partial, reduce, singledispatch


@lru_cache(maxsize=None)
def partitions(n, largest):
    if n == 0:
        return 1
    return sum(partitions(n - part, part) for part in range(1, min(n, largest) + 1))


@lru_cache(maxsize=64)
def slow(n):
    return n * n


@singledispatch
def describe(value):
    return 'object'


@describe.register
def _(value: int):
    return 'int'


@describe.register
def _(value: list):
    return 'list of ' + describe(value[0])


class Series:
    def __init__(self, values):
        self.values = values

    @cached_property
    def mean(self):
        return sum(self.values) / len(self.values)


def compose(*functions):
    return reduce(lambda f, g: lambda x: g(f(x)), functions)


def primes():
    sieve = {}
    for n in itertools.count(2):
        if n in sieve:
            for prime in sieve.pop(n):
                sieve.setdefault(n + prime, []).append(prime)
        else:
            yield n
            sieve[n * n] = [n]


def main():
    total = reduce(operator.add, map(lambda x: x * x, filter(lambda x: x % 3, range(180_000))))
    products = sum(itertools.starmap(operator.mul, zip(range(120_000), itertools.cycle([1, 2, 3]))))
    triples = sum(1 for a, b, c in itertools.combinations(range(80), 3) if a * a + b * b == c * c)
    groups = {key: len(list(group)) for key, group in itertools.groupby(range(30_000), lambda n: n // 4000)}
    running = list(itertools.accumulate(range(20_000), max))[-1]
    chained = sum(itertools.chain.from_iterable(itertools.repeat((1, 2, 3), 8000)))
    scaled = compose(partial(operator.mul, 3), partial(operator.add, 1), abs)
    mapped = sum(map(scaled, range(-25_000, 25_000)))
    cached = sum(slow(i % 70) + slow(i % 5) for i in range(60_000))
    kinds = [describe(value) for value in (1, [1], 'x')] * 600
    means = sum(Series(range(n)).mean for n in range(1, 900))
    found = list(itertools.islice(primes(), 2000))[-1]
    partitions.cache_clear()
    slow.cache_clear()
    return total, products, triples, groups[3], running, chained, mapped, cached, len(set(kinds)), means, found, partitions(60, 60)
