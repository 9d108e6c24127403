"""asyncio: tasks that pass items through queues, wait for each other, and take turns; coroutines that await deeply."""

import asyncio


async def fib(n):
    if n < 2:
        return n
    return await fib(n - 1) + await fib(n - 2)


async def produce(queue, n):
    for i in range(n):
        await queue.put(i)
    await queue.put(None)


async def square(source, sink):
    while (item := await source.get()) is not None:
        await sink.put(item * item)
    await sink.put(None)


async def collect(queue):
    total = 0
    while (item := await queue.get()) is not None:
        total += item
    return total


async def pipeline(n):
    first, second = asyncio.Queue(10), asyncio.Queue(10)
    async with asyncio.TaskGroup() as group:
        group.create_task(produce(first, n))
        group.create_task(square(first, second))
        total = group.create_task(collect(second))
    return total.result()


async def worker(number, semaphore, log):
    async with semaphore:
        log.append(number)
        await asyncio.sleep(0)
        return number % 10


async def ticks(n):
    for i in range(n):
        if i % 4 == 0:
            await asyncio.sleep(0)
        yield i


async def give_up():
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(10)
    except TimeoutError:
        return 1


async def run():
    log, semaphore = [], asyncio.Semaphore(20)
    workers = sum(await asyncio.gather(*(worker(i, semaphore, log) for i in range(3000))))
    ticked = 0
    async for i in ticks(5000):
        ticked += i
    given_up = sum([await give_up() for _ in range(200)])
    return await fib(20), await pipeline(6000), workers, len(log), ticked, given_up


def main():
    return asyncio.run(run())
