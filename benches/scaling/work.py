"""Measures one work with one thread, with several, and in as many processes of one thread: prints the seconds of each.

    python benches/scaling/work.py NAME THREADS ROUNDS SECONDS

What two processes that share nothing reach is what the machine has to give at that moment.
"""

import os
import subprocess
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


class Processes:
    """Several processes that each do the work alone when they are told to."""

    def __init__(self, name, number):
        command = [sys.executable, os.path.abspath(__file__), name]
        self.all = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(number)]

    def timed(self, n):
        """The seconds that they take for n turns in all."""
        for process in self.all:
            print(n // len(self.all), file=process.stdin, flush=True)
        answers = [process.stdout.readline().split() for process in self.all]
        return max(float(end) for _, end in answers) - min(float(start) for start, _ in answers)

    def end(self):
        for process in self.all:
            process.stdin.close()
            process.wait()
            process.stdout.close()


def obey(function):
    """What one of the processes does: for each line, a number of turns, it says when these began and ended."""
    for line in sys.stdin:
        start = time.perf_counter()
        function(int(line))
        print(start, time.perf_counter(), flush=True)


def turns(function, seconds):
    """How many turns take about so many seconds."""
    n = 1000
    while (took := timed(function, n, 1)) < seconds / 8:
        n *= 2
    return int(n * seconds / took)


def main():
    name = sys.argv[1]
    function = getattr(programs, name)
    if len(sys.argv) == 2:
        return obey(function)
    threads, rounds, seconds = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    n = turns(function, seconds)
    processes = Processes(name, threads)
    processes.timed(n)
    ways = [lambda: timed(function, n, 1), lambda: timed(function, n, threads), lambda: processes.timed(n)]
    best = [min(times) for times in zip(*([way() for way in ways] for _ in range(rounds)))]
    processes.end()
    print(n, *best)


if __name__ == '__main__':
    main()
