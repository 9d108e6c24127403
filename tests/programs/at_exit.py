"""What is finalized when a program ends: what its module keeps, cycles, suspended generators."""
import weakref


class Told:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print('end of', self.name)


class Plain:
    pass


def generate():
    try:
        yield 1
    finally:
        print('generator closed')


kept = Told('what the module keeps')
cycle = Told('a cycle')
cycle.itself = cycle


def function_that_keeps():
    return kept


plain = Plain()
plain.itself = plain
reference = weakref.ref(plain, lambda _: print('never called: it dies with its referent'))
finalizer = weakref.finalize(plain, print, 'finalize')
generator = generate()
next(generator)
held = [generator]
held.append(held)
