"""What talks to the operating system: sockets, threads, processes, compression, marshal, abstract classes."""

import _queue
import abc
import array
import binascii
import bz2
import collections.abc
import contextvars
import faulthandler
import lzma
import marshal
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import asyncio
from concurrent import interpreters


def shown(function, *args, **kwargs):
    """Prints what a call gives or raises."""
    try:
        print(function.__name__, function(*args, **kwargs))
    except Exception as error:
        print(function.__name__, type(error).__name__, error)


# Messages with ancillary data carry descriptors.
left, right = socket.socketpair()
reader, writer = os.pipe()
print(left.sendmsg([b'ab', b'c'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [writer]))]))
data, ancillary, flags, address = right.recvmsg(10, socket.CMSG_SPACE(4))
received = array.array('i', ancillary[0][2])[0]
os.write(received, b'through')
print(data, len(ancillary), flags, address, os.read(reader, 10))
for fd in reader, writer, received:
    os.close(fd)
shown(left.sendmsg, 1)
shown(right.recvmsg, -1)
shown(right.recvmsg_into, [b''])
left.close()
right.close()
shown(socket.htons, -1)
shown(socket.htons, 1 << 16)
shown(socket.getservbyname, 'no such service')
shown(socket.getnameinfo, ('127.0.0.1', 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)

# Threads wait at a queue.
queue = _queue.SimpleQueue()
shown(queue.get, False)
shown(queue.get, timeout=-1)
results = []
threads = [threading.Thread(target=lambda: results.append(queue.get())) for _ in range(8)]
for thread in threads:
    thread.start()
for i in range(8):
    queue.put(i)
for thread in threads:
    thread.join()
print(sorted(results), queue.empty())

# Frames of other threads.
gate, ready = threading.Event(), threading.Event()


def waits():
    ready.set()
    gate.wait()


thread = threading.Thread(target=waits)
thread.start()
ready.wait()
frame = sys._current_frames()[thread.ident]
names = set()
while frame:
    names.add(frame.f_code.co_name)
    frame = frame.f_back
print('waits' in names, 'run' in names)
gate.set()
thread.join()

with tempfile.TemporaryFile() as file:
    faulthandler.dump_traceback(file, all_threads=False)
    file.seek(0)
    print(file.readline(), b'in <module>' in file.read())

# Processes and streams of asyncio.
print(subprocess.run(['cat'], input=b'through a pipe', capture_output=True).stdout)


async def echo():
    async def serve(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, '127.0.0.1', 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b'hello\n')
    line = await reader.read()
    writer.close()
    server.close()
    process = await asyncio.create_subprocess_exec('cat', stdin=-1, stdout=-1)
    out, _ = await process.communicate(b'asynchronous')
    return line, out, process.returncode


print(asyncio.run(echo()))

# Compression.
text = b'the same again and again ' * 500
for module in bz2, lzma:
    packed = module.compress(text)
    print(module.__name__, len(packed) < 500, module.decompress(packed) == text)
    shown(module.decompress, packed[:-1])
decompressor = lzma.LZMADecompressor()
packed = lzma.compress(text)
print(len(decompressor.decompress(packed, 10)), decompressor.needs_input, decompressor.check, decompressor.eof)
print(len(decompressor.decompress(b'')), decompressor.eof)
shown(decompressor.decompress, b'')
chain = [{'id': lzma.FILTER_DELTA, 'dist': 4}, {'id': lzma.FILTER_LZMA2, 'preset': 1}]
raw = lzma.compress(text, lzma.FORMAT_RAW, filters=chain)
print(lzma.decompress(raw, lzma.FORMAT_RAW, filters=chain) == text)
shown(lzma.LZMACompressor, filters=[{'id': 99}])
shown(lzma.LZMACompressor, 99)

# Values that contain themselves.
values = []
values.append(values)
again = marshal.loads(marshal.dumps(values))
print(again[0] is again)
pair = ([],)
pair[0].append(pair)
again = marshal.loads(marshal.dumps(pair))
print(again[0][0] is again)
shown(marshal.dumps, values, 2)
shown(marshal.loads, b'l\x02\x00\x00\x00\x00\x00\x00\x00')
print(marshal.loads(marshal.dumps(slice(1, None, 2))), marshal.dumps((1, 'a'), 2), marshal.dumps(1.5, 1))


# Abstract classes.
class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...

    @classmethod
    def __subclasshook__(cls, other):
        return True if hasattr(other, 'extent') else NotImplemented


class Extended:
    extent = 1


class Registered: ...


shown(Shape)
print(isinstance(Extended(), Shape), isinstance(Registered(), Shape))
print(Shape.register(Registered).__name__, isinstance(Registered(), Shape), isinstance(1, Shape))
match array.array('i', [1, 2]):
    case [one, two]:
        print('a sequence', one, two)
print(isinstance(array.array('b'), collections.abc.MutableSequence))

# Contexts, base64.
variable = contextvars.ContextVar('variable')
context = contextvars.Context()
context.run(variable.set, 1)
print(context == context.copy(), context == contextvars.Context(), context != 1)
shown(contextvars.Context, 1)
for text in b'ab===', b'abc=d', b'ab=c=', b'=':
    shown(binascii.a2b_base64, text, strict_mode=True)

# Scripts that debuggers hand over.
with tempfile.TemporaryDirectory() as folder:
    script = os.path.join(folder, 'script.py')
    with open(script, 'w') as file:
        file.write('print("handed over", sorted(globals()))')
    sys.remote_exec(os.getpid(), script)
    for turn in range(3):
        pass
    shown(sys.remote_exec, os.getpid(), os.path.join(folder, 'none.py'))
shown(sys.remote_exec, os.getpid(), 'a\0b')
shown(sys.remote_exec, os.getpid(), None)

# Further interpreters: what passes between them is copied, and each has its own modules.
other = interpreters.create()
print(other.call(len, 'abc'), other.call(max, 1, [2, 3][0]), other.is_running(), interpreters.get_current() == other)
shown(other.exec, '1/0')
queue = interpreters.create_queue()
other.prepare_main(queue=queue, number=7)
other.exec('import sys; sys.own = 1; queue.put((number, [number], __name__))')
print(queue.get(), hasattr(sys, 'own'), queue.qsize())
shown(other.call, lambda: queue)
other.close()
shown(other.exec, 'pass')
print(len(interpreters.list_all()))

# The handlers of signals are the main thread's alone until there is another one; that one sees what is set before and later.
seen = []
first, second = (lambda number, frame: seen.append('first')), (lambda number, frame: seen.append('second'))
signal.signal(signal.SIGUSR1, first)
signal.raise_signal(signal.SIGUSR1)
for handler in first, second:
    signal.signal(signal.SIGUSR1, handler)
    asking = threading.Thread(target=lambda: seen.append(signal.getsignal(signal.SIGUSR1) is handler))
    asking.start()
    asking.join()
signal.raise_signal(signal.SIGUSR1)
print(seen)
