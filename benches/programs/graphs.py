"""Graphs: shortest paths with a heap, a spanning tree with sets that are joined, components, an order of dependencies."""

import heapq
from collections import deque


class Graph:
    def __init__(self, size):
        self.edges = [[] for _ in range(size)]

    def connect(self, a, b, weight):
        self.edges[a].append((b, weight))

    def distances(self, start):
        best = {start: 0}
        queue = [(0, start)]
        while queue:
            distance, node = heapq.heappop(queue)
            if distance > best[node]:
                continue
            for neighbour, weight in self.edges[node]:
                through = distance + weight
                if through < best.get(neighbour, 1 << 60):
                    best[neighbour] = through
                    heapq.heappush(queue, (through, neighbour))
        return best

    def components(self):
        """Tarjan's strongly connected components, with a stack of iterators instead of recursion."""
        order, low, stack, on_stack, found = {}, {}, [], set(), 0
        for root in range(len(self.edges)):
            if root in order:
                continue
            order[root] = low[root] = len(order)
            stack.append(root)
            on_stack.add(root)
            work = [(root, iter(self.edges[root]))]
            while work:
                node, neighbours = work[-1]
                for neighbour, _ in neighbours:
                    if neighbour not in order:
                        order[neighbour] = low[neighbour] = len(order)
                        stack.append(neighbour)
                        on_stack.add(neighbour)
                        work.append((neighbour, iter(self.edges[neighbour])))
                        break
                    if neighbour in on_stack:
                        low[node] = min(low[node], order[neighbour])
                else:
                    work.pop()
                    if work:
                        parent = work[-1][0]
                        low[parent] = min(low[parent], low[node])
                    if low[node] == order[node]:
                        found += 1
                        while True:
                            member = stack.pop()
                            on_stack.remove(member)
                            if member == node:
                                break
        return found

    def spanning_tree(self):
        parents = list(range(len(self.edges)))

        def find(node):
            while parents[node] != node:
                parents[node] = parents[parents[node]]
                node = parents[node]
            return node

        total = 0
        for weight, a, b in sorted((weight, a, b) for a, out in enumerate(self.edges) for b, weight in out):
            a, b = find(a), find(b)
            if a != b:
                parents[a] = b
                total += weight
        return total

    def layers(self):
        """Kahn's order over the edges that lead upwards."""
        waiting = [0] * len(self.edges)
        for a, out in enumerate(self.edges):
            for b, _ in out:
                if b > a:
                    waiting[b] += 1
        depth = [0] * len(self.edges)
        ready = deque(node for node, count in enumerate(waiting) if count == 0)
        while ready:
            node = ready.popleft()
            for neighbour, _ in self.edges[node]:
                if neighbour > node:
                    waiting[neighbour] -= 1
                    depth[neighbour] = max(depth[neighbour], depth[node] + 1)
                    if waiting[neighbour] == 0:
                        ready.append(neighbour)
        return max(depth)


def build(size, degree):
    graph, state = Graph(size), 5
    for a in range(size):
        for _ in range(a % degree + 1):
            state = (state * 48271) % 2147483647
            graph.connect(a, state % size, state // size % 97 + 1)
    return graph


def main():
    graph = build(12_000, 6)
    best = graph.distances(5)
    return len(best), max(best.values()), graph.components(), graph.spanning_tree(), graph.layers()
