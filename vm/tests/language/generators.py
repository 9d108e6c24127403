# Generators, delegation, coroutines.
def gen():
    x = yield 1
    print('got', x)
    try:
        y = yield 2
    except ValueError as e:
        print('caught', e)
        y = yield 3
    return y


g = gen()
print(next(g), g.send('a'), g.throw(ValueError('v')))
try:
    g.send(9)
except StopIteration as e:
    print('stop', e.args)
print(g.gi_frame, g.gi_running, g.gi_code.co_name, g.gi_suspended)
try:
    next(g)
except StopIteration as e:
    print(e.args)
g = gen()
try:
    g.send(1)
except TypeError as e:
    print(e)
g.close()


def sub():
    try:
        yield 'a'
        yield 'b'
    except GeneratorExit:
        print('closing sub')
        raise
    finally:
        print('fin sub')


def top():
    r = yield from sub()


g = top()
print(next(g))
print(g.gi_yieldfrom is not None)
g.close()


class It:
    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration(5)


def d():
    r = yield from It()
    print('r', r)


print(list(d()))


def ignoring():
    try:
        yield 1
    except GeneratorExit:
        yield 2


g = ignoring()
next(g)
try:
    g.close()
except RuntimeError as e:
    print(e)


def reentrant():
    try:
        next(me)
    except ValueError as e:
        print(e)
    yield 1


me = reentrant()
print(next(me))


def thrower():
    yield from inner()


def inner():
    try:
        yield 1
    except KeyError as e:
        print('inner caught', e.args)
        yield 'handled'


g = thrower()
next(g)
print(g.throw(KeyError('k')))
print([x * 2 for x in (i for i in range(5) if i % 2)])
print(sum(x for x in range(100)))


def tree(n):
    if n:
        yield from tree(n - 1)
        yield n
        yield from tree(n - 1)


print(list(tree(4)))


def many(n):
    yield from many(n - 1) if n else [1]


print(list(many(200)))


async def co(x):
    return x


class Wait:
    def __await__(self):
        got = yield 'waiting'
        return got


async def ag():
    for i in range(3):
        got = await Wait()
        yield i, got


class ACM:
    async def __aenter__(self):
        return 'acm'

    async def __aexit__(self, *a):
        print('aexit', a[0])
        return True


async def main():
    print(await co(5), await Wait())
    async for pair in ag():
        print(pair)
    print([x async for x in ag()])
    async with ACM() as q:
        print(q)
        raise ValueError
    return 'done'


c = main()
sent = None
while True:
    try:
        what = c.send(sent)
    except StopIteration as e:
        print(e.args)
        break
    print(what)
    sent = 'sent'
try:
    c.send(None)
except RuntimeError as e:
    print(e)


async def bad():
    await 5


try:
    bad().send(None)
except TypeError as e:
    print(e)


async def closing():
    try:
        yield 1
        yield 2
    finally:
        print('async closed')


async def use():
    a = closing()
    async for x in a:
        break
    await a.aclose()
    b = closing()
    print(await b.__anext__(), await b.asend(3))
    try:
        await b.athrow(ValueError('at'))
    except ValueError as e:
        print(e)
    try:
        await b.__anext__()
    except StopAsyncIteration:
        print('ended')


try:
    use().send(None)
except StopIteration:
    print('end')
