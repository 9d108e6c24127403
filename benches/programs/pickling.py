"""Pickle: containers, strs, numbers and instances are written and read again."""

import pickle
from datetime import date, timedelta


class Address:
    def __init__(self, street, number):
        self.street = street
        self.number = number


class Person:
    def __init__(self, name, age, address, friends):
        self.name = name
        self.age = age
        self.address = address
        self.friends = friends

    def __getstate__(self):
        return {**self.__dict__, 'version': 2}

    def __setstate__(self, state):
        assert state.pop('version') == 2
        self.__dict__.update(state)


class Event:
    __slots__ = ('day', 'title')

    def __init__(self, day, title):
        self.day, self.title = day, title

    def __reduce__(self):
        return Event, (self.day, self.title)


def data():
    streets = [Address(f'street {i}', i) for i in range(40)]
    people = []
    for i in range(1200):
        people.append(Person(f'name {i}', i % 90, streets[i % 40], people[-3:]))
    start = date(2024, 1, 1)
    events = [Event(start + timedelta(days=i), f'event {i}') for i in range(800)]
    numbers = {i: (i * 1.5, i ** 5, str(i).encode()) for i in range(8000)}
    nested = [{'key': [('a', i), {'b': {i, -i}}], 'none': None, 'yes': True} for i in range(3000)]
    return people, events, numbers, nested


def main():
    original = data()
    size = 0
    for protocol in (2, 4, 5):
        text = pickle.dumps(original, protocol)
        size += len(text)
        people, events, numbers, nested = pickle.loads(text)
    assert people[40].address is people[0].address and numbers == original[2] and nested == original[3]
    return size > 900_000, people[7].friends[2].name, str(events[-1].day), len(numbers)
