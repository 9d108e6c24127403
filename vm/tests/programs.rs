//! Runs small Python programs with a `print` that collects what it is given, and compares.

use orochi_core::thread::process_runtime;
use orochi_core::{Thread, Value};
use orochi_macros::pyfunction;
use orochi_objects::args::ArgSlice;
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
    let function = native_function::new(thread, &__def_print, None, None)?;
    builtins.set_str(thread, str::intern(thread, "print")?, function)?;
    for class in orochi_objects::types::exception::ALL {
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
