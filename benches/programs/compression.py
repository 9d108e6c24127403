"""Compression in Python alone: Huffman's codes, LZ77 with a window, run lengths."""

import heapq
import itertools
from collections import Counter, deque


def huffman(data):
    numbers = itertools.count()
    heap = [(count, next(numbers), symbol) for symbol, count in sorted(Counter(data).items())]
    heapq.heapify(heap)
    while len(heap) > 1:
        left, right = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (left[0] + right[0], next(numbers), (left[2], right[2])))
    codes = {}

    def walk(node, prefix):
        if isinstance(node, tuple):
            walk(node[0], prefix + '0')
            walk(node[1], prefix + '1')
        else:
            codes[node] = prefix or '0'

    walk(heap[0][2], '')
    return heap[0][2], codes


def encode(data, codes):
    bits = ''.join(codes[byte] for byte in data)
    padded = bits + '0' * (-len(bits) % 8)
    return len(bits), bytes(int(padded[i:i + 8], 2) for i in range(0, len(padded), 8))


def decode(tree, size, data):
    out, node = bytearray(), tree
    for byte in data:
        for shift in range(7, -1, -1):
            if size == 0:
                break
            size -= 1
            node = node[byte >> shift & 1]
            if not isinstance(node, tuple):
                out.append(node)
                node = tree
    return bytes(out)


def lz77(data, window=1024):
    places, out, i = {}, [], 0
    while i < len(data):
        key = data[i:i + 3]
        best, distance = 0, 0
        for place in places.get(key, ()):
            if i - place > window:
                continue
            length = 0
            while length < 60 and i + length < len(data) and data[place + length] == data[i + length]:
                length += 1
            if length > best:
                best, distance = length, i - place
        step = best if best > 3 else 1
        out.append((distance, best) if best > 3 else data[i])
        for j in range(i, i + step):
            places.setdefault(data[j:j + 3], deque(maxlen=8)).append(j)
        i += step
    return out


def unpack(items):
    out = bytearray()
    for item in items:
        if isinstance(item, int):
            out.append(item)
        else:
            distance, length = item
            for _ in range(length):
                out.append(out[-distance])
    return bytes(out)


def main():
    words = ['compression', 'window', 'symbol', 'of', 'the', 'and', 'tree', 'entropy']
    state, parts = 3, []
    for _ in range(6000):
        state = (state * 48271) % 2147483647
        parts.append(words[state % 8] + str(state % 10))
    data = ' '.join(parts).encode()
    tree, codes = huffman(data)
    size, packed = encode(data, codes)
    assert decode(tree, size, packed) == data
    items = lz77(data)
    assert unpack(items) == data
    runs = [(key, len(list(group))) for key, group in itertools.groupby(bin(int.from_bytes(packed[:400])))]
    return len(data), len(packed), len(items), max(length for _, length in runs)
