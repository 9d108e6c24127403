//! Runs small Python programs with a `print` that collects what it is given, and compares.

use orochi_core::thread::process_runtime;
use orochi_core::{Thread, Value};
use orochi_macros::pyfunction;
use orochi_objects::args::ArgSlice;
use orochi_objects::class::PyClass;
use orochi_objects::error::PyResult;
use orochi_objects::types::dict::DictExt;
use orochi_objects::types::{dict, native_function};
use orochi_objects::{protocol, str};
use orochi_vm::Interpreter;
use std::cell::RefCell;

thread_local! {
    static OUTPUT: RefCell<String> = const { RefCell::new(String::new()) };
}

#[pyfunction]
fn repr(thread: &mut Thread, object: orochi_core::Ref<'_>) -> PyResult {
    protocol::repr(thread, object)
}

#[pyfunction]
#[signature(*args)]
fn print(thread: &mut Thread, args: ArgSlice<'_>) -> PyResult<()> {
    let mut line = Vec::new();
    for arg in args.iter() {
        let text = protocol::str(thread, arg)?;
        line.push(str::display(text.get()));
    }
    OUTPUT.with_borrow_mut(|output| {
        output.push_str(&line.join(" "));
        output.push('\n');
    });
    Ok(())
}

fn describe(thread: &mut Thread, exception: &Value) -> String {
    let text = protocol::str(thread, exception.get()).map(|text| str::display(text.get()));
    format!("{}: {}", orochi_objects::class_of(exception.get()).name(), text.unwrap_or_default())
}

/// What the program prints, and how it ended if it raised.
fn run(source: &str) -> String {
    OUTPUT.with_borrow_mut(String::clear);
    let mut thread = Thread::spawn_here(process_runtime(), lowest_address()).expect("memory");
    let result = run_on(&mut thread, source);
    if let Err(error) = result {
        let exception = error.into_value(&mut thread);
        let text = describe(&mut thread, &exception);
        OUTPUT.with_borrow_mut(|output| output.push_str(&text));
    }
    orochi_objects::thread::ThreadState::detach(&thread);
    OUTPUT.with_borrow(String::clone)
}

/// Test threads have 2 MiB of stack.
fn lowest_address() -> usize {
    let here = 0u8;
    (&raw const here as usize).saturating_sub(1 << 20)
}

fn run_on(thread: &mut Thread, source: &str) -> PyResult<()> {
    let interpreter = Interpreter::new(thread)?;
    let builtins = interpreter.builtins(thread)?;
    for function in [&__def_print, &__def_repr] {
        let object = native_function::new(thread, function, None, None)?;
        builtins.set_str(thread, str::intern(thread, function.name)?, object)?;
    }
    for class in orochi_objects::types::exception::ALL {
        builtins.set_str(thread, str::intern(thread, class.spec().name)?, class.get().to_value())?;
    }
    let classes = [
        orochi_objects::types::object::PyObject::static_type(),
        orochi_objects::types::r#type::PyType::static_type(),
        orochi_objects::types::list::PyList::static_type(),
        orochi_objects::types::str::PyStr::static_type(),
        orochi_objects::types::super_::PySuper::static_type(),
        orochi_objects::types::property::PyProperty::static_type(),
        orochi_objects::types::class_method::PyClassMethod::static_type(),
        orochi_objects::types::static_method::PyStaticMethod::static_type(),
    ];
    for class in classes {
        builtins.set_str(thread, str::intern(thread, class.spec().name)?, class.get().to_value())?;
    }
    let globals = dict::new(thread)?;
    let name = str::new(thread, "__main__")?;
    globals.set_str(thread, str::intern(thread, "__name__")?, name)?;
    interpreter.run_source(thread, source, "<test>", &globals)?;
    Ok(())
}

macro_rules! programs {
    ($($name:ident: $source:literal => $expected:literal;)*) => { $(
        #[test]
        fn $name() {
            assert_eq!(run($source), $expected);
        }
    )* };
}

programs! {
    addition: "print(1+1)" => "2\n";
    loops: "
i = 0
total = 0
while i < 1000:
    total += i
    i += 1
print(total)
" => "499500\n";
    functions: "
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)
print(fib(15))
def f(a, b=2, *args, c, d=4, **kw):
    print(a, b, args is not None, c, d)
