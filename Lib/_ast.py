"""The classes of the syntax tree, made from Python's abstract grammar, and compiling to and from it.

The grammar below is the one that the language reference prints. Trees are made from source, and code from trees, by the
native module `_ast_tree`; `compile` calls `_compile` here for both.
"""

PyCF_ONLY_AST = 0x400
PyCF_TYPE_COMMENTS = 0x1000
PyCF_ALLOW_TOP_LEVEL_AWAIT = 0x2000
PyCF_OPTIMIZED_AST = 0x8400

_GRAMMAR = """
mod = Module(stmt* body, type_ignore* type_ignores)
    | Interactive(stmt* body)
    | Expression(expr body)
    | FunctionType(expr* argtypes, expr returns)
stmt = FunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)
     | AsyncFunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)
     | ClassDef(identifier name, expr* bases, keyword* keywords, stmt* body, expr* decorator_list, type_param* type_params)
     | Return(expr? value)
     | Delete(expr* targets)
     | Assign(expr* targets, expr value, string? type_comment)
     | TypeAlias(expr name, type_param* type_params, expr value)
     | AugAssign(expr target, operator op, expr value)
     | AnnAssign(expr target, expr annotation, expr? value, int simple)
     | For(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)
     | AsyncFor(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)
     | While(expr test, stmt* body, stmt* orelse)
     | If(expr test, stmt* body, stmt* orelse)
     | With(withitem* items, stmt* body, string? type_comment)
     | AsyncWith(withitem* items, stmt* body, string? type_comment)
     | Match(expr subject, match_case* cases)
     | Raise(expr? exc, expr? cause)
     | Try(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)
     | TryStar(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)
     | Assert(expr test, expr? msg)
     | Import(alias* names)
     | ImportFrom(identifier? module, alias* names, int? level)
     | Global(identifier* names)
     | Nonlocal(identifier* names)
     | Expr(expr value)
     | Pass
     | Break
     | Continue
expr = BoolOp(boolop op, expr* values)
     | NamedExpr(expr target, expr value)
     | BinOp(expr left, operator op, expr right)
     | UnaryOp(unaryop op, expr operand)
     | Lambda(arguments args, expr body)
     | IfExp(expr test, expr body, expr orelse)
     | Dict(expr?* keys, expr* values)
     | Set(expr* elts)
     | ListComp(expr elt, comprehension* generators)
     | SetComp(expr elt, comprehension* generators)
     | DictComp(expr key, expr value, comprehension* generators)
     | GeneratorExp(expr elt, comprehension* generators)
     | Await(expr value)
     | Yield(expr? value)
     | YieldFrom(expr value)
     | Compare(expr left, cmpop* ops, expr* comparators)
     | Call(expr func, expr* args, keyword* keywords)
     | FormattedValue(expr value, int conversion, expr? format_spec)
     | Interpolation(expr value, constant str, int conversion, expr? format_spec)
     | JoinedStr(expr* values)
     | TemplateStr(expr* values)
     | Constant(constant value, string? kind)
     | Attribute(expr value, identifier attr, expr_context ctx)
     | Subscript(expr value, expr slice, expr_context ctx)
     | Starred(expr value, expr_context ctx)
     | Name(identifier id, expr_context ctx)
     | List(expr* elts, expr_context ctx)
     | Tuple(expr* elts, expr_context ctx)
     | Slice(expr? lower, expr? upper, expr? step)
expr_context = Load | Store | Del
boolop = And | Or
operator = Add | Sub | Mult | MatMult | Div | Mod | Pow | LShift | RShift | BitOr | BitXor | BitAnd | FloorDiv
unaryop = Invert | Not | UAdd | USub
cmpop = Eq | NotEq | Lt | LtE | Gt | GtE | Is | IsNot | In | NotIn
comprehension = (expr target, expr iter, expr* ifs, int is_async)
excepthandler = ExceptHandler(expr? type, identifier? name, stmt* body)
arguments = (arg* posonlyargs, arg* args, arg? vararg, arg* kwonlyargs, expr?* kw_defaults, arg? kwarg, expr* defaults)
arg = (identifier arg, expr? annotation, string? type_comment)
keyword = (identifier? arg, expr value)
alias = (identifier name, identifier? asname)
withitem = (expr context_expr, expr? optional_vars)
match_case = (pattern pattern, expr? guard, stmt* body)
pattern = MatchValue(expr value)
        | MatchSingleton(constant value)
        | MatchSequence(pattern* patterns)
        | MatchMapping(expr* keys, pattern* patterns, identifier? rest)
        | MatchClass(expr cls, pattern* patterns, identifier* kwd_attrs, pattern* kwd_patterns)
        | MatchStar(identifier? name)
        | MatchAs(pattern? pattern, identifier? name)
        | MatchOr(pattern* patterns)
type_ignore = TypeIgnore(int lineno, string tag)
type_param = TypeVar(identifier name, expr? bound, expr? default_value)
           | ParamSpec(identifier name, expr? default_value)
           | TypeVarTuple(identifier name, expr? default_value)
"""

