# Syntax trees made by programs, and symbol tables: the same text as CPython's.
import ast
import symtable


def attempt(what, tree, mode='exec'):
    try:
        ast.fix_missing_locations(tree)
        exec(compile(tree, 'f', mode), {})
        print(what, 'ok')
    except BaseException as error:
        print(what, type(error).__name__, error)


def expr(node):
    return ast.Module([ast.Expr(node)], [])


name = ast.Name('x', ast.Load())
attempt('None in list', expr(ast.List([None], ast.Load())))
attempt('None in body', ast.Module([ast.If(ast.Constant(1), [None], [])], []))
attempt('None as value', ast.Module([ast.Assign([ast.Name('x', ast.Store())], None)], []))
attempt('None as name', ast.Module([ast.Import([ast.alias(None)])], []))
attempt('frozenset', expr(ast.Constant(frozenset({1, (2, b'3')}))))
attempt('wrong constant', expr(ast.Constant((1, [2]))))
attempt('try', ast.Module([ast.Try([ast.Pass()], [], [], [])], []))
attempt('kwonly', expr(ast.Lambda(ast.arguments(kwonlyargs=[ast.arg('a')], kw_defaults=[]), name)))
attempt('range', expr(ast.Constant(1, lineno=2, col_offset=5, end_lineno=1, end_col_offset=6)))
attempt('columns', expr(ast.Constant(1, lineno=1, col_offset=7, end_lineno=1, end_col_offset=6)))
attempt('negative', expr(ast.Constant(1, lineno=1, col_offset=-2, end_lineno=1, end_col_offset=6)))

print(ast.dump(ast.parse('x = 1 + 2 * 3; y = "a" "b"; z = (1, -2)', optimize=1)))
tree = compile(ast.parse('x = 1 + 2'), 'f', 'exec', ast.PyCF_OPTIMIZED_AST)
print(ast.dump(tree))


def show(table, depth=0):
    names = sorted(
        (s.get_name(), s.is_global(), s.is_local(), s.is_free(), s.is_parameter(), s.is_referenced(), s.is_namespace())
        for s in table.get_symbols() if not s.get_name().startswith(('.', '__')))
    print('  ' * depth + table.get_name(), table.get_type(), table.get_lineno(), table.is_nested(), names)
    for child in table.get_children():
        if not child.get_name().startswith('__'):
            show(child, depth + 1)


show(symtable.symtable("""
import os
total = 0
def outer(a, *b, c=1, **d):
    global total
    def inner():
        nonlocal a
        a = total
        return lambda q: (a, q)
    return [x for x in b], (y for y in d)
class C(Base):
    attribute = 1
    def method(self):
        return self, __class__
""", 'f', 'exec'))
for args in ('x', 'f', 'wrong'), ('1 +', 'f', 'eval'), ('def f(x):\n global x', b'f', 'exec'), ('x', [], 'exec'):
    try:
        symtable.symtable(*args)
    except BaseException as error:
        print(type(error).__name__, error)

# Type comments belong to statements and parameters, and are errors elsewhere.
source = """\
def f(
    a,  # type: int
    *b  # type: str
):
    # type: (...) -> None
    for x in a:  # type: A
        y = [x]  # type: B
        pass  # type: ignore[why]
"""
tree = ast.parse(source, type_comments=True)
print([node.type_comment for node in ast.walk(tree) if getattr(node, 'type_comment', None)])
print([(ignore.lineno, ignore.tag) for ignore in tree.type_ignores])
print(ast.dump(ast.parse('(int, *str, **A) -> B', mode='func_type')))
for source, minor in ('pass  # type: int\n', 14), ('x: int\n', 5), ('(a := 1)\n', 7), ('try: pass\nexcept* A: pass\n', 10):
    try:
        ast.parse(source, type_comments=True, feature_version=(3, minor))
    except SyntaxError as error:
        print(error.msg)
