"""Text processing: words are counted, lines wrapped, columns aligned, differences found, a CSV file is summed up."""

import csv
import difflib
import io
import string
import textwrap
from collections import Counter, defaultdict

SUBJECTS = 'the sailor|a captain|the whale|an old harpooner|the ship\'s cook|nobody'.split('|')
VERBS = 'saw|followed|never forgot|sang about|feared|wrote down'.split('|')
PLACES = 'in the morning|near the island|under a pale moon|at the end of the voyage|on deck'.split('|')


def prose(sentences):
    state = 11
    for i in range(sentences):
        state = (state * 48271) % 2147483647
        words = SUBJECTS[state % 6], VERBS[state // 6 % 6], SUBJECTS[state // 36 % 6], PLACES[state // 216 % 5]
        yield ' '.join(words).capitalize() + ('!' if i % 9 == 0 else '.')


def count_words(text):
    clean = text.translate(str.maketrans('', '', string.punctuation)).lower()
    counts = Counter(clean.split())
    pairs = defaultdict(int)
    words = clean.split()
    for pair in zip(words, words[1:]):
        pairs[pair] += 1
    return counts.most_common(5), max(pairs.items(), key=lambda item: (item[1], item[0]))


def index(lines):
    places = {}
    for number, line in enumerate(lines, 1):
        for word in line.split():
            word = word.strip(string.punctuation).lower()
            if len(word) > 3 and not word.startswith('th'):
                places.setdefault(word, set()).add(number)
    return [f'{word.ljust(14, ".")} {", ".join(map(str, sorted(found)[:6]))}' for word, found in sorted(places.items())]


def ledger(lines):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(['line', 'words', 'text'])
    for i, line in enumerate(lines):
        writer.writerow([i, len(line.split()), line])
    out.seek(0)
    return sum(int(row['words']) for row in csv.DictReader(out))


def main():
    text = ' '.join(prose(8000))
    lines = textwrap.wrap(text[:80_000], 72)
    counted = count_words(text)
    entries = index(text.splitlines() + lines)
    changed = [line.replace('whale', 'walrus') for line in lines[:60]]
    delta = [line for line in difflib.unified_diff(lines[:60], changed, lineterm='') if line.startswith('+')]
    return len(text), len(lines), counted, entries[:3], len(delta), ledger(lines * 6)