f(1, c=3)
f(1, 5, 6, c=7, d=8, e=9)
def outer(x):
    def inner():
        nonlocal x
        x = x + 1
        return x
    return inner
g = outer(10)
print(g(), g())
" => "610\n1 2 True 3 4\n1 5 True 7 8\n11 12\n";
    wrong_calls: "
def f(a, b): pass
try:
    f(1)
except TypeError as e:
    print(e)
try:
    f(1, 2, 3)
except TypeError as e:
    print(e)
try:
    f(1, b=2, c=3)
except TypeError as e:
    print(e)
try:
    f(1, 2, a=3)
except TypeError as e:
    print(e)
" => "f() missing 1 required positional argument: 'b'\nf() takes 2 positional arguments but 3 were given\nf() got an unexpected keyword argument 'c'\nf() got multiple values for argument 'a'\n";
    exceptions: "
def f(x):
    try:
        if x == 1:
            raise ValueError('one')
        if x == 2:
            raise KeyError('two')
        return 'fine'
    except ValueError as e:
        return e
    finally:
        print('finally')
print(f(0))
print(f(1))
try:
    f(2)
except KeyError as e:
    print('caught')
try:
    try:
        raise ValueError('a')
    except ValueError as e:
        raise TypeError('b') from e
except TypeError as e:
    print(e)
" => "finally\nfine\nfinally\none\nfinally\ncaught\nb\n";
    generators: "
def count(n):
    i = 0
    while i < n:
        got = yield i
        if got is not None:
            print('got', got)
        i += 1
    return 'done'
for x in count(3):
    print(x)
g = count(5)
print(g.send(None))
print(g.send('hello'))
def delegate():
    result = yield from count(2)
    print(result)
for x in delegate():
    print(x)
def closing():
    try:
        yield 1
        yield 2
    finally:
        print('closed')
c = closing()
for x in c:
    break
c.close()
def bad():
    yield 1
    raise StopIteration('x')
try:
    for x in bad():
        pass
except RuntimeError as e:
    print(e)
" => "0\n1\n2\n0\ngot hello\n1\n0\n1\ndone\nclosed\ngenerator raised StopIteration\n";
    coroutines: "
async def inner(x):
    return x + 1
async def outer():
    a = await inner(1)
    b = await inner(a)
    return a, b
async def main():
    a, b = await outer()
    print(a, b)
c = main()
try:
    c.send(None)
except StopIteration:
    print('end')
async def agen():
    yield 1
    yield 2
async def use():
    async for x in agen():
        print(x)
c = use()
try:
    c.send(None)
except StopIteration:
    print('end')
" => "2 3\nend\n1\n2\nend\n";
    recursion: "
def f(n):
    return f(n + 1)
try:
    f(0)
except RecursionError as e:
    print(e)
" => "maximum recursion depth exceeded\n";
    classes: "
class A:
    x = 1
    def __init__(self, v):
        self.v = v
    def get(self):
        return self.v + self.x
    @property
    def twice(self):
        return self.v * 2
    @classmethod
    def make(cls, v):
        return cls(v)
    @staticmethod
    def st(v):
        return v
class B(A):
    def __init__(self, v, w=3):
        super().__init__(v)
        self.w = w
    def get(self):
        return super().get() + self.w
    def __add__(self, other):
        return B(self.v + other.v)
    def __getitem__(self, i):
        return i
a = A(5)
b = B(10)
print(a.get(), b.get(), b.twice, B.make(7).get(), A.st(4), (b + b).v, b[3])
a.v = 6
print(a.get(), a.v)
i = 0
while i < 5:
    a.v = i
    a.z = i
    i += 1
print(a.get(), a.z)
del a.z
try:
    a.z
except AttributeError as e:
    print(e)
class M(type):
    def __call__(cls, *args):
        return 'called'
class C(metaclass=M): pass
print(C(1))
class Bad:
    def __init__(self): return 3
try:
    Bad()
except TypeError as e:
    print(e)
" => "6 14 20 11 4 20 3\n7 6\n5 4\n'A' object has no attribute 'z'\ncalled\n__init__() should return None, not 'int'\n";
    with_statements: "
