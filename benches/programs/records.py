"""Records and enums: dataclasses, named tuples, slots, ordering, hashing, properties, pattern matching."""

from dataclasses import asdict, dataclass, field
from enum import Enum, IntFlag
from typing import NamedTuple


class Kind(Enum):
    FOOD = 'food'
    TOOL = 'tool'
    BOOK = 'book'


class Right(IntFlag):
    READ = 1
    WRITE = 2
    SHARE = 4


@dataclass(frozen=True, order=True)
class Money:
    cents: int
    currency: str = 'EUR'

    def __add__(self, other):
        return Money(self.cents + other.cents, self.currency)


@dataclass(slots=True)
class Item:
    name: str
    kind: Kind
    price: Money
    stock: int = 0
    tags: list = field(default_factory=list)

    @property
    def worth(self):
        return self.price.cents * self.stock


class Sale(NamedTuple):
    item: str
    count: int
    discount: float = 0.0


@dataclass
class Shop:
    items: dict
    sales: list = field(default_factory=list)

    def sell(self, sale):
        match sale:
            case Sale(item=name, count=0):
                return None
            case Sale(name, count, discount) if discount > 0.5:
                raise ValueError(f'{name}: {discount} is too much')
            case Sale(name, count, discount):
                item = self.items[name]
                item.stock -= count
                self.sales.append(sale)
                return Money(round(item.price.cents * count * (1 - discount)))


def area(shape):
    match shape:
        case {'kind': 'circle', 'radius': r}:
            return 3 * r * r
        case {'kind': 'box', 'size': [width, height]}:
            return width * height
        case [first, *rest]:
            return area(first) + sum(map(area, rest))
        case int() | float():
            return shape
        case _:
            return 0


def main():
    kinds = list(Kind)
    items = {f'item {i}': Item(f'item {i}', kinds[i % 3], Money(i * 13 % 500), i % 40) for i in range(1500)}
    shop = Shop(items)
    income, refused = Money(0), 0
    for i in range(30_000):
        try:
            got = shop.sell(Sale(f'item {i % 1500}', i % 3, i % 7 / 10))
        except ValueError:
            refused += 1
        else:
            if got is not None:
                income += got
    dear = sorted({item.price for item in items.values()})[-1]
    by_kind = {kind: sum(item.worth for item in items.values() if item.kind is kind) for kind in Kind}
    rights = 0
    for i in range(1500):
        right = Right(i % 8)
        rights += (right & Right.WRITE == Right.WRITE) + (Right.READ in right)
    shapes = [{'kind': 'circle', 'radius': 2}, {'kind': 'box', 'size': (3, 4)}, [1, 2.5, {'kind': 'none'}], 'x'] * 6000
    flat = [asdict(item)['price']['cents'] for item in list(items.values())[:700]]
    return income, refused, dear, by_kind[Kind.TOOL], rights, sum(map(area, shapes)), sum(flat)
