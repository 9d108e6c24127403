def strings(x, width):
    a = f"{x}"
    b = f"a{x!r:>{width}}b{x=}"
    c = "constant" "joined" * 2
    d = t"a{x}b{width:>3}"
    return a + b % (c, d)


def containers(x):
    a, *b = x, [1, 2, 3], {1, x}, {"k": x, **x}, (*x, 1)
    a[1:2], a[0], a[x] = b
    del a[0], a.b
    a[x] += 1
    a.b.c -= 2
    return x[1:], x[::2], x in (1, 2, 3)
