def generator(x):
    y = yield x
    z = yield from y
    return z


async def coroutine(a):
    async with a as b:
        async for c in b:
            await c
    return [d async for d in a]


async def source():
    yield 1
