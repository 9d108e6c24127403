"""Documents: HTML is parsed by html.parser, a tree of elements is written, built and searched, links and dates are taken apart."""

import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, urljoin, urlsplit


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.text, self.depth, self.deepest = [], [], 0, 0

    def handle_starttag(self, tag, attributes):
        if tag == 'a':
            self.links.append(dict(attributes).get('href'))
        if tag not in ('br', 'img'):
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)

    def handle_endtag(self, tag):
        self.depth -= 1

    def handle_data(self, data):
        if data.strip():
            self.text.append(data.strip())


class Tree(HTMLParser):
    def __init__(self):
        super().__init__()
        self.builder = ElementTree.TreeBuilder()

    def handle_starttag(self, tag, attributes):
        self.builder.start(tag, dict(attributes))

    def handle_endtag(self, tag):
        self.builder.end(tag)

    def handle_data(self, data):
        self.builder.data(data)


def page(n):
    rows = ''.join(
        f'<tr class="row"><td>{i}</td><td><a href="../show?id={i}&amp;name=caf%C3%A9+{i}">entry&nbsp;{i}</a><br></td></tr>\n'
        for i in range(n)
    )
    return f'<html><body><!-- list --><table>{rows}</table></body></html>'


def feed(n):
    root = ElementTree.Element('feed', {'version': '1.0'})
    start = datetime(2024, 2, 27, 12, 30)
    for i in range(n):
        entry = ElementTree.SubElement(root, 'entry', id=str(i))
        ElementTree.SubElement(entry, 'title').text = f'Title {i} & more'
        ElementTree.SubElement(entry, 'updated').text = (start + timedelta(hours=i * 7)).isoformat()
    return ElementTree.tostring(root, encoding='unicode')


def main():
    parser = Links()
    parser.feed(page(1200))
    parser.close()
    names = 0
    for link in parser.links:
        parts = urlsplit(urljoin('https://example.org/a/b/', link))
        names += len(parse_qs(parts.query)['name'][0]) + len(quote(parts.path))
    tree = Tree()
    tree.feed(feed(1500))
    root = tree.builder.close()
    days = {datetime.fromisoformat(entry.findtext('updated')).strftime('%Y-%m-%d') for entry in root.iter('entry')}
    found = [entry.get('id') for entry in root.findall("./entry[@id='77']")]
    return len(parser.links), parser.deepest, len(parser.text), names, len(days), max(days), found
