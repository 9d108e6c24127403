"""A search with sets: queens on a board, and the moves of a knight."""


def queens(n, row, columns, rising, falling):
    if row == n:
        return 1
    found = 0
    for column in range(n):
        if column in columns or row + column in rising or row - column in falling:
            continue
        found += queens(n, row + 1, columns | {column}, rising | {row + column}, falling | {row - column})
    return found


def knight(size):
    distances = {(0, 0): 0}
    frontier = [(0, 0)]
    steps = [(1, 2), (2, 1), (-1, 2), (-2, 1), (1, -2), (2, -1), (-1, -2), (-2, -1)]
    while frontier:
        following = []
        for x, y in frontier:
            for dx, dy in steps:
                place = x + dx, y + dy
                if 0 <= place[0] < size and 0 <= place[1] < size and place not in distances:
                    distances[place] = distances[x, y] + 1
                    following.append(place)
        frontier = following
    return max(distances.values())


def main():
    return queens(9, 0, frozenset(), frozenset(), frozenset()), knight(110)