_LOCATED = frozenset(
    ("stmt", "expr", "excepthandler", "arg", "keyword", "alias", "pattern", "type_param"))
_POSITION = ("lineno", "col_offset", "end_lineno", "end_col_offset")


def _warn(message):
    import warnings
    warnings.warn(message, DeprecationWarning, stacklevel=3)


class AST:
    _fields = ()
    __match_args__ = ()
    _attributes = ()

    def __init__(self, /, *args, **kwargs):
        cls = type(self)
        fields = cls._fields
        if len(args) > len(fields):
            s = "" if len(fields) == 1 else "s"
            raise TypeError(f"{cls.__name__} constructor takes at most {len(fields)} positional argument{s}")
        for name, value in zip(fields, args):
            setattr(self, name, value)
        given = set(fields[:len(args)])
        attributes = cls._attributes
        for name, value in kwargs.items():
            if name in given:
                raise TypeError(f"{cls.__name__} got multiple values for argument {name!r}")
            if name in fields:
                given.add(name)
            elif name not in attributes:
                _warn(f"{cls.__name__}.__init__ got an unexpected keyword argument {name!r}. "
                      "Support for arbitrary keyword arguments is deprecated and will be removed in Python 3.15.")
            setattr(self, name, value)
        if len(given) == len(fields):
            return
        types = getattr(cls, "_field_types", None)
        if types is None:
            return
        for name in fields:
            if name in given:
                continue
            kind = types.get(name)
            if kind is None:
                _warn(f"Field {name!r} is missing from {cls.__name__}._field_types. "
                      "This will become an error in Python 3.15.")
            elif hasattr(kind, "__args__") and getattr(kind, "__origin__", None) is list:
                setattr(self, name, [])
            elif hasattr(kind, "__args__"):
                # Optional: the class says None.
                pass
            elif kind is expr_context:
                self.ctx = Load()
            else:
                _warn(f"{cls.__name__}.__init__ missing 1 required positional argument: {name!r}. "
                      "This will become an error in Python 3.15.")

    def __reduce__(self):
        state = dict(self.__dict__)
        fields = type(self)._fields
        count = 0
        for name in fields:
            if name not in state:
                break
            count += 1
        return type(self), (None,) * count, state

    def __replace__(self, /, **changes):
        cls = type(self)
        allowed = set(cls._fields) | set(cls._attributes)
        state = dict(self.__dict__)
        for name in changes:
            if name not in allowed:
                raise TypeError(f"{cls.__name__}.__replace__ got an unexpected keyword argument {name!r}.")
        state = {name: value for name, value in state.items() if name in allowed}
        missing = [name for name in cls._fields
                   if name not in state and name not in changes and not hasattr(cls, name)]
        if missing:
            names = ", ".join(map(repr, missing))
            s = "" if len(missing) == 1 else "s"
            raise TypeError(f"{cls.__name__}.__replace__ missing {len(missing)} keyword argument{s}: {names}.")
        state.update(changes)
        made = cls.__new__(cls)
        for name, value in state.items():
            setattr(made, name, value)
        return made

    def __repr__(self):
        return _repr(self, 3)


