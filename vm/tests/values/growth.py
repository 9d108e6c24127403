# Strs that grow where they are must never change what somebody else sees.
def build(n, piece):
    s = ''
    i = 0
    while i < n:
        s += piece
        i += 1
    return s
print(len(build(10000, 'x')), build(100, 'ab')[-5:], len(build(1000, 'é')), build(50, 'aé')[97:])
def alias():
    s = 'start' * 20
    seen = []
    i = 0
    while i < 40:
        t = s
        s += 'y'
        seen.append(t)
        i += 1
    return [len(x) for x in seen], s == 'start' * 20 + 'y' * 40
print(alias())
def keys():
    s = 'k' * 100
    d = {}
    i = 0
    while i < 20:
        s += 'z'
        d[s] = i
        i += 1
    return sorted(len(k) for k in d) if False else [len(k) for k in d], d['k' * 100 + 'z' * 7]
print(keys())
def doubled():
    s = 'ab' * 50
    i = 0
    while i < 5:
        s += s
        i += 1
    return len(s), s[:4], s[-4:]
print(doubled())
def indexed():
    s = 'é' * 80
    out = []
    i = 0
    while i < 10:
        s += 'ü'
        out.append((len(s), s[-1], s[79]))
        i += 1
    return out
print(indexed())
def turned():
    s = 'a' * 100
    s += 'b'
    s += 'é'
    s += 'c'
    return s.isascii(), len(s), s[-3:], s.encode()[-4:]
print(turned())
def hashed():
    s = 'h' * 100
    s += '1'
    a = hash(s)
    s += '2'
    b = hash(s)
    return a == hash('h' * 100 + '1'), b == hash('h' * 100 + '12'), a == b
print(hashed())
print('a' * 40 + 'b' * 40 + 'c' * 40 == 'a' * 40 + ('b' * 40 + 'c' * 40))
