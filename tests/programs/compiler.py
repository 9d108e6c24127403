# Functions larger than the compiler's registers, and tracing. The same text as CPython's.
def check(name, src, run=None):
    try:
        c=compile(src,'<'+name+'>','exec')
        g={}
        exec(c,g)
        print(name,'ok',g.get('r') if not isinstance(g.get('r'),(list,tuple,dict)) else len(g['r']), )
    except BaseException as e:
        print(name,type(e).__name__,str(e)[:150])
N=300
check('locals', 'def f():\n'+''.join(f' a{i}={i}\n' for i in range(N))+' return sum([%s])'%','.join(f'a{i}' for i in range(N))+'\nr=f()')
check('params', 'def f(%s):\n return sum([%s])\nr=f(%s)'%(','.join(f'a{i}' for i in range(N)),','.join(f'a{i}' for i in range(N)),','.join(f'{i}' for i in range(N))))
check('kwparams', 'def f(*,%s):\n return sum([%s])\nr=f(%s)'%(','.join(f'a{i}' for i in range(N)),','.join(f'a{i}' for i in range(N)),','.join(f'a{i}={i}' for i in range(N))))
check('defparams', 'def f(%s):\n return sum([%s])\nr=f()'%(','.join(f'a{i}={i}' for i in range(N)),','.join(f'a{i}' for i in range(N))))
check('params1000', 'def f(%s):\n return sum([%s])\nr=f(%s)'%(','.join(f'a{i}' for i in range(1000)),','.join(f'a{i}' for i in range(1000)),','.join(f'{i}' for i in range(1000))))
check('cells', 'def f():\n'+''.join(f' a{i}={i}\n' for i in range(N))+' def g(): return sum([%s])\n return g()'%','.join(f'a{i}' for i in range(N))+'\nr=f()')
check('callargs', 'def f(*a,**k): return len(a)+len(k)\nr=f(%s)'%','.join(str(i)+'+0*f' if 0 else f'len(str({i}))' for i in range(500)))
check('callkw', 'def f(*a,**k): return len(a)+len(k)\nr=f(%s)'%','.join(f'k{i}=len(str({i}))' for i in range(500)))
check('callkw2', 'def f(*a,**k): return len(a)+len(k)\nr=f(%s,*[1,2],%s,**{"z":1},y=3)'%(','.join(f'len(str({i}))' for i in range(500)),','.join(f'k{i}=len(str({i}))' for i in range(500))))
check('method', 'class C:\n def f(self,*a,**k): return len(a)+len(k)\nr=C().f(%s)'%','.join(f'len(str({i}))' for i in range(500)))
check('list', 'x=1\nr=[%s]'%','.join(f'x+{i}' for i in range(20000)))
check('tuple', 'x=1\nr=(%s)'%','.join(f'x+{i}' for i in range(20000)))
check('dict', 'x=1\nr={%s}'%','.join(f'{i}:x+{i}' for i in range(20000)))
check('set', 'x=1\nr=len({%s})'%','.join(f'x+{i}' for i in range(20000)))
check('dictconst', 'r={%s}'%','.join(f'"k{i}":{i}' for i in range(70000)))
check('elif', 'def f(x):\n if x==-1: pass\n'+''.join(f' elif x=={i}: return {i}\n' for i in range(3000))+'r=f(2999)')
check('match', 'def f(x):\n match x:\n'+''.join(f'  case [{i}, a{i}]: return a{i}\n' for i in range(400))+'r=f([399,5])')
check('matchdeep', 'def f(x):\n match x:\n'+'  case '+'['*60+'a'+']'*60+': return a\nr=f('+'['*60+'7'+']'*60+')')
check('matchbig', 'def f(x):\n match x:\n'+'  case ['+','.join(f'a{i}' for i in range(300))+']: return a299\nr=f(list(range(300)))')
check('matchmap', 'def f(x):\n match x:\n'+'  case {'+','.join(f'"a{i}":a{i}' for i in range(300))+'}: return a299\nr=f({f"a{i}":i for i in range(300)})')
check('matchcls', 'class C: __match_args__=tuple(f"a{i}" for i in range(300))\nc=C()\nfor i in range(300): setattr(c,f"a{i}",i)\ndef f(x):\n match x:\n'+'  case C('+','.join(f'a{i}' for i in range(300))+'): return a299\nr=f(c)')
check('matchor', 'def f(x):\n match x:\n'+'  case '+'|'.join(f'{i}' for i in range(3000))+': return x\nr=f(2999)')
check('deepbin-right', 'x=1\nr='+'x+('*90+'x'+')'*90)
check('deepcall', 'f=lambda *a: sum(a)\nr='+'f(1,2,3,'*90+'1'+')'*90)
check('deepcall10', 'f=lambda *a: sum(a)\nr='+'f(1,2,3,4,5,6,7,8,9,10,'*90+'1'+')'*90)
check('deeplist10', 'r='+'[f,2,3,4,5,6,7,8,9,10,'.replace('f','str')*90+'1'+']'*90)
check('deepdict', 'r='+'{1:str,2:str,3:str,4:'*90+'1'+'}'*90)
check('deepsub', 'd={1:1}\nr='+'d['*150+'1'+']'*150)
check('deepcond', 'x=1\nr='+'(x if x else '*90+'x'+')'*90)
check('deepfstr', 'x=1\nr=len(f"'+'{x}'*3000+'")')
check('unpack', 'def f():\n '+','.join(f'a{i}' for i in range(600))+'=range(600)\n return a599\nr=f()')
check('unpackex', 'def f():\n '+','.join(f'a{i}' for i in range(200))+',*b,'+','.join(f'c{i}' for i in range(200))+'=range(600)\n return len(b)\nr=f()')
check('chaincmp', 'x=1\nr='+'<'.join(f'x+{i}' for i in range(500)))
check('boolop', 'x=1\nr='+' and '.join(f'x+{i}' for i in range(5000)))
check('long+', 'x=1\nr='+'+'.join(f'x' for i in range(5000)))
check('with', 'import contextlib\nc=contextlib.nullcontext\nwith '+','.join(f'c({i}) as a{i}' for i in range(19))+': r=a18')
check('lambda300', 'r=(lambda %s: a299)(*range(300))'%','.join(f'a{i}' for i in range(300)))
check('classbody', 'class C:\n'+''.join(f' a{i}={i}\n' for i in range(3000))+'r=C.a2999')
check('globals', 'def f():\n global '+','.join(f'a{i}' for i in range(3000))+'\n'+''.join(f' a{i}={i}\n' for i in range(3000))+' return a2999\nr=f()')
check('freevars', 'def f():\n'+''.join(f' a{i}={i}\n' for i in range(60))+' def g():\n'+''.join(f'  b{i}=a{i}\n' for i in range(60))+'  def h(): return sum([%s])\n  return h()\n return g()\nr=f()'%','.join(f'b{i}' for i in range(60)))
check('tryexc', 'def f():\n try: raise KeyError(1)\n'+''.join(f' except ZeroDivisionError as e{i}: pass\n' for i in range(400))+' except KeyError: return 1\nr=f()')
check('nestedtry', ''.join(' '*i+'try:\n' for i in range(19))+' '*19+'r=1\n'+''.join(' '*i+'finally: pass\n' for i in reversed(range(19))))
check('deepattr','class C: pass\nx=C();x.x=x\nr='+'x'+'.x'*3000+' is x')
check('deepcallchain','class C:\n def m(self): return self\nx=C()\nr='+'x'+'.m()'*300+' is x')
check('superlong','x=[1]\nr=[%s]'%','.join('*x' for i in range(3000)))
check('decor','d=lambda f:f\n'+'@d\n'*300+'def f(): return 1\nr=f()')
check('bases','class A: pass\n'+''.join(f'class A{i}: pass\n' for i in range(300))+'class B(%s): pass\nr=len(B.__mro__)'%','.join(f'A{i}' for i in range(300)))
check('genlocals', 'def f():\n'+''.join(f' a{i}={i}\n' for i in range(N))+' yield sum([%s])'%','.join(f'a{i}' for i in range(N))+'\nr=list(f())')
check('del', 'def f():\n'+''.join(f' a{i}={i}\n' for i in range(N))+' del '+','.join(f'a{i}' for i in range(N))+'\n return len(locals())\nr=f()')
check('pattern_star', 'def f(x):\n match x:\n'+'  case ['+','.join(f'[b{i},_]' for i in range(100))+']: return b99\nr=f([(i,1) for i in range(100)])')

# What sys.settrace and sys.setprofile are told.
import sys

def work(a):
    x = 1
    for i in range(2):
        x += i
    if x:
        y = len('abc')
    return x

def numbers():
    yield 1
    yield 2

def drive():
    for v in numbers():
        pass
    while count():
        pass

left = 3
def count():
    global left
    left -= 1
    return left

def fails():
    work(1)
    raise KeyError('k')

def report(tell):
    def told(frame, event, argument):
        if event != 'exception':
            argument = getattr(argument, '__name__', argument)
        events.append((frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno, event, str(argument)[:30]))
        return told
    events = []
    tell(told)
    work(1)
    drive()
    'a'.upper()
    [3, 1].sort()
    try:
        fails()
    except KeyError:
        pass
    tell(None)
    for event in events[:-1]:
        print(event)

report(sys.settrace)
left = 3
report(sys.setprofile)
