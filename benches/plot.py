"""Draws the ratios of a comparison as SVG: a row of bars for each program, on a logarithmic scale with a line at 1."""

import math
from xml.sax.saxutils import escape

COLOURS = ['#3b6ea5', '#c77c32', '#5a8f57', '#8c5a8f']
LEFT, RIGHT, TOP, BAR, GAP = 150, 60, 70, 9, 7
WIDTH = 760


class Scale:
    """Ratios to places between LEFT and WIDTH - RIGHT."""

    def __init__(self, ratios):
        self.low = min(0.5, min(ratios) * 0.9)
        self.high = max(2.0, max(ratios) * 1.1)

    def place(self, ratio):
        part = (math.log(ratio) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def marks(self):
        return [mark for mark in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if self.low <= mark <= self.high]


def text(x, y, content, anchor='start', weight='normal'):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(content)}</text>'


def row(scale, y, name, ratios, weight='normal'):
    parts = [text(LEFT - 8, y + len(ratios) * BAR / 2 + 4, name, 'end', weight)]
    one = scale.place(1)
    for i, ratio in enumerate(ratios):
        x, top = scale.place(ratio), y + i * BAR
        start, width = min(one, x), max(abs(x - one), 1)
        colour = COLOURS[i % len(COLOURS)]
        parts.append(f'<rect x="{start:.1f}" y="{top}" width="{width:.1f}" height="{BAR - 1}" fill="{colour}"/>')
        parts.append(text(max(x, one) + 4, top + BAR - 1, f'{ratio:.2f}', weight=weight))
    return ''.join(parts)


def bars(title, names, rows, means):
    """The plot as text. `rows` has for each program its ratios, one for each of `names`."""
    scale = Scale([ratio for ratios in rows.values() for ratio in ratios])
    step = len(names) * BAR + GAP
    height = TOP + (len(rows) + 1) * step + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<g font-size="15">{text(20, 26, title)}</g>',
    ]
    for i, name in enumerate(names):
        x = 20 + i * 180
        parts.append(f'<rect x="{x}" y="38" width="12" height="12" fill="{COLOURS[i % len(COLOURS)]}"/>')
        parts.append(text(x + 18, 48, f'as {name}'))
    bottom = height - 24
    for mark in scale.marks():
        x = scale.place(mark)
        colour = '#444' if mark == 1 else '#ddd'
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="{colour}"/>')
        parts.append(text(x, bottom + 14, f'{mark:g}', 'middle'))
    for i, (name, ratios) in enumerate(rows.items()):
        parts.append(row(scale, TOP + i * step, name, ratios))
    parts.append(row(scale, TOP + len(rows) * step, 'geometric mean', means, 'bold'))
    parts.append('</svg>\n')
    return '\n'.join(parts)
