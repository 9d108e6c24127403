"""One module of tests in processes of its own: started again after a crash or a hang, from the method after it."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOGS = HERE.parent / 'target/conformance'
BAD_ENDS = 12  # crashes and hangs of one module after which the rest of it isn't tried


@dataclass
class Limits:
    """Seconds that a module and one method of it may take."""
    module: float
    method: float


@dataclass
class Events:
    """What the driver wrote: the outcome and its reason by method, and of the module as a whole if it isn't loadable."""
    outcomes: dict = field(default_factory=dict)
    module: tuple = ('', '')
    started: str = ''
    ended: bool = False

    def read(self, path):
        text = path.read_text(encoding='utf-8', errors='replace') if path.exists() else ''
        self.started, self.ended = '', False
        for line in text.splitlines():
            kind, *parts = line.split('\t')
            if kind == 'start':
                self.started = parts[0]
            elif kind == 'end':
                self.ended = True
            elif kind == 'module':
                self.module = (parts[0], parts[1])
            elif len(parts) == 2:
                self.started = ''
                self.outcomes[parts[0]] = (kind, parts[1])

    def outcome(self, method):
        """What became of a method; one that never ran takes after the set-up of its class or module."""
        if method in self.outcomes:
            return self.outcomes[method][0]
        if self.module[0]:
            return self.module[0]
        group = method.rpartition('.')[0]
        for name, (kind, _) in self.outcomes.items():
            if name.startswith('setUpClass (') and name.endswith(f'.{group})') or name.startswith('setUpModule ('):
                return kind
        return 'missing'

    def reason(self, method):
        return self.outcomes[method][1] if method in self.outcomes else self.module[1]


def end_of(process, path, deadline, limits):
    """Waits for a process; how it ended: its status, or 'hang'. Only what the process writes counts as progress."""
    size, progress = -1, time.monotonic()
    while True:
        try:
            return process.wait(0.2)
        except subprocess.TimeoutExpired:
            pass
        now, new = time.monotonic(), path.stat().st_size if path.exists() else 0
        if new != size:
            size, progress = new, now
        if now > deadline or now - progress > limits.method:
            return 'hang'


def kill(process):
    """The whole group, since tests start processes of their own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def describe(status):
    if status == 'hang':
        return 'no end within its time'
    if status < 0:
        return f'killed by {signal.Signals(-status).name}'
    return f'the process ended with status {status}'


def run_module(command, name, limits, environment, only=None, label=''):
    """Runs a module (or the methods `only` of it) and gives the Events."""
    LOGS.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f'conformance-{name}-'))
    try:
        with open(LOGS / f'{name}{label and "." + label}.log', 'w') as log:
            return run_in(folder, command, name, limits, environment, only, log)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_in(folder, command, name, limits, environment, only, log):
    events = Events()
    path, finished, wanted, work = (folder / part for part in ('events', 'finished', 'only', 'work'))
    arguments = [name, path, finished]
    if only is not None:
        wanted.write_text('\n'.join(only), encoding='utf-8')
        arguments.append(wanted)
    deadline = time.monotonic() + limits.module
    for _ in range(BAD_ENDS):
        finished.write_text('\n'.join(events.outcomes), encoding='utf-8')
        work.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [*command, str(HERE / 'driver.py'), *map(str, arguments)], cwd=work, env=environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        status = end_of(process, path, deadline, limits)
        kill(process)
        events.read(path)
        if events.ended:
            break
        log.write(f'\n*** {events.started or "(no method)"}: {describe(status)}\n')
        log.flush()
        kind = 'hang' if status == 'hang' else 'crash'
        if not events.started:
            events.module = (kind, describe(status)) if not events.outcomes else events.module
            break
        events.outcomes[events.started] = (kind, describe(status))
        with path.open('a', encoding='utf-8') as file:
            file.write(f'{kind}\t{events.started}\t{describe(status)}\n')
        if time.monotonic() > deadline:
            break
    return events
