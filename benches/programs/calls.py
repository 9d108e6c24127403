"""Calls: recursion, defaults, keywords, closures."""


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def area(width, height=2, *, scale=1):
    return width * height * scale


def adder(n):
    def add(x):
        return x + n
    return add


def main():
    total = fib(26)
    add = adder(3)
    for i in range(150_000):
        total += area(i) + area(i, 3) + area(i, scale=2) + add(i)
    return total
