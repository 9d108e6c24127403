"""Counts the words in a folder of text, with one thread and with several.

    orochi examples/wordcount.py [FOLDER] [THREADS]

Without a folder it counts the standard library's own sources.
"""

import os
import pkgutil
import re
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from _speedup import compare, thread_count

PASSES = 5
WORD = re.compile(r'[A-Za-z_]+')


def read_folder(folder):
    texts = []
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            try:
                with open(os.path.join(root, name), encoding='utf-8') as file:
                    texts.append(file.read())
            except (UnicodeDecodeError, OSError):
                continue
    return texts


def read_library():
    """The sources of the standard library, wherever the importers find them."""
    texts = []
    for module in pkgutil.iter_modules([os.path.dirname(os.__file__)]):
        spec = module.module_finder.find_spec(module.name)
        source = spec.loader.get_source(module.name) if spec and spec.loader else None
        if source:
            texts.append(source)
    return texts


def count(texts):
    counts = Counter()
    for text in texts:
        for line in text.splitlines():
            counts.update(WORD.findall(line))
    return counts


def split(texts, parts):
    """Deals the texts out so that every part has about the same number of characters."""
    shares = [[0, []] for _ in range(parts)]
    for text in sorted(texts, key=len, reverse=True):
        share = min(shares, key=lambda share: share[0])
        share[0] += len(text)
        share[1].append(text)
    return [texts for _, texts in shares]


def with_threading(texts, n):
    results = [None] * n

    def work(i, share):
        results[i] = count(share)

    threads = [threading.Thread(target=work, args=item) for item in enumerate(split(texts, n))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(results, Counter())


def with_executor(texts, n):
    with ThreadPoolExecutor(max_workers=n) as executor:
        return sum(executor.map(count, split(texts, n)), Counter())


def main():
    folders = [argument for argument in sys.argv[1:] if not argument.isdigit()]
    texts = read_folder(folders[0]) if folders else read_library()
    print(f'{len(texts)} files, {sum(map(len, texts)):,} characters, {PASSES} times')
    texts *= PASSES
    threads = thread_count()
    print('threading:')
    _, counts = compare(lambda n: with_threading(texts, n), threads)
    print('ThreadPoolExecutor:')
    _, again = compare(lambda n: with_executor(texts, n), threads)
    assert counts == again
    for word, number in counts.most_common(10):
        print(f'{number:>8,} {word}')


if __name__ == '__main__':
    main()
