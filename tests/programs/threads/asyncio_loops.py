"""Event loops in several threads at once; others look at their tasks and hand them work."""

import asyncio
import gc
import sys
import threading

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
LOOPS = 3

loops = []
errors = []
ready = threading.Barrier(LOOPS + 1)
looked_enough = threading.Event()
stop = threading.Event()


async def child(number):
    await asyncio.sleep(0)
    return number


async def waiter(future):
    return await future


async def work():
    loops.append(asyncio.get_running_loop())
    ready.wait()
    turns = 0
    while not stop.is_set():
        numbers = await asyncio.gather(*(child(i) for i in range(20)))
        assert numbers == list(range(20)), numbers
        future = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(waiter(future)) for _ in range(10)]
            mine = asyncio.all_tasks()
            assert mine >= set(tasks) and asyncio.current_task() in mine
            future.set_result(turns)
        assert all(task.result() == turns for task in tasks)
        cancelled = asyncio.ensure_future(waiter(asyncio.Future()))
        await asyncio.sleep(0)
        cancelled.cancel('enough')
        try:
            await cancelled
        except asyncio.CancelledError as error:
            assert error.args == ('enough',), error.args
        turns += 1
    return turns


def run():
    try:
        turns = asyncio.run(work())
        assert turns > 0
    except BaseException as error:
        errors.append(error)
        raise


def look():
    """Asks for the tasks of loops that other threads run."""
    try:
        while not looked_enough.is_set():
            for loop in loops:
                for task in asyncio.all_tasks(loop):
                    # Not repr(task): asyncio/base_futures.py reads `_callbacks` twice, and they may be gone the second time.
                    assert task.get_loop() is loop
                task = asyncio.current_task(loop)
                assert task is None or task.get_loop() is loop
                answer = asyncio.run_coroutine_threadsafe(child(7), loop)
                assert answer.result(60) == 7
            gc.collect()
    except BaseException as error:
        errors.append(error)
        raise


def leave_a_task(loop, coroutine, kept):
    kept.append(loop.create_task(coroutine))


threads = [threading.Thread(target=run) for _ in range(LOOPS)]
for thread in threads:
    thread.start()
ready.wait()
looker = threading.Thread(target=look)
looker.start()
timer = threading.Timer(SECONDS, looked_enough.set)
timer.start()
looker.join()
stop.set()
for thread in (*threads, timer):
    thread.join()
assert not errors, errors

# The tasks that a thread made are found when it has ended.
loop = asyncio.new_event_loop()
kept = []
thread = threading.Thread(target=leave_a_task, args=(loop, child(3), kept))
thread.start()
thread.join()
assert asyncio.all_tasks(loop) == set(kept)
assert loop.run_until_complete(kept[0]) == 3
assert asyncio.all_tasks(loop) == set()
loop.close()

# A callback that another thread adds is called, whether it comes before the result or after.
loop = asyncio.new_event_loop()
called = []
for turn in range(200):
    future = loop.create_future()
    adder = threading.Thread(target=future.add_done_callback, args=(called.append,))
    adder.start()
    future.set_result(turn)
    adder.join()
loop.call_soon(loop.stop)
loop.run_forever()
assert sorted(future.result() for future in called) == list(range(200)), len(called)
loop.close()
print('ok')
