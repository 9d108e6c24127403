"""Draws the Mandelbrot set, rows shared out among threads.

    orochi examples/mandelbrot.py [THREADS]
"""

import threading

from _speedup import compare, thread_count

WIDTH, HEIGHT, LIMIT = 480, 256, 1000
SHADES = ' .:-=+*#%@'


def row(y):
    line = []
    ci = 2.4 * y / HEIGHT - 1.2
    for x in range(WIDTH):
        cr = 3.2 * x / WIDTH - 2.3
        zr = zi = 0.0
        n = 0
        while n < LIMIT and zr * zr + zi * zi < 4.0:
            zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
            n += 1
        line.append(n)
    return line


def draw(n):
    rows = [None] * HEIGHT

    def work(start):
        # Rows are dealt out in turn: those in the middle take longer.
        for y in range(start, HEIGHT, n):
            rows[y] = row(y)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rows


def main():
    _, rows = compare(draw, thread_count())
    for line in rows[::12]:
        print(''.join(SHADES[min(n * len(SHADES) // LIMIT, len(SHADES) - 1)] for n in line[::6]))


if __name__ == '__main__':
    main()
