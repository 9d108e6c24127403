"""Cryptography in Python alone: a stream cipher (ChaCha20), a hash (SHA-256) and an exchange of keys."""

import struct

MASK = 0xFFFFFFFF


def quarter(state, a, b, c, d):
    state[a] = (state[a] + state[b]) & MASK
    x = state[d] ^ state[a]
    state[d] = (x << 16 | x >> 16) & MASK
    state[c] = (state[c] + state[d]) & MASK
    x = state[b] ^ state[c]
    state[b] = (x << 12 | x >> 20) & MASK
    state[a] = (state[a] + state[b]) & MASK
    x = state[d] ^ state[a]
    state[d] = (x << 8 | x >> 24) & MASK
    state[c] = (state[c] + state[d]) & MASK
    x = state[b] ^ state[c]
    state[b] = (x << 7 | x >> 25) & MASK


def chacha_block(key, counter, nonce):
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *key, counter, *nonce]
    state = start[:]
    for _ in range(10):
        for a in range(4):
            quarter(state, a, a + 4, a + 8, a + 12)
        for a in range(4):
            quarter(state, a, 4 + (a + 1) % 4, 8 + (a + 2) % 4, 12 + (a + 3) % 4)
    return struct.pack('<16I', *((x + y) & MASK for x, y in zip(state, start)))


def chacha(key, nonce, message):
    key, nonce = struct.unpack('<8I', key), struct.unpack('<3I', nonce)
    out = bytearray()
    for i in range(0, len(message), 64):
        stream = chacha_block(key, i // 64 + 1, nonce)
        out += bytes(x ^ y for x, y in zip(message[i:i + 64], stream))
    return bytes(out)


def primes():
    found, n = [], 2
    while len(found) < 64:
        if all(n % prime for prime in found):
            found.append(n)
        n += 1
    return found


FIRST = [int(prime ** 0.5 % 1 * 2 ** 32) for prime in primes()[:8]]
ROUNDS = [int(prime ** (1 / 3) % 1 * 2 ** 32) for prime in primes()]


def rotate(x, n):
    return (x >> n | x << (32 - n)) & MASK


def sha256(message):
    size = len(message) * 8
    message += b'\x80' + bytes(-(len(message) + 9) % 64) + size.to_bytes(8)
    h = FIRST[:]
    for offset in range(0, len(message), 64):
        words = list(struct.unpack_from('>16I', message, offset))
        for i in range(16, 64):
            x, y = words[i - 15], words[i - 2]
            s0 = rotate(x, 7) ^ rotate(x, 18) ^ x >> 3
            s1 = rotate(y, 17) ^ rotate(y, 19) ^ y >> 10
            words.append((words[i - 16] + s0 + words[i - 7] + s1) & MASK)
        a, b, c, d, e, f, g, last = h
        for constant, word in zip(ROUNDS, words):
            s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
            t1 = last + s1 + (e & f ^ ~e & g) + constant + word
            s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
            t2 = s0 + (a & b ^ a & c ^ b & c)
            a, b, c, d, e, f, g, last = (t1 + t2) & MASK, a, b, c, (d + t1) & MASK, e, f, g
        h = [(x + y) & MASK for x, y in zip(h, (a, b, c, d, e, f, g, last))]
    return b''.join(x.to_bytes(4) for x in h).hex()


def exchange():
    prime, generator = 2 ** 521 - 1, 3
    mine, yours = 0x1234567890ABCDEF ** 7, 0xFEDCBA0987654321 ** 7
    public = pow(generator, mine, prime), pow(generator, yours, prime)
    return pow(public[1], mine, prime) == pow(public[0], yours, prime)


def main():
    key, nonce = bytes(range(32)), bytes(12)
    message = b'attack at dawn, or a little later; bring sandwiches. ' * 200
    secret = chacha(key, nonce, message)
    return secret[:8].hex(), chacha(key, nonce, secret)[:14], sha256(b'abc' * 6000), exchange()
