"""Sorting: by keys, of tuples and strs, backwards, and a heap."""

import heapq
from operator import itemgetter


def main():
    numbers = [(i * 7919) % 100_003 for i in range(180_000)]
    words = [f'{n:x}' for n in numbers[:25_000]]
    pairs = [(n % 100, word) for n, word in zip(numbers, words)]
    by_length = sorted(words, key=len)
    by_last = sorted(words, key=lambda word: word[-1], reverse=True)
    pairs.sort()
    pairs.sort(key=itemgetter(1))
    heap = []
    for n in numbers[:20_000]:
        heapq.heappush(heap, n)
    least = [heapq.heappop(heap) for _ in range(10_000)]
    return sorted(numbers)[:3], by_length[0], by_last[0], pairs[0], least[-1], max(words)
