# cProfile: calls, times by a timer of our own, callers, native functions, generators, exceptions, threads.
import cProfile
import pstats
import threading

ticks = 0


def timer():
    return ticks


def spend(n):
    global ticks
    ticks += n


def leaf():
    spend(1)


def recursive(n):
    spend(10)
    if n:
        recursive(n - 1)


def generator():
    spend(2)
    yield 1
    spend(3)


def fails():
    spend(4)
    raise ValueError


class Thing:
    def __init__(self):
        leaf()


def main():
    leaf()
    recursive(2)
    for _ in generator():
        pass
    try:
        fails()
    except ValueError:
        pass
    Thing()
    [].append(1)
    max(1, 2)
    sorted([2, 1], key=lambda x: x)


def show(profile):
    profile.create_stats()
    for key, (primitive, calls, own, total, callers) in sorted(profile.stats.items(), key=lambda item: item[0][2]):
        if key[2] != 'spend':
            names = sorted((caller[2], counts[:2]) for caller, counts in callers.items())
            print(f'{key[2]}: {calls} calls, {primitive} primitive, {own:.0f} own, {total:.0f} in all, from {names}')


profile = cProfile.Profile(timer, 1.0)
profile.runcall(main)
show(profile)
profile = cProfile.Profile(timer, 1.0, builtins=False)
profile.runctx('leaf()', globals(), {})
show(profile)
profile.clear()
show(profile)

# All threads are told of; each has its own stack.
profile = cProfile.Profile()
with profile:
    threads = [threading.Thread(target=lambda: [leaf() for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
profile.create_stats()
print('threads', pstats.Stats(profile).get_stats_profile().func_profiles['leaf'].ncalls)

# One at a time.
profile.enable()
try:
    cProfile.Profile().enable()
except ValueError as error:
    print(error)
profile.disable()
