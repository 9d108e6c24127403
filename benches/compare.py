"""Compares interpreters on the programs in benches/programs.

    python benches/compare.py OROCHI OTHER... [-n ROUNDS] [-p PROGRAM]...

Each interpreter is a command (quote one with arguments). In every round each program runs once under each of them,
one after the other, and the best time of all rounds counts; so load that comes and goes touches all alike.
The table shows how many times as fast the first interpreter is as the others.
"""

import argparse
import math
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def programs():
    names = os.listdir(os.path.join(HERE, 'programs'))
    return sorted(name[:-3] for name in names if name.endswith('.py'))


def run(interpreter, program):
    command = [*shlex.split(interpreter), os.path.join(HERE, 'run.py'), program, '3']
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f'{interpreter} fails on {program}:\n{done.stderr}')
    seconds, result = done.stdout.split('\n', 1)
    return float(seconds), result


def main():
    parser = argparse.ArgumentParser(description='Compare interpreters on the benchmark programs.')
    parser.add_argument('interpreters', nargs='+')
    parser.add_argument('-n', '--rounds', type=int, default=3)
    parser.add_argument('-p', '--program', action='append', choices=programs())
    options = parser.parse_args()
    first, *others = options.interpreters
    ratios = {other: [] for other in others}
    print(f'{"program":<14}{"seconds":>10}' + ''.join(f'{os.path.basename(other.split()[0])[-20:]:>22}' for other in others))
    for program in options.program or programs():
        best, results = {}, {}
        for i in range(options.rounds):
            for interpreter in options.interpreters:
                print(f'\r{program}: round {i + 1} of {options.rounds}', end='', file=sys.stderr, flush=True)
                seconds, results[interpreter] = run(interpreter, program)
                best[interpreter] = min(seconds, best.get(interpreter, seconds))
        print('\r' + ' ' * 40 + '\r', end='', file=sys.stderr)
        if len(set(results.values())) > 1:
            sys.exit(f'{program}: the interpreters disagree: {results}')
        line = f'{program:<14}{best[first]:>10.4f}'
        for other in others:
            ratio = best[other] / best[first]
            ratios[other].append(ratio)
            line += f'{ratio:>21.2f}x'
        print(line, flush=True)
    if others:
        means = (math.exp(sum(map(math.log, ratios[other])) / len(ratios[other])) for other in others)
        print(f'{"geometric mean":<24}' + ''.join(f'{mean:>21.2f}x' for mean in means))


if __name__ == '__main__':
    main()
