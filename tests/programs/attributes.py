"""Attributes for which a descriptor is asked, read again and again by the same instructions while what they find changes."""


class Asked:
    plain = 5

    def __init__(self):
        self.own = 6

    def method(self):
        return 7

    @property
    def fails(self):
        raise AttributeError("in the property")

    @classmethod
    def of_class(cls):
        return cls.__name__

    @staticmethod
    def static():
        return "static"

    def __getattr__(self, name):
        if name == "refused":
            raise AttributeError("refused!")
        return "asked for " + name


def instances(a):
    for i in range(7):
        try:
            a.refused
        except AttributeError as error:
            print(error, error.name, error.obj is a)
        print(i, a.plain, a.own, a.method(), a.fails, a.of_class(), a.static(), a.other, a.method.__name__)
        print(i, Asked.of_class(), Asked.static(), a.__class__.__name__, Asked.of_class.__func__.__name__)
        if i == 1:
            a.other = "own"
        elif i == 2:
            Asked.of_class = classmethod(lambda cls: "new")
            Asked.static = staticmethod(lambda: "new")
        elif i == 3:
            del a.other
            Asked.other = property(lambda self: "computed")
            Asked.__dict__["of_class"].__init__(lambda cls: "begun anew")
            Asked.__dict__["static"].__init__(lambda: "begun anew")
        elif i == 4:
            a.method = lambda: "own"
            a.of_class = lambda: "own"
            a.static = lambda: "own"
        elif i == 5:
            Asked.__getattribute__ = lambda self, name: object.__getattribute__(self, name)


class Meta(type):
    from_meta = 3

    def meta_method(cls):
        return cls.__name__ + " of Meta"

    @property
    def meta_property(cls):
        return "property of " + cls.__name__


class First(metaclass=Meta):
    plain = 1

    @classmethod
    def name(cls):
        return cls.__name__


class Second(First):
    pass


def classes():
    for i in range(7):
        for cls in First, Second:
            print(i, cls.plain, cls.from_meta, cls.meta_method(), cls.meta_property, cls.name(), cls.__name__, cls.__class__.__name__)
        print(i, First.plain, First.meta_method(), First.meta_property, First.name(), Second.plain, Second.__qualname__)
        if i == 1:
            Meta.plain = property(lambda cls: "computed")
            Meta.meta_method = lambda cls: "changed"
        elif i == 2:
            del Meta.plain
            Second.plain = 7
            First.meta_method = lambda: "own"
        elif i == 3:
            Second.__name__ = "Other"
            Meta.__getattribute__ = lambda cls, name: (name == "from_meta" and "intercepted") or type.__getattribute__(cls, name)
        elif i == 4:
            del Meta.__getattribute__
            Second.name = classmethod(len)
            Second.name = classmethod(repr) if False else classmethod(lambda cls: cls.plain)


def natives():
    def function():
        """A function."""

    for i in range(4):
        print((5).real, 2.5.imag, True.numerator, function.__name__, function.__doc__, ValueError(i).args)
        print(dict.fromkeys("ab", i), int.from_bytes(b"a", "big"), (7).from_bytes(b"b", "big"), {}.fromkeys("c"))
        print(type(function).__name__, [].__class__, print.__self__.__name__, slice(1, i).stop, "".join.__name__)
        function.__name__ = f"name{i}"


class Slots:
    __slots__ = "place"

    @property
    def double(self):
        return self.place * 2

    def method(self):
        return self.place

    @classmethod
    def make(cls, place):
        self = cls()
        self.place = place
        return self


def slots():
    for i in range(3):
        made = Slots.make(i)
        bound = made.method
        print(made.double, bound(), made.make(i + 1).place)
        if i == 1:
            Slots.double = 8


class Kept:
    kind = "class"

    def __init__(self, x):
        self.x = x

    def method(self):
        return "method"


def read(one):
    try:
        return one.x, one.kind, one.method()
    except AttributeError as error:
        return str(error)


# Instances that have gone over to a dict, beside one that hasn't, read and set by the same instructions.
def dicts():
    plain, one, other = Kept(1), Kept(2), Kept(3)
    for kept in one, other:
        assert vars(kept) == {"x": kept.x}

    def show():
        for _ in range(2):
            print(*map(read, (plain, one, other)))

    def put(value):
        for kept in plain, one, other:
            try:
                kept.x = value
            except AttributeError as error:
                print(error)

    show()
    vars(one).update(kind="own", method=lambda: "own method")
    show()
    del one.kind, vars(one)["method"]
    show()
    put(4)
    del other.x
    show()
    put(5)
    Kept.x = property(lambda kept: "property")
    put(6)
    show()
    del Kept.x
    put(7)
    Kept.kind, Kept.method = "changed", lambda kept: "changed method"
    show()
    other.__dict__ = {"x": 8, "y": 9}
    one.__class__ = type("Heir", (Kept,), {"kind": "heir"})
    show()


# Attributes whose names are computed.
def computed():
    class Heir(Kept):
        def __getattr__(self, name):
            return f"no {name}"

    for made in Kept(1), Heir(2):
        for name in "x", "kind", "method", "none":
            for _ in range(2):
                found = getattr(made, "".join(name), "default"), hasattr(made, "".join(name))
            print(found[0]() if callable(found[0]) else found[0], found[1], end="; ")
    print(getattr(Kept, "".join("kind")), hasattr(Kept, "none"), getattr(Kept, "none", 3))


instances(Asked())
classes()
natives()
slots()
dicts()
computed()
