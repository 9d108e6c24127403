"""Measures one work with one thread and with several: prints the seconds of each.

    python benches/scaling/work.py NAME THREADS ROUNDS SECONDS
"""

import sys
import threading
import time

import programs


def timed(function, n, threads):
    """The seconds that `threads` threads take for n turns in all."""
    ready = threading.Barrier(threads)
    starts, ends = [], []

    def run():
        ready.wait()
        starts.append(time.perf_counter())
        function(n // threads)
        ends.append(time.perf_counter())

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return max(ends) - min(starts)


def turns(function, seconds):
    """How many turns take about so many seconds."""
    n = 1000
    while (took := timed(function, n, 1)) < seconds / 8:
        n *= 2
    return int(n * seconds / took)


def main():
    name, threads, rounds, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    function = getattr(programs, name)
    n = turns(function, seconds)
    best = {1: float('inf'), threads: float('inf')}
    for _ in range(rounds):
        for number in best:
            best[number] = min(best[number], timed(function, n, number))
    print(n, best[1], best[threads])


if __name__ == '__main__':
    main()
