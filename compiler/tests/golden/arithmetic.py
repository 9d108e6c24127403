def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def polynomial(x, y=2, *rest, scale=1.5, **extra):
    total = x * x + y * -x - 3
    total += 1
    total **= 2
    return (total, x < y <= 10, not x, x if y else rest, 2 * 3 + 1)


def walrus(x):
    return x + (x := 5) + x
