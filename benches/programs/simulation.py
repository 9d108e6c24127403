"""An object-oriented simulation: customers, tills and a queue of events in a shop."""

import heapq


class Event:
    def __init__(self, time, number, shop):
        self.time = time
        self.number = number
        self.shop = shop

    def __lt__(self, other):
        return (self.time, self.number) < (other.time, other.number)

    def happen(self):
        raise NotImplementedError


class Arrival(Event):
    def happen(self):
        shop = self.shop
        customer = Customer(self.time, shop.random.below(20) + 1)
        till = min(shop.tills, key=Till.load)
        till.join(customer, shop)
        if shop.served + shop.waiting() < shop.limit:
            shop.schedule(Arrival, self.time + shop.random.below(7))


class Departure(Event):
    till = None

    def happen(self):
        self.till.finish(self.time, self.shop)


class Customer:
    __slots__ = ('arrived', 'items')

    def __init__(self, arrived, items):
        self.arrived = arrived
        self.items = items

    @property
    def effort(self):
        return 2 + self.items


class Till:
    def __init__(self, speed):
        self.speed = speed
        self.queue = []
        self.busy = False

    def load(self):
        return sum(customer.items for customer in self.queue)

    def join(self, customer, shop):
        self.queue.append(customer)
        if not self.busy:
            self.begin(customer.arrived, shop)

    def begin(self, now, shop):
        self.busy = True
        event = shop.schedule(Departure, now + self.queue[0].effort // self.speed + 1)
        event.till = self

    def finish(self, now, shop):
        customer = self.queue.pop(0)
        shop.leave(now - customer.arrived)
        self.busy = False
        if self.queue:
            self.begin(now, shop)


class FastTill(Till):
    def load(self):
        return super().load() // 2


class Random:
    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % limit


class Shop:
    def __init__(self, limit):
        self.limit = limit
        self.random = Random(7)
        self.tills = [Till(1), Till(2), FastTill(4)]
        self.events = []
        self.numbers = 0
        self.served = 0
        self.waited = 0

    def waiting(self):
        return sum(len(till.queue) for till in self.tills)

    def schedule(self, kind, time):
        self.numbers += 1
        event = kind(time, self.numbers, self)
        heapq.heappush(self.events, event)
        return event

    def leave(self, waited):
        self.served += 1
        self.waited += waited

    def run(self):
        self.schedule(Arrival, 0)
        now = 0
        while self.events:
            event = heapq.heappop(self.events)
            now = event.time
            event.happen()
        return now


def main():
    shop = Shop(20_000)
    end = shop.run()
    return end, shop.served, shop.waited
