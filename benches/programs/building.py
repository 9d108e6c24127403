"""Text built piece by piece: appending, joining, formatting, a small template."""

import io


def render(rows):
    out = io.StringIO()
    out.write('<table>\n')
    for row in rows:
        out.write('  <tr>' + ''.join(f'<td>{cell}</td>' for cell in row) + '</tr>\n')
    out.write('</table>\n')
    return out.getvalue()


def main():
    rows = [(i, i * i, f'name-{i}', i / 3) for i in range(20_000)]
    html = render(rows)
    csv = '\n'.join(','.join(map(str, row)) for row in rows)
    old = '%s has %d items (%5.1f%%)'
    lines = [old % (name, n, part) for n, _, name, part in rows]
    new = '{name:>12} {n:08d} {part:10.3e}'
    more = [new.format(name=name, n=n, part=part) for n, _, name, part in rows]
    text = ''
    for line in lines[:6000]:
        text += line.upper().replace('ITEMS', 'things').strip()
    return len(html), len(csv), lines[7], more[9], len(text)
