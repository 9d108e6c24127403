"""Unpacking and packing: swaps, stars, keyword arguments, nested targets."""


def collect(first, *rest, sep=',', **options):
    return len(rest) + len(sep) + len(options) + first


def main():
    a, b, total = 0, 1, 0
    for _ in range(80_000):
        a, b = b, (a + b) % 1_000_003
    rows = [(i, (i + 1, [i + 2, i + 3])) for i in range(90_000)]
    for x, (y, [z, w]) in rows:
        total += x + y + z + w
    for first, *middle, last in [(1, 2, 3, 4), (5, 6), [7, 8, 9]] * 14_000:
        total += first + last + len(middle)
    options = {'colour': 1, 'size': 2}
    for i in range(15_000):
        arguments = (i, 1, 2)
        total += collect(*arguments, sep=';', **options)
    merged = [*range(1000), *'abc', *{1: 2}]
    return a, b, total, len(merged), {**options, 'size': 3}
