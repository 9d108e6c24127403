"""Calls within generator expressions: the spectral norm of a matrix that is never stored."""


def element(i, j):
    return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1)


def times(vector):
    return [sum(element(i, j) * x for j, x in enumerate(vector)) for i in range(len(vector))]


def transposed_times(vector):
    return [sum(element(j, i) * x for j, x in enumerate(vector)) for i in range(len(vector))]


def main():
    u = [1.0] * 120
    for _ in range(6):
        v = transposed_times(times(u))
        u = transposed_times(times(v))
    up = sum(a * b for a, b in zip(u, v))
    down = sum(b * b for b in v)
    return round((up / down) ** 0.5, 9)
