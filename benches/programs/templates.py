"""A template engine: templates become Python functions, which render pages."""

import re

PART = re.compile(r'(\{\{.*?\}\}|\{%.*?%\})', re.DOTALL)


def escape(value):
    text = str(value)
    return text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;').replace('"', '&quot;')


FILTERS = {'upper': str.upper, 'title': str.title, 'length': len, 'money': '{:,.2f}'.format, 'escape': escape}


class Writer:
    def __init__(self):
        self.lines = []
        self.depth = 1

    def add(self, line):
        self.lines.append('    ' * self.depth + line)


class Expressions:
    """Dots look up keys first and attributes then; bars apply filters."""

    def __init__(self):
        self.locals = set()

    def translate(self, text):
        text, *filters = [part.strip() for part in text.split('|')]
        first, *rest = text.split('.')
        code = first if first in self.locals else f'context[{first!r}]'
        for name in rest:
            code = f'look_up({code}, {name!r})'
        for name in filters:
            code = f'filters[{name!r}]({code})'
        return code


def look_up(value, name):
    try:
        return value[name]
    except (KeyError, TypeError):
        attribute = getattr(value, name)
        return attribute() if callable(attribute) else attribute


def compile_template(source):
    writer, expressions = Writer(), Expressions()
    writer.add('out = []')
    writer.add('write = out.append')
    for part in PART.split(source):
        if part.startswith('{{'):
            writer.add(f'write(escape({expressions.translate(part[2:-2].strip())}))')
        elif part.startswith('{%'):
            words = part[2:-2].split()
            if words[0] == 'for':
                expressions.locals.add(words[1])
                writer.add(f'for {words[1]} in {expressions.translate(words[3])}:')
                writer.depth += 1
            elif words[0] == 'if':
                writer.add(f'if {expressions.translate(words[1])}:')
                writer.depth += 1
            elif words[0] == 'else':
                writer.depth -= 1
                writer.add('else:')
                writer.depth += 1
            else:
                writer.depth -= 1
        elif part:
            writer.add(f'write({part!r})')
    writer.add("return ''.join(out)")
    namespace = {'escape': escape, 'filters': FILTERS, 'look_up': look_up}
    exec('def render(context):\n' + '\n'.join(writer.lines), namespace)
    return namespace['render']


class Product:
    def __init__(self, name, price, tags):
        self.name, self.price, self.tags = name, price, tags

    def cheap(self):
        return self.price < 20


PAGE = '''<html>
<head><title>{{ title | upper }}</title></head>
<body>
<h1>{{ title | title }}</h1>
<ul>
{% for product in products %}
  <li class="{% if product.cheap %}cheap{% else %}dear{% endif %}">
    <b>{{ product.name }}</b>: {{ product.price | money }}
    {% for tag in product.tags %}<i>{{ tag }}</i> {% endfor %}
    {% if user.admin %}<a href="/edit/{{ product.name }}">edit</a>{% endif %}
  </li>
{% endfor %}
</ul>
<p>{{ products | length }} products for {{ user.name | escape }}.</p>
</body>
</html>
'''


def main():
    products = [Product(f'thing <{i}>', i * 1.7, [f'tag{j}' for j in range(i % 4)]) for i in range(150)]
    size = 0
    for i in range(60):
        render = compile_template(PAGE)
        for user in ({'name': 'Ann & Bob', 'admin': True}, {'name': 'Cy', 'admin': False}):
            text = render({'title': f'shop number {i}', 'products': products, 'user': user})
            size += len(text)
    return size, text.count('cheap'), text.splitlines()[1]