AST.__module__ = "ast"


def _repr_list(values, depth):
    first = values[0]
    opening, closing = ("[", "]") if isinstance(values, list) else ("(", ")")
    parts = [_repr_value(first, depth)]
    if len(values) > 2:
        parts.append("...")
    if len(values) > 1:
        parts.append(_repr_value(values[-1], depth))
    return opening + ", ".join(parts) + closing


def _repr_value(value, depth):
    if isinstance(value, AST):
        return _repr(value, depth - 1)
    return repr(value)


def _repr(node, depth):
    name = type(node).__name__
    if depth <= 0 and node._fields:
        return f"{name}(...)"
    parts = []
    for field in node._fields:
        value = getattr(node, field)
        if isinstance(value, (list, tuple)) and value:
            text = _repr_list(value, depth)
        else:
            text = _repr_value(value, depth)
        parts.append(f"{field}={text}")
    return f"{name}({', '.join(parts)})"


_BUILTIN = {"identifier": str, "string": str, "int": int, "constant": object}


def _parse_fields(text):
    fields = []
    for part in text.split(","):
        kind, name = part.split()
        mark = kind.lstrip("abcdefghijklmnopqrstuvwxyz_")
        fields.append((kind[:len(kind) - len(mark)], mark, name))
    return fields


def _define(namespace, name, base, doc, attributes, fields):
    body = {"__module__": "ast", "__doc__": doc, "_fields": tuple(field for _, _, field in fields)}
    body["__match_args__"] = body["_fields"]
    if attributes is not None:
        body["_attributes"] = attributes
        if attributes:
            body["end_lineno"] = body["end_col_offset"] = None
    for _, mark, field in fields:
        if mark == "?":
            body[field] = None
    cls = type(name, (base,), body)
    namespace[name] = cls
    return cls


def _make_classes(namespace):
    typed = []
    for rule in _GRAMMAR.strip().replace("\n ", " ").split("\n"):
        name, _, alternatives = rule.partition(" = ")
        attributes = _POSITION if name in _LOCATED else ()
        if alternatives.startswith("("):
            fields = _parse_fields(alternatives[1:-1])
            cls = _define(namespace, name, AST, name + alternatives, attributes, fields)
            typed.append((cls, fields))
            continue
        parts = [" ".join(part.split()) for part in alternatives.split("|")]
        separator = " | " if "(" not in alternatives and "stmt" != name else "\n" + " " * len(name) + " | "
        base = _define(namespace, name, AST, name + " = " + separator.join(parts), attributes, [])
        for part in parts:
            constructor, _, inner = part.partition("(")
            fields = _parse_fields(inner[:-1]) if inner else []
            cls = _define(namespace, constructor, base, part, None, fields)
            typed.append((cls, fields))
    for cls, fields in typed:
        types = {}
        for kind, mark, field in fields:
            found = _BUILTIN.get(kind) or namespace[kind]
            if "*" in mark:
                found = list[found]
            elif mark == "?":
                found = found | None
            types[field] = found
        cls._field_types = types
        cls.__annotations__ = types


_make_classes(globals())


def _compile(source, filename, mode, flags, optimize, feature_version):
    """`compile` where a tree goes in or comes out."""
    from _ast_tree import compile_tree, parse

    if isinstance(source, AST):
        expected = {"exec": Module, "eval": Expression, "single": Interactive, "func_type": FunctionType}[mode]
        if not isinstance(source, expected):
            raise TypeError(f"expected {expected.__name__} node, got {type(source).__name__}")
        if flags & PyCF_ONLY_AST:
            if flags & 0x8000:
                return compile_tree(source, filename, flags, optimize, True, globals())
            return source
        return compile_tree(source, filename, flags, optimize, False, globals())
    return parse(source, filename, mode, flags, optimize, feature_version, globals())
