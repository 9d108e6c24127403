"""A game on a board like Go's: groups, liberties, captures, and random games that are played to their end."""

SIZE = 9
EMPTY, BLACK, WHITE = '.', 'x', 'o'
OTHER = {BLACK: WHITE, WHITE: BLACK}


class Random:
    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 69069 + 1) & 0xFFFFFFFF
        return (self.state >> 9) % limit


class Group:
    def __init__(self, colour, stones, liberties):
        self.colour = colour
        self.stones = stones
        self.liberties = liberties

    def join(self, other):
        self.stones |= other.stones
        self.liberties |= other.liberties


class Board:
    neighbours = {}

    def __init__(self):
        self.groups = {}
        self.forbidden = None
        self.captured = {BLACK: 0, WHITE: 0}
        self.empty = {(x, y) for x in range(SIZE) for y in range(SIZE)}

    def free_around(self, point):
        return {near for near in self.neighbours[point] if near not in self.groups}

    def is_eye(self, colour, point):
        groups = self.groups
        for near in self.neighbours[point]:
            if near not in groups or groups[near].colour != colour:
                return False
        return True

    def is_allowed(self, colour, point):
        if point == self.forbidden or self.is_eye(colour, point):
            return False
        if self.free_around(point):
            return True
        for near in self.neighbours[point]:
            group = self.groups[near]
            in_atari = len(group.liberties) == 1
            if in_atari != (group.colour == colour):
                return True
        return False

    def play(self, colour, point):
        group = Group(colour, {point}, self.free_around(point))
        self.empty.discard(point)
        self.groups[point] = group
        taken = []
        for near in self.neighbours[point]:
            other = self.groups.get(near)
            if other is None or other is group:
                continue
            other.liberties.discard(point)
            if other.colour == colour:
                group.join(other)
                for stone in other.stones:
                    self.groups[stone] = group
            elif not other.liberties:
                taken.append(other)
        group.liberties.discard(point)
        self.forbidden = None
        for other in taken:
            self.remove(other)
            if len(taken) == 1 and len(other.stones) == 1 and len(group.stones) == 1:
                self.forbidden, = other.stones

    def remove(self, group):
        self.captured[OTHER[group.colour]] += len(group.stones)
        for stone in group.stones:
            self.groups.pop(stone, None)
            self.empty.add(stone)
        for stone in group.stones:
            for near in self.neighbours[stone]:
                beside = self.groups.get(near)
                if beside is not None:
                    beside.liberties.add(stone)

    def score(self):
        black = sum(group.colour == BLACK for group in self.groups.values())
        return black - (len(self.groups) - black)


def neighbours(x, y):
    return [(x + dx, y + dy) for dx, dy in ((0, 1), (1, 0), (0, -1), (-1, 0)) if 0 <= x + dx < SIZE and 0 <= y + dy < SIZE]


def playout(random):
    board, colour, passes = Board(), BLACK, 0
    for turn in range(200):
        points = sorted(board.empty)
        start = random.below(len(points)) if points else 0
        for point in points[start:] + points[:start]:
            if board.is_allowed(colour, point):
                board.play(colour, point)
                passes = 0
                break
        else:
            passes += 1
            if passes == 2:
                break
        colour = OTHER[colour]
    return board.score() + board.captured[BLACK] - board.captured[WHITE], turn


def main():
    Board.neighbours = {(x, y): neighbours(x, y) for x in range(SIZE) for y in range(SIZE)}
    random = Random(42)
    games = [playout(random) for _ in range(70)]
    return sum(score for score, _ in games), sum(turns for _, turns in games)
