"""The fifteen puzzle on a 3 by 4 board: iterative deepening with a heuristic (IDA*)."""

WIDTH, HEIGHT = 4, 3
GOAL = tuple(range(1, WIDTH * HEIGHT)) + (0,)
HOMES = {tile: divmod(place, WIDTH) for place, tile in enumerate(GOAL)}


def neighbours(place):
    row, column = divmod(place, WIDTH)
    for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
        if 0 <= r < HEIGHT and 0 <= c < WIDTH:
            yield r * WIDTH + c


MOVES = [list(neighbours(place)) for place in range(WIDTH * HEIGHT)]


def distance(tile, place):
    row, column = divmod(place, WIDTH)
    home_row, home_column = HOMES[tile]
    return abs(row - home_row) + abs(column - home_column)


TABLE = [[distance(tile, place) if tile else 0 for place in range(WIDTH * HEIGHT)] for tile in range(WIDTH * HEIGHT)]


class Search:
    def __init__(self, board):
        self.board = list(board)
        self.visited = 0

    def solve(self):
        estimate = sum(TABLE[tile][place] for place, tile in enumerate(self.board))
        empty = self.board.index(0)
        bound = estimate
        while True:
            path = []
            found = self.deepen(empty, -1, 0, estimate, bound, path)
            if found is True:
                return path[::-1]
            bound = found

    def deepen(self, empty, previous, depth, estimate, bound, path):
        total = depth + estimate
        if total > bound:
            return total
        if estimate == 0:
            return True
        self.visited += 1
        board = self.board
        least = 1000
        for place in MOVES[empty]:
            if place == previous:
                continue
            tile = board[place]
            row = TABLE[tile]
            board[empty], board[place] = tile, 0
            found = self.deepen(place, empty, depth + 1, estimate - row[place] + row[empty], bound, path)
            board[empty], board[place] = 0, tile
            if found is True:
                path.append(tile)
                return True
            if found < least:
                least = found
        return least


def scramble(steps, seed):
    board, empty, last = list(GOAL), len(GOAL) - 1, -1
    for _ in range(steps):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        choices = [place for place in MOVES[empty] if place != last]
        place = choices[(seed >> 10) % len(choices)]
        board[empty], board[place] = board[place], 0
        last, empty = empty, place
    return board


def main():
    results = []
    for seed in range(1, 8):
        search = Search(scramble(60, seed))
        results.append((len(search.solve()), search.visited))
    return results
