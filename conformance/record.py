"""The record of one module: the test methods that CPython passes, and which of them Orochi passes.

A file a module in conformance/record/. A line without a mark names a class (with its module in a package); the methods
of it follow: `+` Orochi passes it, `-` it doesn't, `~` it is counted apart (see driver.py).
"""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent / 'record'
MARKS = '+-~'


class Record:
    def __init__(self, name):
        self.name = name
        self.marks = {}  # method -> mark
        self.chosen = set()

    @classmethod
    def load(cls, name):
        record = cls(name)
        path = FOLDER / f'{name}.txt'
        group = ''
        for line in path.read_text(encoding='utf-8').splitlines() if path.exists() else ():
            if line[:2] in ('+ ', '- ', '~ '):
                record.marks[f'{group}.{line[2:]}' if group else line[2:]] = line[0]
            else:
                group = line.strip()
        return record

    def save(self):
        lines, last = [], ''
        for method in sorted(self.marks, key=split):
            group, rest = split(method)
            if group != last:
                lines.append(group)
                last = group
            lines.append(f'{self.marks[method]} {rest}')
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f'{self.name}.txt').write_text('\n'.join(lines) + '\n', encoding='utf-8')

    def passing(self):
        return {method for method, mark in self.marks.items() if mark == '+'}

    def note_reference(self, events):
        """The reference's passes become the record's methods; the marks of those known before stay."""
        passed = [method for method, (kind, _) in events.outcomes.items() if kind == 'pass']
        self.marks = {method: self.marks.get(method, '-') for method in passed}

    def note_own(self, events):
        for method in self.chosen:
            kind = events.outcome(method)
            self.marks[method] = '+' if kind == 'pass' else '~' if kind == 'apart' else '-'


def split(method):
    """A method's class and its name. Names of doctests have no parts; parts in parentheses belong to the name."""
    group, dot, rest = method.partition('(')[0].rpartition('.')
    return (group, method[len(group) + 1:]) if dot else ('', method)
