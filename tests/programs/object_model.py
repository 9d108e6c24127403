# gc, descriptors, orders of classes, heaps, sorted lists, f_locals, unraisable errors. The same text as CPython's.
import _bisect
import gc
import heapq
import sys
import types
import weakref


def attempt(what, f, *args):
    try:
        print(what, f(*args))
    except Exception as error:
        print(what, type(error).__name__, error)


class Node:
    pass


def cycle():
    node = Node()
    node.self = node
    return weakref.ref(node)


gc.collect()
alive = cycle()
print("collected", gc.collect() >= 1, alive())
seen = []
gc.callbacks.append(lambda phase, info: seen.append((phase, info["generation"], sorted(info))))
gc.collect(1)
gc.callbacks.clear()
print("callbacks", seen)
gc.set_debug(gc.DEBUG_SAVEALL)
cycle()
gc.collect()
gc.set_debug(0)
print("saved", any(isinstance(each, Node) for each in gc.garbage))
gc.garbage.clear()
gc.collect()
attempt("generation", gc.collect, 3)
attempt("thresholds", gc.set_threshold)
gc.set_threshold(700, 5)
print("thresholds", gc.get_threshold()[:2], len(gc.get_count()), [sorted(each) for each in gc.get_stats()][0])
print("tracked", [gc.is_tracked(each) for each in (1, "a", [], {}, Node(), None)])
holder = [seen]
print("referrers", any(each is holder for each in gc.get_referrers(seen)), gc.get_referents(holder)[0] is seen)
gc.disable()
print("enabled", gc.isenabled())
gc.enable()


class Slotted:
    __slots__ = ("a",)


def delete(thing, name):
    delattr(thing, name)


print("members", [type(each).__name__ for each in (Slotted.a, slice.start, property.fget, int.real, complex.real)])
print("kinds", types.MemberDescriptorType is types.GetSetDescriptorType)
attempt("slot", lambda: Slotted().a)
attempt("slot", delete, Slotted(), "a")
attempt("member", setattr, property(), "fget", 1)
print("equal", [].append == [].append, len.__eq__(len), str.maketrans.__qualname__)


class Reflected(int):
    def __rpow__(self, other, modulus=None):
        return "reflected", int(other), modulus


print("pow", pow(2, Reflected(3), 5), pow(2, 3, Reflected(5)))
attempt("pow", (1).__pow__)


class Order(type):
    ready = False

    def mro(cls):
        if Order.ready and cls.__name__ == "C":
            Order.ready = False
            C.__bases__ = (B2,)
        return type.mro(cls)


class A(metaclass=Order):
    pass


class B1(A):
    pass


class B2(A):
    pass


class C(A):
    pass


Order.ready = True
C.__bases__ = (B1,)
B1.__bases__ = (C,)
print("bases", C.__bases__, B1.__mro__, B2.__subclasses__())

heap = []
for number in (5, 3, 8, 1, 9, 2):
    heapq.heappush(heap, number)
print("heap", [heapq.heappop(heap) for _ in range(6)])
attempt("heap", heapq.heappop, [])
numbers = [1, 3, 3, 5]
print("bisect", _bisect.bisect_left(numbers, 3), _bisect.bisect_right(numbers, 3), _bisect.bisect_left(numbers, -3, key=lambda n: -n))
_bisect.insort_right(numbers, 4)
print("bisect", numbers)
attempt("bisect", _bisect.bisect_left, numbers, 1, -1)


def variables(argument):
    proxy = sys._getframe().f_locals
    proxy["argument"] = 2
    proxy["new"] = 3
    print("locals", argument, proxy.keys(), proxy.pop("new"), "new" in proxy)
    attempt("locals", proxy.pop, "argument")
    attempt("locals", proxy.__getitem__, "absent")
    attempt("locals", proxy.__getitem__, [])
    attempt("locals", proxy.update, 3)
    print("locals", sorted((proxy | {"z": 1}).keys()), proxy == {"argument": 2, "proxy": proxy})


variables(1)
sys.unraisablehook = lambda args: print("unraisable", args.err_msg.split(" <")[0], args.object, repr(args.exc_value))


class Dying:
    def __del__(self):
        1 / 0


def unraisable():
    Dying()

    def generator():
        try:
            yield
        finally:
            1 / 0

    running = generator()
    next(running)


unraisable()
print("complex", complex(0, 4.25), 0 / -(2**100), ("%c" % 65))
attempt("hash", hash, ([],))
iterator = iter("ab")
print("iterators", list(iterator), iterator.__reduce__(), iter(iter, 3).__reduce__()[1][1])

# Around a generic class only its type parameters are mangled.
class __Base:
    pass


class Generic[__T](__Base):
    parameter = __T


print(Generic.__bases__[0] is __Base, Generic.__type_params__[0].__name__)


# Code objects can be put together from others; `__release_buffer__` ends what `__buffer__` began.
def increase(x, by=1):
    return x + by


code = increase.__code__.replace(co_name="double", co_code=(lambda x, by: x * by).__code__.co_code)
print(code.co_name, type(increase)(code, {})(3, 4), code == increase.__code__)
attempt("nlocals", lambda: code.replace(co_nlocals=5))
attempt("argument", lambda: code.replace(co_names=[]))
print(list(code.replace(co_linetable=b"").co_lines()), code.replace(co_linetable=code.co_linetable) == code)


class Lender(bytearray):
    def __buffer__(self, flags):
        return super().__buffer__(flags)

    def __release_buffer__(self, view):
        print("released", view.tobytes())
        attempt("restricted", lambda: memoryview(view))
        super().__release_buffer__(view)


lender = Lender(b"lent")
with memoryview(lender) as view:
    part = view[1:3]
    print(bytes(part))
    part.release()
lender.clear()
attempt("foreign", lambda: bytearray().__release_buffer__(memoryview(b"")))


# The truth of each operand is asked for once.
class Counted:
    def __init__(self, truth):
        self.truth, self.asked = truth, 0

    def __bool__(self):
        self.asked += 1
        return self.truth


operands = [Counted(False), Counted(True), Counted(False), Counted(True), Counted(True)]
a, b, c, d, e = operands
print((a and b or c or (d and e)) is e, [operand.asked for operand in operands])


# What can't be made says so.
attempt("flags", lambda: type(sys.flags)(sys.flags))
attempt("flags", lambda: type(sys.flags).__new__(type(sys.flags), ()))
