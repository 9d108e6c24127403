"""Attributes and methods: a small simulation of moving bodies."""


class Vector:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def plus(self, other):
        return Vector(self.x + other.x, self.y + other.y)


class Body:
    count = 0

    def __init__(self, position, velocity):
        self.position = position
        self.velocity = velocity
        self.steps = 0
        Body.count += 1

    @property
    def energy(self):
        velocity = self.velocity
        return velocity.x * velocity.x + velocity.y * velocity.y

    def step(self):
        self.position = self.position.plus(self.velocity)
        self.steps += 1
        if self.position.x > 100:
            self.velocity.x = -self.velocity.x


def main():
    bodies = [Body(Vector(i, -i), Vector(i % 7, i % 3)) for i in range(50)]
    energy = 0
    for _ in range(6000):
        for body in bodies:
            body.step()
        energy += bodies[7].energy
    return energy, sum(body.position.x for body in bodies), Body.count
