"""Counts what a second, idle thread costs the first: instructions of a turn without it and with it.

    python benches/scaling/idle.py OROCHI [WORK]...

Needs valgrind. The works are those on local objects in benches/scaling/programs.py. Each is run with two numbers of turns, so that
starting the interpreter counts for nothing.
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WORKS = ['functions', 'local_objects', 'kept_objects', 'local_lists', 'local_dicts', 'local_strings', 'exceptions', 'generators']
TURNS = 2000, 12000

PROGRAM = """
import sys, threading
sys.path.insert(0, {here!r})
import programs
if {idle}:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
programs.{work}({turns})
import os
os._exit(0)
"""


def instructions(orochi, work, turns, idle):
    program = PROGRAM.format(here=HERE, work=work, turns=turns, idle=idle)
    command = ['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', orochi, '-c', program]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r'Collected : (\d+)', done.stderr)
    if not found:
        sys.exit(f'{work}: valgrind said:\n{done.stderr}')
    return int(found[1])


def main():
    orochi = sys.argv[1]
    print(f'{"instructions of a turn":<24}{"alone":>10}{"with another":>14}{"difference":>12}')
    for work in sys.argv[2:] or WORKS:
        alone, other = (
            (instructions(orochi, work, TURNS[1], idle) - instructions(orochi, work, TURNS[0], idle)) / (TURNS[1] - TURNS[0])
            for idle in (False, True))
        print(f'  {work:<22}{alone:>10.1f}{other:>14.1f}{(other / alone - 1) * 100:>11.1f}%', flush=True)


if __name__ == '__main__':
    main()
