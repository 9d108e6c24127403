"""Sorting: by keys, of tuples and strs, backwards, and a heap."""

import heapq
from operator import itemgetter


def main():
    numbers = [(i * 7919) % 100_003 for i in range(30_000)]
    words = [f'{n:x}' for n in numbers[:8000]]
    pairs = [(n % 100, word) for n, word in zip(numbers, words)]
    by_length = sorted(words, key=len)
    by_last = sorted(words, key=lambda word: word[-1], reverse=True)
    pairs.sort()
    pairs.sort(key=itemgetter(1))
    heap = []
    for n in numbers[:6000]:
        heapq.heappush(heap, n)
    least = [heapq.heappop(heap) for _ in range(3000)]
    return sorted(numbers)[:3], by_length[0], by_last[0], pairs[0], least[-1], max(words)
