"""Shows how works on shared objects scale, for one interpreter or several.

    python benches/scaling/compare.py OROCHI [OTHER]... [-t THREADS] [-r ROUNDS] [-s SECONDS] [-w WORK]...

For each work (benches/scaling/programs.py) and interpreter: how many times as fast the same number of turns is done with
several threads as with one, and, behind the stroke, with as many processes that share nothing, which is what the machine has to
give at that moment. The best of all rounds counts on each side, and rounds alternate. A free-threaded CPython may be among
the others. The machine should be idle.
"""

import argparse
import os
import shlex
import subprocess
import sys

import programs

HERE = os.path.dirname(os.path.abspath(__file__))


def measure(interpreter, name, options):
    """Nanoseconds of a turn with one thread, and the speed-ups of threads and of processes."""
    command = [*shlex.split(interpreter), os.path.join(HERE, 'work.py'), name]
    command += [str(options.threads), str(options.rounds), str(options.seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None
    n, one, threads, processes = map(float, done.stdout.split())
    return one / n * 1e9, one / threads, one / processes


def main():
    parser = argparse.ArgumentParser(description='Compare how interpreters scale.')
    parser.add_argument('interpreters', nargs='+')
    parser.add_argument('-t', '--threads', type=int, default=2)
    parser.add_argument('-r', '--rounds', type=int, default=3)
    parser.add_argument('-s', '--seconds', type=float, default=0.3)
    parser.add_argument('-w', '--work', action='append')
    options = parser.parse_args()
    print(f'speed-up with {options.threads} threads / with processes; nanoseconds of a turn with one')
    print(f'{"":<22}' + ''.join(f'{os.path.basename(shlex.split(name)[0])[-24:]:>26}' for name in options.interpreters))
    for title, works in ('reading and local work', programs.SHARED), ('contention', programs.CONTENDED):
        print(title)
        for work in works:
            if options.work and work.__name__ not in options.work:
                continue
            line = f'  {work.__name__:<20}'
            for interpreter in options.interpreters:
                found = measure(interpreter, work.__name__, options)
                line += f'{"fails":>26}' if found is None else '{1:>8.2f} /{2:>5.2f} ({0:>7.1f} ns)'.format(*found)
            print(line, flush=True)


if __name__ == '__main__':
    sys.exit(main())
