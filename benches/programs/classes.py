"""Classes made while the program runs: plain ones, dataclasses, enums and named tuples."""

from collections import namedtuple
from dataclasses import dataclass, field
from enum import Enum


def shapes(i):
    class Shape:
        sides = i

        def __init__(self, size):
            self.size = size

        def area(self):
            return self.size * self.sides

    class Square(Shape):
        def area(self):
            return super().area() + 1

    return Square


def main():
    total = 0
    for i in range(3000):
        total += shapes(i)(3).area()
    for i in range(30):
        @dataclass(order=True)
        class Point:
            x: int
            y: int = i
            tags: list = field(default_factory=list)

        total += Point(1, 2).y + (Point(1) < Point(2))
        Pair = namedtuple('Pair', 'first second')
        total += sum(Pair(i, 2))
        Colour = Enum('Colour', ['RED', 'GREEN', 'BLUE'])
        total += Colour.GREEN.value
    return total
