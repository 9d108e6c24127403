"""Numbers in lists: a product and an elimination of matrices, a Fourier transform, fractions."""

import cmath
from fractions import Fraction


def product(a, b):
    columns = list(zip(*b))
    return [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in a]


def decompose(matrix):
    """LU decomposition with row pivots; gives the determinant."""
    rows = [row[:] for row in matrix]
    size, sign = len(rows), 1.0
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(rows[k][i]))
        if pivot != i:
            rows[i], rows[pivot] = rows[pivot], rows[i]
            sign = -sign
        for k in range(i + 1, size):
            factor = rows[k][i] / rows[i][i]
            rows[k][i] = factor
            for j in range(i + 1, size):
                rows[k][j] -= factor * rows[i][j]
    for i in range(size):
        sign *= rows[i][i]
    return sign


def fourier(values):
    if len(values) == 1:
        return values
    even, odd = fourier(values[::2]), fourier(values[1::2])
    turned = [cmath.exp(-2j * cmath.pi * k / len(values)) * x for k, x in enumerate(odd)]
    return [x + y for x, y in zip(even, turned)] + [x - y for x, y in zip(even, turned)]


def hilbert_solution(size):
    rows = [[Fraction(1, i + j + 1) for j in range(size)] + [Fraction(1)] for i in range(size)]
    for i in range(size):
        scale = rows[i][i]
        rows[i] = [x / scale for x in rows[i]]
        for k in range(size):
            if k != i and rows[k][i]:
                factor = rows[k][i]
                rows[k] = [x - factor * y for x, y in zip(rows[k], rows[i])]
    return [row[-1] for row in rows]


def main():
    size = 100
    a = [[((i * j + i) % 17) / 4 + (i == j) * 9 for j in range(size)] for i in range(size)]
    b = product(a, [list(row) for row in zip(*a)])
    signal = [complex(i % 16, i % 5) for i in range(8192)]
    spectrum = fourier(signal)
    peak = max(range(1, 8192), key=lambda i: abs(spectrum[i]))
    return round(b[3][4], 6), f'{decompose(a):.6e}', peak, hilbert_solution(10)
