"""Measures how much faster the same work is with several threads than with one."""

import os
import sys
import time


def thread_count():
    """The number of threads to compare with one: the first argument that is a number, or every core."""
    for argument in sys.argv[1:]:
        if argument.isdigit():
            return int(argument)
    return os.process_cpu_count() or 1


def compare(work, threads, rounds=5):
    """Runs work(n) with n=1 and n=threads in turn; prints and returns the speed-up and the last result.

    The rounds are interleaved and the best of each is taken, so that another program's short burst doesn't decide.
    """
    best = {1: float('inf'), threads: float('inf')}
    result = None
    for _ in range(rounds):
        for n in best:
            start = time.perf_counter()
            result = work(n)
            best[n] = min(best[n], time.perf_counter() - start)
    for n, seconds in best.items():
        print(f'{n:>3} thread{"s" if n > 1 else " "} {seconds:8.3f} s')
    speedup = best[1] / best[threads]
    print(f'speed-up with {threads} threads: {speedup:.2f}')
    return speedup, result
