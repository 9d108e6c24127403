"""Cellular automata: the game of life on a set of cells and on rows of bits, a rule of one dimension."""

from collections import Counter

GLIDER_GUN = '''
........................O...........
......................O.O...........
............OO......OO............OO
...........O...O....OO............OO
OO........O.....O...OO..............
OO........O...O.OO....O.O...........
..........O.....O.......O...........
...........O...O....................
............OO......................
'''


def cells_of(text):
    return {(x, y) for y, row in enumerate(text.strip().splitlines()) for x, mark in enumerate(row) if mark == 'O'}


def step(cells):
    counts = Counter((x + dx, y + dy) for x, y in cells for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy)
    return {cell for cell, count in counts.items() if count == 3 or count == 2 and cell in cells}


def step_grid(grid, width, height):
    following = []
    for y in range(height):
        above, row, below = grid[y - 1], grid[y], grid[(y + 1) % height]
        line = bytearray(width)
        for x in range(width):
            left, right = x - 1, (x + 1) % width
            count = above[left] + above[x] + above[right] + row[left] + row[right] + below[left] + below[x] + below[right]
            line[x] = count == 3 or count == 2 and row[x]
        following.append(line)
    return following


def rule(number, width, steps):
    row, alive = 1 << width // 2, 0
    mask = (1 << width) - 1
    for _ in range(steps):
        alive += row.bit_count()
        left, right = row << 1 & mask, row >> 1
        row = sum(
            1 << i
            for i in range(0, width)
            if number >> ((left >> i & 1) | (row >> i & 1) << 1 | (right >> i & 1) << 2) & 1
        )
    return alive


def main():
    cells = cells_of(GLIDER_GUN)
    for _ in range(300):
        cells = step(cells)
    width, height = 48, 40
    grid = [bytearray((x * y + x) % 3 == 0 for x in range(width)) for y in range(height)]
    for _ in range(80):
        grid = step_grid(grid, width, height)
    return len(cells), sum(map(sum, grid)), rule(30, 160, 250)
