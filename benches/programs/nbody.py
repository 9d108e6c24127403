"""Floats and attributes in lists: bodies that attract each other."""

PLANETS = [
    ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], 39.5),
    ([4.8, -1.2, -0.1], [0.6, 2.8, -0.02], 0.037),
    ([8.3, 4.1, -0.4], [-1.0, 1.8, 0.008], 0.011),
    ([12.9, -15.1, -0.2], [1.1, 0.87, -0.01], 0.0017),
    ([15.4, -25.9, 0.18], [0.98, 0.59, -0.03], 0.002),
]


def advance(pairs, bodies, dt):
    for (place, speed, mass), (other_place, other_speed, other_mass) in pairs:
        dx = place[0] - other_place[0]
        dy = place[1] - other_place[1]
        dz = place[2] - other_place[2]
        magnitude = dt * (dx * dx + dy * dy + dz * dz) ** -1.5
        pull, push = other_mass * magnitude, mass * magnitude
        speed[0] -= dx * pull
        speed[1] -= dy * pull
        speed[2] -= dz * pull
        other_speed[0] += dx * push
        other_speed[1] += dy * push
        other_speed[2] += dz * push
    for place, (vx, vy, vz), _ in bodies:
        place[0] += dt * vx
        place[1] += dt * vy
        place[2] += dt * vz


def main():
    bodies = [(place[:], speed[:], mass) for place, speed, mass in PLANETS]
    pairs = [(a, b) for i, a in enumerate(bodies) for b in bodies[i + 1:]]
    for _ in range(14_000):
        advance(pairs, bodies, 0.01)
    return [round(place[0], 6) for place, _, _ in bodies]
