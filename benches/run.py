"""Runs one benchmark program several times and prints its best time in seconds and what it computed.

    python benches/run.py PROGRAM REPEATS
"""

import os
import sys
import time


def main():
    name, repeats = sys.argv[1], int(sys.argv[2])
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'programs'))
    program = __import__(name)
    best = float('inf')
    for _ in range(repeats):
        start = time.perf_counter()
        result = program.main()
        best = min(best, time.perf_counter() - start)
    print(best)
    print(repr(result))


if __name__ == '__main__':
    main()
