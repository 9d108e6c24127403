"""Renders pages with Jinja2, a template engine from PyPI, in several threads.

    orochi examples/templates.py [THREADS]

The packages are pure Python. `examples/fetch-packages` unpacks their wheels into examples/packages.
"""

import os
import sys
import threading

from _speedup import compare, thread_count

PACKAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'packages')
sys.path.insert(0, PACKAGES)

try:
    import jinja2
except ImportError:
    sys.exit(f'Jinja2 is not in {PACKAGES}: run examples/fetch-packages first')

PAGE = """<!doctype html>
<title>{{ title }}</title>
<ul>
{%- for product in products if product.stock > 0 %}
  <li class="{{ loop.cycle('odd', 'even') }}">{{ loop.index }}. {{ product.name|title|escape }}:
    {{ '%.2f'|format(product.price) }}{% if product.price > 50 %} <b>premium</b>{% endif %}
    {%- for tag in product.tags %} <i>{{ tag|upper }}</i>{% endfor %}</li>
{%- else %}
  <li>nothing</li>
{%- endfor %}
</ul>
"""


class Product:
    def __init__(self, i):
        self.name = f'product <{i}>'
        self.price = i * 7 % 97 + 0.5
        self.stock = i % 5
        self.tags = [f'tag{j}' for j in range(i % 4)]


def main():
    template = jinja2.Environment(autoescape=True).from_string(PAGE)
    products = [Product(i) for i in range(150)]
    pages = 600

    def render(n):
        sizes = [0] * n

        def work(i):
            for page in range(i, pages, n):
                sizes[i] += len(template.render(title=f'Page {page}', products=products))

        threads = [threading.Thread(target=work, args=(i,)) for i in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(sizes)

    _, size = compare(render, thread_count())
    print(f'{pages} pages, {size:,} characters')


if __name__ == '__main__':
    main()
