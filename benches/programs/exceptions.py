"""Exceptions: raised near and far, caught by class, finally, with."""


class Missing(KeyError):
    def __init__(self, key):
        super().__init__(key)
        self.key = key


class Guard:
    def __init__(self):
        self.entered = self.swallowed = 0

    def __enter__(self):
        self.entered += 1
        return self

    def __exit__(self, kind, value, traceback):
        if kind is ValueError:
            self.swallowed += 1
            return True
        return False


def look_up(table, key):
    try:
        return table[key]
    except KeyError:
        raise Missing(key) from None


def deep(n):
    if n == 0:
        raise LookupError('deep')
    return deep(n - 1)


def main():
    table = {i: i for i in range(0, 1000, 2)}
    missing = found = cleaned = caught = 0
    for i in range(40_000):
        try:
            found += look_up(table, i % 1000)
        except Missing as error:
            missing += error.key
        finally:
            cleaned += 1
    for _ in range(5000):
        try:
            deep(20)
        except LookupError:
            caught += 1
    guard = Guard()
    for i in range(40_000):
        with guard:
            if i % 4 == 0:
                raise ValueError(i)
    parsed = 0
    for text in ['12', 'x', '7', ''] * 6000:
        try:
            parsed += int(text)
        except ValueError:
            parsed -= 1
    return missing, found, cleaned, caught, guard.entered, guard.swallowed, parsed
