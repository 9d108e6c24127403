"""Dicts and sets: counting, grouping, memoising, a graph search."""


def main():
    words = [f'w{(i * 31) % 1009}' for i in range(150_000)]
    counts = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    groups = {}
    for word, count in counts.items():
        groups.setdefault(count, []).append(word)
    inverted = {word: key for key, members in groups.items() for word in members}

    memo = {}

    def paths(x, y):
        if x == 0 or y == 0:
            return 1
        key = x, y
        if key not in memo:
            memo[key] = paths(x - 1, y) + paths(x, y - 1)
        return memo[key]

    graph = {i: [(i * 2) % 20_000, (i + 1) % 20_000, (i * 3 + 7) % 20_000] for i in range(20_000)}
    seen = {0}
    frontier = [0]
    while frontier:
        following = []
        for node in frontier:
            for neighbour in graph[node]:
                if neighbour not in seen:
                    seen.add(neighbour)
                    following.append(neighbour)
        frontier = following
    return len(counts), len(inverted), paths(120, 120) % 1_000_003, len(seen), len(seen & set(range(0, 40_000, 3)))
