"""copy: deep copies of nested containers, instances, shared parts and cycles."""

import copy
from dataclasses import dataclass, field, replace


@dataclass
class Leaf:
    value: int
    tags: list = field(default_factory=list)


class Node:
    def __init__(self, name, leaf):
        self.name = name
        self.leaf = leaf
        self.children = []
        self.parent = None

    def add(self, child):
        child.parent = self
        self.children.append(child)
        return child


class Matrix:
    def __init__(self, rows):
        self.rows = rows

    def __deepcopy__(self, memo):
        return Matrix([row[:] for row in self.rows])

    def __copy__(self):
        return Matrix(self.rows)


def tree(depth, width, shared):
    node = Node(f'level {depth}', Leaf(depth, ['a', 'b']) if depth % 2 else shared)
    if depth:
        for _ in range(width):
            node.add(tree(depth - 1, width, shared))
    return node


def size(node):
    return 1 + sum(map(size, node.children))


def main():
    shared = Leaf(7, ['shared'])
    root = tree(5, 4, shared)
    twin = copy.deepcopy(root)
    assert twin.children[0].parent is twin and twin.children[0].leaf is twin.children[1].leaf is not shared
    settings = {'name': 'x', 'limits': {'low': [1, 2, 3], 'high': (4, 5, {'deep': [6.5, None]})}, 'flags': {'a', 'b'}}
    total = 0
    for _ in range(1500):
        settings = copy.deepcopy(settings)
        total += len(settings['limits']['low'])
    matrix = Matrix([[i * j for j in range(20)] for i in range(20)])
    for i in range(1500):
        matrix = copy.deepcopy([matrix, copy.copy(matrix)])[0]
    for i in range(12_000):
        leaf = replace(copy.copy(shared), value=i)
        total += leaf.value
    return size(twin), total, matrix.rows[3][4], sorted(settings['flags'])
