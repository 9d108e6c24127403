"""The table of results, and whether anything that the record says passes no longer does."""


class Outcome:
    """A module's results against its record (as it was before the run)."""

    def __init__(self, name, record, events, seconds):
        self.name, self.events, self.seconds = name, events, seconds
        chosen = record.chosen & set(record.marks)
        kinds = {method: events.outcome(method) for method in chosen}
        self.apart = sum(kind == 'apart' for kind in kinds.values())
        self.of = len(chosen) - self.apart
        self.passed = sum(kind == 'pass' for kind in kinds.values())
        self.failing = {method: kind for method, kind in sorted(kinds.items()) if kind not in ('pass', 'apart')}
        before = record.passing() & chosen
        self.regressed = sorted(method for method in before if kinds[method] not in ('pass', 'apart'))
        self.new = sum(kinds[method] == 'pass' and record.marks[method] != '+' for method in chosen)
        self.bad_ends = [kind for kind in kinds.values() if kind in ('crash', 'hang')]
        if not self.bad_ends and events.module[0] in ('crash', 'hang'):
            self.bad_ends = [events.module[0]]

    def line(self):
        remarks = [] if self.of or self.apart else ['nothing recorded']
        if self.events.module[0]:
            remarks.append(f'module: {self.events.module[0]}: {self.events.module[1]}')
        for kind in ('crash', 'hang'):
            if count := self.bad_ends.count(kind):
                remarks.append(f'{count} {kind}')
        if self.regressed:
            remarks.append(f'{len(self.regressed)} REGRESSED')
        share = f'{100 * self.passed / self.of:.1f}%' if self.of else '-'
        return f'{self.name:28} {self.passed:6} {self.of:6} {share:>7} {self.apart:6} {self.new:5} {self.seconds:7.1f}  {", ".join(remarks)}'


def print_table(outcomes, options):
    """Prints it, and gives the command's status: 1 if something regressed."""
    print(f'{"module":28} {"passed":>6} {"of":>6} {"":7} {"apart":>6} {"new":>5} {"seconds":>7}')
    for outcome in sorted(outcomes, key=lambda outcome: outcome.name):
        print(outcome.line())
        if options.failures:
            for method, kind in outcome.failing.items():
                print(f'    {kind:8} {method}: {outcome.events.reason(method)}')
    passed, of = (sum(getattr(outcome, part) for outcome in outcomes) for part in ('passed', 'of'))
    whole = sum(outcome.passed == outcome.of for outcome in outcomes)
    share = f'{100 * passed / of:.2f}%' if of else '-'
    bad_ends = sum(len(outcome.bad_ends) for outcome in outcomes)
    print(f'{len(outcomes)} modules, {whole} whole: {passed} of {of} methods pass ({share}), {bad_ends} crashes and hangs')
    regressed = [f'{outcome.name}: {method}' for outcome in outcomes for method in outcome.regressed]
    if regressed and not options.reference:
        print(f'\n{len(regressed)} passed before (see target/conformance/MODULE.log):', *regressed, sep='\n  ')
    return 1 if regressed and not options.update and not options.reference else 0
