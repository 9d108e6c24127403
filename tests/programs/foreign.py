"""Data, libraries, calls and callbacks of ctypes."""
import ctypes
from ctypes import *
import ctypes.util
libc = CDLL(None, use_errno=True)
print(libc.abs(-5), libc.strlen(b'hello'))
libm = CDLL('libm.so.6'); libm.sqrt.restype = c_double; libm.sqrt.argtypes = [c_double]; print(libm.sqrt(2))
CMP = CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int))
arr = (c_int*5)(5,1,4,2,3)
libc.qsort(arr, len(arr), sizeof(c_int), CMP(lambda a,b: a[0]-b[0]))
print(list(arr), arr[1:3])
class P(Structure):
    _fields_=[('x',c_int),('y',c_double),('name',c_char*8),('p',c_char_p)]
p=P(1,2.5,b'abc',b'xyz'); print(p.x,p.y,p.name,p.p,sizeof(P),P.y, P.name.offset)
class D(Structure): _fields_=[('quot',c_int),('rem',c_int)]
libc.div.restype=D; d=libc.div(17,5); print(d.quot,d.rem)
b=create_string_buffer(b'hi',10); print(b.value,b.raw,len(b)); libc.sprintf(b,b'%d-%s-%.1f',c_int(3),b'z',c_double(1.5)); print(b.value)
print(string_at(b), cast(b, c_char_p).value, cast(arr, POINTER(c_int))[2])
i=c_int(42); q=pointer(i); q.contents.value=7; print(i, q[0], bool(q), bool(POINTER(c_int)()))
print(c_void_p(5), c_bool(3), c_wchar('é'), c_float(1.5), c_short(70000))
class U(Union): _fields_=[('i',c_uint32),('b',c_uint8*4)]
u=U(0x01020304); print(list(u.b), sizeof(U))
class BF(Structure): _fields_=[('a',c_int,3),('b',c_int,5),('c',c_uint,24)]
f=BF(1,-2,77); print(f.a,f.b,f.c,sizeof(BF),BF.b)
libc.close.restype=c_int; print(libc.close(-1), get_errno())
class BE(BigEndianStructure): _fields_=[('v',c_uint16),('w',c_uint32)]
print(bytes(BE(1,2)))
try: libm.sqrt('x')
except ArgumentError as e: print(e)
print(memoryview(arr).format, memoryview(arr).shape, bytes(arr)[:8], memoryview(p).format)
ba=bytearray(8); n=c_uint64.from_buffer(ba); n.value=513; print(ba)
w=create_unicode_buffer('héllo'); print(w.value, wstring_at(w,2), sizeof(w))
print((c_int*3).__name__, POINTER(c_int).__name__, c_int.from_buffer_copy(b'\1\0\0\0'), c_int*3 is c_int*3)
print(libc.nosuch if hasattr(libc,'nosuch') else 'none')
try: CDLL('nosuch.so')
except OSError as e: print(type(e).__name__)
memset(b, 65, 3); print(b.value); memmove(b, b'QQ', 2); print(b.value)
print(py_object([1,2]), py_object([1]).value)
libc.snprintf.argtypes=[c_char_p,c_size_t,c_char_p]; print(libc.snprintf(b, 10, b'%d %f', 5, c_double(2)), b.value)
print(c_longdouble(1.25), c_longdouble(-1e300).value, c_longdouble(0).value, c_longdouble(float('-inf')).value)
add = CFUNCTYPE(c_longdouble, c_longdouble, c_float)(lambda a, b: a + b)
print(add(1.5, 2.25))
inner = CFUNCTYPE(c_short, c_byte)(lambda n: n * 2)
outer = CFUNCTYPE(c_short, c_short)(lambda n: inner(n) - 1)
print(outer(-3), outer(50))

# A callback that fails gives zero, and one sees the errno of the code around it.
@CFUNCTYPE(c_void_p, c_int)
def failing(n): raise ValueError(n)
import sys
hook, sys.unraisablehook = sys.unraisablehook, lambda args: print('unraisable', type(args.exc_value).__name__, args.exc_value)
print(failing(3), CFUNCTYPE(c_double)(lambda: None)())
sys.unraisablehook = hook
@CFUNCTYPE(c_int, use_errno=True)
def errno_of_callback():
    seen = get_errno()
    set_errno(77)
    return seen
call = CFUNCTYPE(c_int, use_errno=True)(cast(errno_of_callback, c_void_p).value)
set_errno(55); print(call(), get_errno())

# A callback whose function refers to what has it isn't kept for ever.
import gc, weakref
class Owner:
    def __init__(self): self.callback = CFUNCTYPE(None)(self.method)
    def method(self): pass
owner = Owner(); gone = weakref.ref(owner); owner.callback(); del owner; gc.collect(); print(gone())

# What holds no address can be pickled, whatever its fields are called.
import pickle
class Vector(Structure): _fields_ = [('x', c_int), ('P', c_int), ('z', c_int)]
v = pickle.loads(pickle.dumps(Vector(1, 2, 3))); print(v.x, v.P, v.z)
class Holder(Structure): _fields_ = [('inner', POINTER(c_int) * 2)]
try: pickle.dumps(Holder())
except ValueError as e: print(e)
class Large(Structure): _fields_ = [('data', c_char * (1 << 30)), ('end', c_int)]
print(sizeof(Large), Large.end.offset)

# Memory that has been resized stays for those who know it.
b = (c_int * 2)(1, 2); view = memoryview(b)
resize(b, 64); print(sizeof(b), list(b), bytes(view)[:8]); resize(b, 16); print(sizeof(b), list(b))

# Threads that store addresses in one array.
import threading
strings = (c_char_p * 8)()
def fill(n):
    for i in range(300): strings[n] = b'%d of %d' % (i, n); strings[0] = b'all %d' % n
threads = [threading.Thread(target=fill, args=(n,)) for n in range(1, 5)]
for t in threads: t.start()
for t in threads: t.join()
print([s.split()[-1] for s in strings[1:5]], strings[0][:3], sorted(strings._objects))
objects = (py_object * 1)()
def refer(value):
    for _ in range(300): objects[0] = value; assert objects[0] in ('one', 'two')
threads = [threading.Thread(target=refer, args=(value,)) for value in ('one', 'two')]
for t in threads: t.start()
for t in threads: t.join()
print(objects[0] in ('one', 'two'))

import ctypes.wintypes
truth = ctypes.wintypes.VARIANT_BOOL([1]); print(truth, bytes(truth), memoryview(truth).format, ctypes.wintypes.DWORD(5))
