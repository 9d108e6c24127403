"""A ray tracer: spheres over a chequered floor, with shadows and mirrors."""

import math


class Vector:
    __slots__ = ('x', 'y', 'z')

    def __init__(self, x, y, z):
        self.x = x
        self.y = y
        self.z = z

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y, self.z - other.z)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor, self.z * factor)

    def dot(self, other):
        return self.x * other.x + self.y * other.y + self.z * other.z

    def unit(self):
        return self * (1.0 / math.sqrt(self.dot(self)))

    def mirrored(self, normal):
        return self - normal * (2.0 * self.dot(normal))


class Ray:
    def __init__(self, origin, direction):
        self.origin = origin
        self.direction = direction

    def at(self, distance):
        return self.origin + self.direction * distance


class Sphere:
    def __init__(self, centre, radius, colour, shine):
        self.centre, self.radius, self.colour, self.shine = centre, radius, colour, shine

    def hit(self, ray):
        offset = ray.origin - self.centre
        b = offset.dot(ray.direction)
        root = b * b - offset.dot(offset) + self.radius * self.radius
        if root < 0.0:
            return None
        distance = -b - math.sqrt(root)
        return distance if distance > 1e-6 else None

    def normal(self, point):
        return (point - self.centre).unit()

    def colour_at(self, point):
        return self.colour


class Floor:
    shine = 0.1
    up = Vector(0.0, 1.0, 0.0)

    def hit(self, ray):
        if abs(ray.direction.y) < 1e-9:
            return None
        distance = -(ray.origin.y + 1.0) / ray.direction.y
        return distance if distance > 1e-6 else None

    def normal(self, point):
        return self.up

    def colour_at(self, point):
        if (math.floor(point.x) + math.floor(point.z)) % 2:
            return Vector(0.9, 0.9, 0.9)
        return Vector(0.1, 0.1, 0.1)


class Scene:
    def __init__(self, things, light):
        self.things = things
        self.light = light

    def nearest(self, ray):
        best, thing = math.inf, None
        for candidate in self.things:
            distance = candidate.hit(ray)
            if distance is not None and distance < best:
                best, thing = distance, candidate
        return best, thing

    def trace(self, ray, depth):
        distance, thing = self.nearest(ray)
        if thing is None:
            return Vector(0.5, 0.6, 0.8) * max(0.2, ray.direction.y)
        point = ray.at(distance)
        normal = thing.normal(point)
        to_light = (self.light - point).unit()
        _, obstacle = self.nearest(Ray(point, to_light))
        brightness = 0.15 if obstacle else 0.15 + max(0.0, normal.dot(to_light)) * 0.85
        colour = thing.colour_at(point) * brightness
        if depth and thing.shine:
            mirrored = Ray(point, ray.direction.mirrored(normal))
            colour = colour * (1.0 - thing.shine) + self.trace(mirrored, depth - 1) * thing.shine
        return colour


def main():
    scene = Scene([
        Floor(),
        Sphere(Vector(-1.2, 0.0, 4.0), 1.0, Vector(0.9, 0.2, 0.2), 0.3),
        Sphere(Vector(1.2, 0.3, 5.0), 1.3, Vector(0.2, 0.3, 0.9), 0.5),
        Sphere(Vector(0.1, -0.6, 3.0), 0.4, Vector(0.2, 0.9, 0.3), 0.0),
    ], Vector(-4.0, 6.0, -2.0))
    width, height = 96, 72
    eye, total, row = Vector(0.0, 0.3, -2.0), 0, ''
    for y in range(height):
        for x in range(width):
            direction = Vector((x + 0.5) / width - 0.5, 0.35 - (y + 0.5) / height * 0.75, 1.0).unit()
            colour = scene.trace(Ray(eye, direction), 2)
            grey = int(255 * min(1.0, (colour.x + colour.y + colour.z) / 3))
            total += grey
            if y == height // 2:
                row += ' .:-=+*#%@'[grey * 10 // 256]
    return total, row
