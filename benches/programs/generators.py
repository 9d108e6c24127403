"""Generators: pipelines, recursion with yield from, generator expressions, send."""


class Tree:
    def __init__(self, left, value, right):
        self.left, self.value, self.right = left, value, right

    def __iter__(self):
        if self.left is not None:
            yield from self.left
        yield self.value
        if self.right is not None:
            yield from self.right


def build(low, high):
    if low >= high:
        return None
    middle = (low + high) // 2
    return Tree(build(low, middle), middle, build(middle + 1, high))


def numbers(limit):
    n = 0
    while n < limit:
        yield n
        n += 1


def evens(items):
    for item in items:
        if item % 2 == 0:
            yield item


def averager():
    total = count = 0
    average = None
    while True:
        value = yield average
        total += value
        count += 1
        average = total / count


def main():
    total = sum(evens(numbers(400_000)))
    squares = sum(x * x for x in numbers(150_000))
    walk = sum(build(0, 20_000))
    average = averager()
    next(average)
    for i in range(60_000):
        last = average.send(i)
    return total, squares, walk, last
