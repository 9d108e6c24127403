"""logging: a tree of loggers with handlers, formatters and filters; many records are dropped by their level."""

import io
import logging


class Quiet(logging.Filter):
    def filter(self, record):
        return 'noise' not in record.getMessage()


class Counting(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.counts = {}

    def emit(self, record):
        key = record.levelname, record.name
        self.counts[key] = self.counts.get(key, 0) + 1


def main():
    out = io.StringIO()
    root = logging.getLogger('bench')
    root.propagate = False
    root.setLevel(logging.INFO)
    stream = logging.StreamHandler(out)
    stream.setFormatter(logging.Formatter('%(levelname)-8s %(name)s:%(funcName)s %(message)s'))
    stream.addFilter(Quiet())
    counting = Counting()
    root.handlers = [stream, counting]
    children = [root.getChild(f'part{i}.inner') for i in range(5)]
    for i in range(6000):
        log = children[i % 5]
        log.debug('step %d of %s', i, children)
        log.info('request %d took %.3f ms', i, i / 7)
        log.debug('not seen %r', log)
        if i % 10 == 0:
            log.warning('noise %d', i)
        if i % 50 == 0:
            try:
                [][i]
            except IndexError:
                log.exception('failed at %(place)s', {'place': i})
    for i in range(40_000):
        children[i % 5].debug('never formatted %s', i)
        children[i % 5].isEnabledFor(logging.INFO)
    text = out.getvalue()
    return text.count('\n'), text.splitlines()[1], sorted(counting.counts.items())
