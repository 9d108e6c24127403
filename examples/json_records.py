"""Parses JSON records and aggregates them, files shared out among threads.

    orochi examples/json_records.py [THREADS]
"""

import json
import random
from concurrent.futures import ThreadPoolExecutor

from _speedup import compare, thread_count

PASSES = 20
CITIES = ['Kyoto', 'Osaka', 'Tokyo', 'Nagoya', 'Sapporo', 'Fukuoka']


def make_documents(number, records):
    """Some documents of JSON lines, the same each time."""
    rng = random.Random(8)
    documents = []
    for document in range(number):
        lines = []
        for i in range(records):
            order = {
                'id': document * records + i,
                'customer': {'name': f'customer {rng.randrange(500)}', 'city': rng.choice(CITIES)},
                'items': [
                    {'sku': f'A{rng.randrange(100):03}', 'price': round(rng.uniform(1, 90), 2), 'count': rng.randrange(1, 5)}
                    for _ in range(rng.randrange(1, 6))
                ],
                'paid': rng.random() < 0.9,
            }
            lines.append(json.dumps(order))
        documents.append('\n'.join(lines))
    return documents


def aggregate(document):
    """Revenue and number of orders by city."""
    totals = {}
    for line in document.splitlines():
        order = json.loads(line)
        if not order['paid']:
            continue
        total = sum(item['price'] * item['count'] for item in order['items'])
        city = order['customer']['city']
        revenue, orders = totals.get(city, (0.0, 0))
        totals[city] = revenue + total, orders + 1
    return totals


def run(documents, n):
    result = {}
    with ThreadPoolExecutor(max_workers=n) as executor:
        for totals in executor.map(aggregate, documents * PASSES):
            for city, (revenue, orders) in totals.items():
                before, number = result.get(city, (0.0, 0))
                result[city] = before + revenue, number + orders
    return result


def main():
    documents = make_documents(24, 800)
    print(f'{len(documents)} documents, {sum(map(len, documents)):,} characters, {PASSES} times')
    _, totals = compare(lambda n: run(documents, n), thread_count())
    for city in sorted(totals):
        revenue, orders = totals[city]
        print(f'{city:<10}{orders:>7,} orders{revenue:>16,.2f}')


if __name__ == '__main__':
    main()
