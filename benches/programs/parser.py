"""A recursive-descent parser for a small language, and an evaluator of its trees."""


class Token:
    __slots__ = ('kind', 'text', 'line')

    def __init__(self, kind, text, line):
        self.kind, self.text, self.line = kind, text, line


def tokens(source):
    place, line, size = 0, 1, len(source)
    while place < size:
        character = source[place]
        if character == '\n':
            line += 1
            place += 1
        elif character.isspace():
            place += 1
        elif character.isdigit():
            end = place
            while end < size and (source[end].isdigit() or source[end] == '.'):
                end += 1
            yield Token('number', source[place:end], line)
            place = end
        elif character.isalpha() or character == '_':
            end = place
            while end < size and (source[end].isalnum() or source[end] == '_'):
                end += 1
            word = source[place:end]
            yield Token('keyword' if word in ('let', 'print', 'if', 'else') else 'name', word, line)
            place = end
        else:
            two = source[place:place + 2]
            text = two if two in ('<=', '>=', '==', '!=', '**') else character
            yield Token('operator', text, line)
            place += len(text)
    yield Token('end', '', line)


LEVELS = [('==', '!=', '<', '>', '<=', '>='), ('+', '-'), ('*', '/', '%')]


class Parser:
    def __init__(self, source):
        self.tokens = tokens(source)
        self.token = next(self.tokens)

    def advance(self):
        token = self.token
        if token.kind != 'end':
            self.token = next(self.tokens)
        return token

    def accept(self, text):
        if self.token.text == text:
            self.advance()
            return True
        return False

    def expect(self, text):
        if not self.accept(text):
            raise SyntaxError(f'line {self.token.line}: expected {text!r}, found {self.token.text!r}')

    def program(self):
        statements = []
        while self.token.kind != 'end':
            statements.append(self.statement())
        return 'block', statements

    def block(self):
        self.expect('{')
        statements = []
        while not self.accept('}'):
            statements.append(self.statement())
        return 'block', statements

    def statement(self):
        if self.accept('let'):
            name = self.advance().text
            self.expect('=')
            value = self.expression()
            self.expect(';')
            return 'let', name, value
        if self.accept('print'):
            value = self.expression()
            self.expect(';')
            return 'print', value
        self.expect('if')
        condition = self.expression()
        yes = self.block()
        no = self.block() if self.accept('else') else ('block', [])
        return 'if', condition, yes, no

    def expression(self, level=0):
        if level == len(LEVELS):
            return self.power()
        left = self.expression(level + 1)
        while self.token.text in LEVELS[level]:
            operator = self.advance().text
            left = 'binary', operator, left, self.expression(level + 1)
        return left

    def power(self):
        base = self.atom()
        if self.accept('**'):
            return 'binary', '**', base, self.power()
        return base

    def atom(self):
        token = self.advance()
        if token.kind == 'number':
            return 'number', float(token.text) if '.' in token.text else int(token.text)
        if token.kind == 'name':
            return 'name', token.text
        if token.text == '-':
            return 'negative', self.atom()
        if token.text != '(':
            raise SyntaxError(f'line {token.line}: unexpected {token.text!r}')
        inner = self.expression()
        self.expect(')')
        return inner


OPERATIONS = {
    '+': lambda a, b: a + b, '-': lambda a, b: a - b, '*': lambda a, b: a * b, '/': lambda a, b: a / b,
    '%': lambda a, b: a % b, '**': lambda a, b: a ** b, '<': lambda a, b: a < b, '>': lambda a, b: a > b,
    '<=': lambda a, b: a <= b, '>=': lambda a, b: a >= b, '==': lambda a, b: a == b, '!=': lambda a, b: a != b,
}


class Evaluator:
    def __init__(self):
        self.names = {}
        self.output = []

    def run(self, node):
        return getattr(self, 'do_' + node[0])(*node[1:])

    def do_block(self, statements):
        for statement in statements:
            self.run(statement)

    def do_let(self, name, value):
        self.names[name] = self.run(value)

    def do_print(self, value):
        self.output.append(self.run(value))

    def do_if(self, condition, yes, no):
        self.run(yes if self.run(condition) else no)

    def do_binary(self, operator, left, right):
        return OPERATIONS[operator](self.run(left), self.run(right))

    def do_negative(self, value):
        return -self.run(value)

    def do_number(self, value):
        return value

    def do_name(self, name):
        return self.names[name]


PART = '''
let total_{i} = (3 + {i}) * 2 ** 3 - 17 % 5 + {i} / 4.0;
if total_{i} > 40 {{
    let over = total_{i} - (40 * 1) + -{i};
    print over * 2;
}} else {{
    let under = 40 - total_{i};
    print under <= 16 == 1;
}}
'''


def main():
    source = ''.join(PART.format(i=i) for i in range(600))
    tree = Parser(source).program()
    evaluator = Evaluator()
    for _ in range(8):
        evaluator.run(tree)
    return len(evaluator.output), evaluator.output[:4], sum(evaluator.output)
