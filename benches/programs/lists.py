"""Lists: a sieve, a sort of our own, comprehensions, slices."""


def sieve(limit):
    flags = [True] * limit
    flags[0] = flags[1] = False
    for i in range(2, int(limit ** 0.5) + 1):
        if flags[i]:
            for j in range(i * i, limit, i):
                flags[j] = False
    return [i for i, flag in enumerate(flags) if flag]


def quicksort(items):
    if len(items) < 2:
        return items
    pivot = items[len(items) // 2]
    smaller = [x for x in items if x < pivot]
    larger = [x for x in items if x > pivot]
    return quicksort(smaller) + [x for x in items if x == pivot] + quicksort(larger)


def queens(n, columns=()):
    row = len(columns)
    if row == n:
        return 1
    found = 0
    for column in range(n):
        for r, c in enumerate(columns):
            if c == column or abs(c - column) == row - r:
                break
        else:
            found += queens(n, columns + (column,))
    return found


def main():
    primes = sieve(300_000)
    numbers = [(i * 7919) % 10_007 for i in range(40_000)]
    ordered = quicksort(numbers)
    stack = []
    for prime in primes:
        stack.append(prime)
        if len(stack) > 100:
            stack.pop()
    matrix = [[i * j for j in range(60)] for i in range(60)]
    transposed = [list(row) for row in zip(*matrix)]
    return len(primes), ordered[5000], sum(stack), sum(map(sum, transposed)), queens(7), sorted(numbers)[::-1][:3]
