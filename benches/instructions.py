"""Counts the instructions that programs take, and compares with the record (instructions.json).

    python benches/instructions.py OROCHI [--update]

Counts (valgrind's callgrind) don't depend on how busy the machine is, so that a small loss shows. A program that takes over 3 %
more than recorded is a failure, until `--update` writes a new record on purpose. Hash seeds are fixed, and each program runs
once. Counts depend on the compiler a little: the record is of the release build with the toolchain that CI uses.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
RECORD = os.path.join(HERE, 'instructions.json')
LIMIT = 0.03

PROGRAMS = ['attributes', 'calls', 'exceptions', 'generators', 'json_records', 'lists', 'regex', 'strings']
SCRIPTS = {
    'start': 'pass',
    'imports': 'import json, re, dataclasses, typing, logging',
}


def count(orochi, arguments):
    """The instructions of one process, in thousands."""
    with tempfile.TemporaryDirectory() as folder:
        command = ['valgrind', '--tool=callgrind', f'--callgrind-out-file={folder}/out', orochi, *arguments]
        environment = {'PATH': os.environ['PATH'], 'PYTHONHASHSEED': '0'}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    found = re.search(r'Collected : (\d+)', done.stderr)
    if done.returncode != 0 or found is None:
        sys.exit(f'{" ".join(command)} failed:\n{done.stderr}')
    return round(int(found[1]) / 1000)


def count_all(orochi):
    works = {name: [os.path.join(HERE, 'run.py'), name, '1'] for name in PROGRAMS}
    works |= {name: ['-c', script] for name, script in SCRIPTS.items()}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = pool.map(lambda arguments: count(orochi, arguments), works.values())
        for name, thousands in zip(works, counts):
            yield name, thousands


def main():
    parser = argparse.ArgumentParser(description='Count instructions and compare with the record.')
    parser.add_argument('orochi')
    parser.add_argument('--update', action='store_true', help='write the record anew')
    options = parser.parse_args()
    try:
        with open(RECORD) as file:
            record = json.load(file)
    except FileNotFoundError:
        record = {}
    counts, failed = {}, []
    print(f'{"program":<16}{"thousands":>12}{"recorded":>12}')
    for name, thousands in count_all(os.path.abspath(options.orochi)):
        counts[name] = thousands
        known = record.get(name)
        change = thousands / known - 1 if known else 0
        print(f'{name:<16}{thousands:>12}{known or "-":>12}' + (f'{change:>+9.1%}' if known else ''), flush=True)
        if not known or change > LIMIT:
            failed.append(name)
    if options.update:
        with open(RECORD, 'w') as file:
            json.dump(counts, file, indent=1)
            file.write('\n')
    elif failed:
        sys.exit(f'more than {LIMIT:.0%} above the record, or not in it: {", ".join(failed)}\n'
                 'If that is meant to be, write the record anew: benches/instructions.py OROCHI --update')


if __name__ == '__main__':
    main()
