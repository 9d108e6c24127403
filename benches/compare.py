"""Compares interpreters on the programs in benches/programs.

    python benches/compare.py OROCHI OTHER... [-n ROUNDS] [-p PROGRAM]... [--svg FILE]

Each interpreter is a command (quote one with arguments). In every round each program runs under each of them, one after
the other, and the best time of all rounds counts; so load that comes and goes touches all alike. The table shows how many
times as fast the first interpreter is as the others, and the geometric means of that; `--svg` draws it. All interpreters must
compute the same.
"""

import argparse
import math
import os
import shlex
import subprocess
import sys
import time

import plot

HERE = os.path.dirname(os.path.abspath(__file__))


def programs():
    names = os.listdir(os.path.join(HERE, 'programs'))
    return sorted(name[:-3] for name in names if name.endswith('.py'))


def run(interpreter, program, repeats):
    command = [*shlex.split(interpreter), os.path.join(HERE, 'run.py'), program, str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f'{interpreter} fails on {program}:\n{done.stderr}')
    seconds, result = done.stdout.split('\n', 1)
    return float(seconds), result


class Progress:
    """A line on the terminal that says how far it is, and how long it may take still."""

    def __init__(self, total):
        self.total, self.done, self.start = total, 0, time.monotonic()

    def step(self, text):
        left = (time.monotonic() - self.start) / self.done * (self.total - self.done) if self.done else 0
        self.done += 1
        text = f'{self.done} of {self.total}: {text}' + (f', {left:.0f} s left' if left else '')
        print('\r' + text.ljust(78), end='', file=sys.stderr, flush=True)

    def clear(self):
        print('\r' + ' ' * 78 + '\r', end='', file=sys.stderr, flush=True)


def measure(interpreters, program, options, progress):
    """The best time of each interpreter in seconds."""
    best, results = {}, {}
    for i in range(options.rounds):
        for interpreter in interpreters:
            progress.step(f'{program}, round {i + 1}, {label(interpreter)}')
            seconds, results[interpreter] = run(interpreter, program, options.repeats)
            best[interpreter] = min(seconds, best.get(interpreter, seconds))
    if len(set(results.values())) > 1:
        progress.clear()
        sys.exit(f'{program}: the interpreters disagree: {results}')
    return best


def label(interpreter):
    """The last word of a command that isn't an option: python3.14 of "chroot /x /usr/bin/python3.14"."""
    words = [word for word in shlex.split(interpreter) if not word.startswith('-')]
    return os.path.basename(words[-1])


def geometric_mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def parse_arguments():
    parser = argparse.ArgumentParser(description='Compare interpreters on the benchmark programs.')
    parser.add_argument('interpreters', nargs='+')
    parser.add_argument('-n', '--rounds', type=int, default=3)
    parser.add_argument('-r', '--repeats', type=int, default=3, help='runs in each process, the best of which counts')
    parser.add_argument('-p', '--program', action='append', choices=programs())
    parser.add_argument('--svg', metavar='FILE', help='write a plot')
    return parser.parse_args()


def main():
    options = parse_arguments()
    interpreters = list(dict.fromkeys(options.interpreters))
    first, *others = interpreters
    chosen = options.program or programs()
    progress = Progress(len(chosen) * options.rounds * len(interpreters))
    rows = {}
    progress.clear()
    print(f'{"program":<18}{label(first) + " ms":>14}' + ''.join(f'{label(other) + " ms":>18}{"ratio":>8}' for other in others))
    for program in chosen:
        best = measure(interpreters, program, options, progress)
        rows[program] = [best[other] / best[first] for other in others]
        progress.clear()
        line = f'{program:<18}{best[first] * 1000:>14.1f}'
        for other, ratio in zip(others, rows[program]):
            line += f'{best[other] * 1000:>18.1f}{ratio:>8.2f}'
        print(line, flush=True)
    if not others:
        return
    means = [geometric_mean(column) for column in zip(*rows.values())]
    print(f'{"geometric mean":<32}' + ''.join(f'{mean:>26.2f}' for mean in means))
    if options.svg:
        with open(options.svg, 'w') as file:
            file.write(plot.bars(f'How many times as fast {label(first)} is', [label(other) for other in others], rows, means))


if __name__ == '__main__':
    main()
