"""A virtual machine written in Python: an assembler, and a loop that fetches, decodes and executes."""

PROGRAM = '''
        push 0
        store total
        push 2
        store n
next:   load n
        push LIMIT
        less
        jumpz done
        push 2
        store d
try:    load d
        dup
        mul
        load n
        less1
        jumpz prime
        load n
        load d
        mod
        jumpz composite
        load d
        push 1
        add
        store d
        jump try
prime:  load total
        load n
        add
        store total
composite: load n
        push 1
        add
        store n
        jump next
done:   load total
        halt
'''


class Machine:
    def __init__(self, source, **constants):
        self.names, self.labels, self.code = {}, {}, []
        lines = [line for line in source.splitlines() if line.strip()]
        for place, line in enumerate(lines):
            label, colon, rest = line.partition(':')
            if colon:
                self.labels[label.strip()] = place
                line = rest
            operation, *operands = line.split()
            self.code.append((operation, operands[0] if operands else None))
        self.constants = constants
        self.code = [(operation, self.resolve(operation, operand)) for operation, operand in self.code]
        self.memory = [0] * len(self.names)
        self.steps = 0

    def resolve(self, operation, operand):
        if operand is None:
            return 0
        if operation in ('load', 'store'):
            return self.names.setdefault(operand, len(self.names))
        if operation == 'push':
            return self.constants[operand] if operand in self.constants else int(operand)
        return self.labels[operand]

    def run(self):
        place, stack, memory, code = 0, [], self.memory, self.code
        push, pop = stack.append, stack.pop
        steps = 0
        while True:
            operation, operand = code[place]
            place += 1
            steps += 1
            match operation:
                case 'load':
                    push(memory[operand])
                case 'push':
                    push(operand)
                case 'store':
                    memory[operand] = pop()
                case 'dup':
                    push(stack[-1])
                case 'add':
                    push(pop() + pop())
                case 'mul':
                    push(pop() * pop())
                case 'mod':
                    right = pop()
                    push(pop() % right)
                case 'less':
                    right = pop()
                    push(pop() < right)
                case 'less1':
                    right = pop()
                    push(pop() <= right)
                case 'jumpz':
                    if not pop():
                        place = operand
                case 'jump':
                    place = operand
                case 'halt':
                    self.steps = steps
                    return pop()


def main():
    machine = Machine(PROGRAM, LIMIT=4500)
    return machine.run(), machine.steps