class CM:
    def __init__(self, swallow):
        self.swallow = swallow
    def __enter__(self):
        print('enter')
        return 5
    def __exit__(self, t, v, tb):
        print('exit', t is None, v)
        return self.swallow
with CM(False) as x:
    print(x)
with CM(True):
    raise ValueError('gone')
try:
    with CM(False):
        raise ValueError('k')
except ValueError:
    print('caught')
def f():
    with CM(False):
        return 'r'
print(f())
" => "enter\n5\nexit True None\nenter\nexit False gone\nenter\nexit False k\ncaught\nenter\nexit True None\nr\n";
    displays: "
a = [1, 2, 3]
b = [*a, 4]
c = (1, *b)
d = {'x': 1, **{'y': 2}}
s = {1, 2, 2}
print(a, b, c, d, s, a[1:], b[-1])
x, *y, z = c
print(x, y, z)
x, y = y[:2]
print(x, y)
print([i * 2 for i in a if i > 1], {i: i * i for i in a}, f'{a!r} {x:>3}|')
def f(*args, **kw):
    print(args, kw)
f(*a, 5, k=1, **d)
try:
    x, y = 1, 2, 3
except ValueError as e:
    print(e)
print(list(i for i in a))
" => "[1, 2, 3] [1, 2, 3, 4] (1, 1, 2, 3, 4) {'x': 1, 'y': 2} {1, 2} [2, 3] 4\n1 [1, 2, 3] 4\n1 2\n[4, 6] {1: 1, 2: 4, 3: 9} [1, 2, 3]   1|\n(1, 2, 3, 5) {'k': 1, 'x': 1, 'y': 2}\ntoo many values to unpack (expected 2, got 3)\n[1, 2, 3]\n";
    matching: "
class P:
    __match_args__ = ('x', 'y')
    def __init__(self, x, y):
        self.x = x
        self.y = y
def m(v):
    match v:
        case 1 | 2: return 'small'
        case [a, b, *rest]: return a, b, rest
        case {'k': k, **rest}: return k, rest
        case P(0, y=y): return 'p0', y
        case P(x, y): return x, y
        case str(s): return 'str', s
        case _: return 'other'
print(m(1), m([1, 2, 3]), m({'k': 1, 'z': 2}), m(P(0, 5)), m(P(3, 4)), m('q'), m(7.5))
" => "small (1, 2, [3]) (1, {'z': 2}) ('p0', 5) (3, 4) ('str', 'q') other\n";
    evaluation: "
x = 3
print(eval('x + 1'))
exec('y = x * 2')
print(y)
def f():
    z = 5
    return eval('z + 1'), locals()
print(f())
c = compile('a = 1', 'file', 'exec')
ns = {}
exec(c, ns)
print(ns['a'])
class C:
    q = 2
    exec('w = q + 1')
print(C.w)
" => "4\n6\n(6, {'z': 5})\n1\n3\n";
    handled: "
def gen():
    try:
        raise ValueError('in gen')
    except ValueError as e:
        yield 1
        try:
            raise
        except ValueError as e2:
            yield e2
try:
    raise KeyError('outer')
except KeyError as outer:
    g = gen()
    next_value = g.send(None)
    try:
        raise TypeError('t')
    except TypeError as e:
        print('t')
    print(g.send(None))
try:
    raise
except RuntimeError as e:
    print(e)
def f():
    try:
        1 / 0
    except ZeroDivisionError as e:
        raise ValueError('v')
try:
    f()
except ValueError as e:
    print(e)
" => "t\nin gen\nNo active exception to reraise\nv\n";
    finalizers: "
class F:
    def __del__(self):
        print('del')
def f():
    x = F()
    print('in f')
f()
print('after')
def g():
    x = F()
    del x
    print('end')
g()
" => "in f\ndel\nafter\ndel\nend\n";
    unbound: "
def f():
    if 0: x = 1
    return x
try:
    f()
except UnboundLocalError as e:
    print(e)
try:
    nothing
except NameError as e:
    print(e)
" => "cannot access local variable 'x' where it is not associated with a value\nname 'nothing' is not defined\n";
}
