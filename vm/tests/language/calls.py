# Binding of arguments, and what wrong calls are told.
def f(a, b=2, /, c=3, *args, d, e=5, **kw):
    return a, b, c, args, d, e, kw


for call in (
    "f()", "f(1)", "f(1, d=4)", "f(1,2,3,4,5,d=6,z=7)", "f(1, b=2, d=3)", "f(1, c=3, d=4)", "f(1,2,3,c=4,d=1)",
    "(lambda x: x)()", "(lambda x, y: x)(1)", "(lambda x: x)(1,2)", "(lambda: 0)(1)", "(lambda x, y=1: 0)(1,2,3)",
    "(lambda *, k: 0)()", "(lambda *, k, j: 0)()", "(lambda x, *, k=1: 0)(1,2,k=3)", "f(*[1,2], **{'d': 1, 'q': 2})",
    "f(**{1:2})", "f(*5)", "f(**5)", "f(d=1, **{'d': 2})", "(lambda a,b,c,d: 0)(1)", "(lambda abc: 0)(abd=1)",
    "(lambda: 0)(abd=1)", "(lambda a, /: 0)(a=1)", "(lambda a, b, /, c: 0)(1, b=1, c=2)", "(lambda x, *a, y=9: (x, a, y))(1, 2, 3, y=4)",
    "(lambda x, y: (x, y))(y=1, x=2)", "(lambda x, y=5: (x, y))(x=2)", "(lambda **k: k)(a=1, b=2)", "(lambda *a: a)(*range(300))[299]",
    "(lambda x: x)(1, x=2)", "(lambda self: self)(self=3)",
):
    try:
        print(call, eval(call))
    except Exception as e:
        print(call, type(e).__name__, e)


class C:
    def m(self, a, b=1):
        return a, b

    def __call__(self, *args):
        return args


c = C()
for call in ("c.m()", "c.m(1)", "c.m(1, 2)", "c.m(1, 2, 3)", "c(1, 2)", "C.m(c, 1)", "C.m()", "c.m(b=3, a=4)", "c.nothing()", "C(1)"):
    try:
        print(call, eval(call))
    except Exception as e:
        print(call, type(e).__name__, e)

m = c.m
print(m(7), m.__self__ is c, m.__func__ is C.m)
print((lambda x, /, y, *, z=3: (x, y, z))(1, y=2))


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


print(deep(900))


def rec(n):
    return rec(n + 1)


try:
    rec(0)
except RecursionError as e:
    print(e)
print(deep(900))
