"""Regular expressions: tokens, substitutions, and searches that fail."""

import re

TOKEN = re.compile(r'\s*(?:(\d+\.\d*|\d+)|([A-Za-z_]\w*)|(.))')
DATE = re.compile(r'(\d{4})-(\d\d)-(\d\d)')


def main():
    source = 'total = alpha * (beta + 3.25) - gamma_2 / 17 ; ' * 6000
    kinds = [0, 0, 0]
    for match in TOKEN.finditer(source):
        kinds[match.lastindex - 1] += 1
    log = '2024-05-17 error in module a; 2023-12-01 all well. ' * 9000
    turned = DATE.sub(r'\3.\2.\1', log)
    words = re.split(r'[\W_]+', source)
    missing = re.search(r'(?:ab|cd)+xyz', log)
    return kinds, turned[:22], len(words), missing
