def calls(f, obj, args, kwargs):
    f()
    f(1, obj)
    f(1, key=2)
    f(*args)
    f(1, *args, key=2, **kwargs)
    obj.method(f, 2)
    obj.method(*args)
    return obj.a.b(f)[0].c


class Child(Parent):
    def method(self):
        self.seen = super().method()
        return super().attribute
