"""Permutations in lists: pancake flips, permutations by swapping, and a cube of sudoku by backtracking."""


def flips(n):
    """The largest number of prefix reversals until 1 is on top, over all permutations (fannkuch)."""
    permutation, counts, most, checksum, sign = list(range(n)), list(range(n)), 0, 0, 1
    while True:
        if permutation[0]:
            row, turns = permutation[:], 0
            while first := row[0]:
                row[:first + 1] = row[first::-1]
                turns += 1
            most = max(most, turns)
            checksum += sign * turns
        if sign == 1:
            permutation[0], permutation[1] = permutation[1], permutation[0]
            sign = -1
            continue
        permutation[1], permutation[2] = permutation[2], permutation[1]
        sign = 1
        for i in range(2, n):
            if counts[i] != 0:
                counts[i] -= 1
                break
            if i == n - 1:
                return most, checksum
            counts[i] = i
            permutation.insert(i + 1, permutation.pop(0))


def solve(grid):
    best, choices = None, None
    for row in range(9):
        for column in range(9):
            if grid[row][column]:
                continue
            used = set(grid[row]) | {line[column] for line in grid}
            top, left = row // 3 * 3, column // 3 * 3
            for line in grid[top:top + 3]:
                used.update(line[left:left + 3])
            free = [digit for digit in range(1, 10) if digit not in used]
            if best is None or len(free) < len(choices):
                best, choices = (row, column), free
    if best is None:
        return True
    row, column = best
    for digit in choices:
        grid[row][column] = digit
        if solve(grid):
            return True
    grid[row][column] = 0
    return False


SUDOKU = '''
8........
..36.....
.7..9.2..
.5...7...
....457..
...1...3.
..1....68
..85...1.
.9....4..
'''.split()


def main():
    grid = [[int(mark) if mark.isdigit() else 0 for mark in row] for row in SUDOKU]
    for row, values in enumerate(((8, 1, 2, 7, 5, 3), (9, 4, 3, 6), (6, 7, 5))):
        grid[row][:len(values)] = values
    solved = solve(grid)
    return flips(8), solved, grid[8]
