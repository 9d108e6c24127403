"""Integer and float arithmetic."""


def collatz(limit):
    longest = 0
    for start in range(1, limit):
        n, steps = start, 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        if steps > longest:
            longest = steps
    return longest


def integrate(n):
    total = 0.0
    h = 1.0 / n
    for i in range(n):
        x = (i + 0.5) * h
        total += 4.0 / (1.0 + x * x)
    return total * h


def hash_bits(n):
    h = 2166136261
    for i in range(n):
        h = ((h ^ (i & 255)) * 16777619) & 0xFFFFFFFF
    return h


def main():
    return collatz(6_000), round(integrate(200_000), 9), hash_bits(200_000)
