"""Type variables, type aliases, and `Generic`: what `typing` and the syntax of PEP 695 are made of.

Bounds, constraints, defaults and values of aliases that stand in source are functions (as annotations are), which are
called when somebody looks. Functions whose names begin with `_make_` are called by the interpreter.
"""

import sys as _sys
from types import GenericAlias as _GenericAlias

Union = type(int | str)


class NoDefaultType:
    """The type of the NoDefault singleton."""

    __slots__ = ()

    def __new__(cls, *args, **kwargs):
        if args or kwargs:
            raise TypeError("NoDefaultType takes no arguments")
        return NoDefault

    def __repr__(self):
        return "typing.NoDefault"

    def __reduce__(self):
        return "NoDefault"

    def __init_subclass__(cls, **kwargs):
        raise TypeError("type 'NoDefaultType' is not an acceptable base type")


NoDefaultType.__module__ = "builtins"
NoDefault = object.__new__(NoDefaultType)


def _idfunc(x, /):
    return x


def _caller_module():
    """The `__name__` of the module whose code called the constructor of a type variable."""
    try:
        name = _sys._getframe(2).f_globals.get("__name__")
    except (AttributeError, ValueError):
        return None
    return name


def _typing():
    import typing
    return typing


def _check_type(value, message):
    if value is None:
        return type(None)
    return _typing()._type_check(value, message)


class _Evaluator:
    """A value that was given, seen as the function that would compute it."""

    __slots__ = ("_value",)

    def __init__(self, value):
        self._value = value

    def __call__(self, format=1, /):
        if format == 4:
            return _typing()._type_repr(self._value) if not isinstance(self._value, tuple) else (
                "(" + ", ".join(map(_typing()._type_repr, self._value)) + ")")
        return self._value

    def __repr__(self):
        return f"<constevaluator {self._value!r}>"


_Evaluator.__name__ = _Evaluator.__qualname__ = "_ConstEvaluator"


class _Lazy:
    """A value that is there, or that a function computes once."""

    __slots__ = ("_value", "_function", "_original")

    def __init__(self, value=None, function=None):
        self._value = value
        self._function = function

    def get(self):
        function = self._function
        if function is not None:
            self._value = function(1)
            self._function = None
            self._original = function
        return self._value

    def evaluator(self):
        function = self._function or getattr(self, "_original", None)
        return function if function is not None else _Evaluator(self._value)


def _no_subclass(name):
    def __init_subclass__(cls, /, **kwargs):
        raise TypeError(f"type 'typing.{name}' is not an acceptable base type")
    return classmethod(__init_subclass__)


def _immutable(cls):
    """Makes instances refuse what the class doesn't declare, as instances of native classes do."""
    cls.__module__ = "typing"
    cls.__init_subclass__ = _no_subclass(cls.__name__)
    return cls


class _Parameter:
    """What the three kinds of type parameter have in common."""

    @property
    def __default__(self):
        """The default value for this parameter."""
        return self._default.get()

    @property
    def evaluate_default(self):
        default = self._default
        if default._function is None and default._value is NoDefault:
            return None
        return default.evaluator()

    def has_default(self):
        default = self._default
        return default._function is not None or default._value is not NoDefault

    def __reduce__(self):
        return self.__name__

    def __mro_entries__(self, bases):
        raise TypeError(f"Cannot subclass an instance of {type(self).__name__}")


class _Variance:
    @property
    def __covariant__(self):
        return self._variance[0]

    @property
    def __contravariant__(self):
        return self._variance[1]

    @property
    def __infer_variance__(self):
        return self._variance[2]

    def __repr__(self):
        covariant, contravariant, infer = self._variance
        prefix = "" if infer else "+" if covariant else "-" if contravariant else "~"
        return prefix + self.__name__

    def __or__(self, other):
        return _make_union(self, other)

    def __ror__(self, other):
        return _make_union(other, self)


def _make_union(left, right):
    typing = _typing()
    return typing.Union[left, right]


def _variance(covariant, contravariant, infer_variance):
    if covariant and contravariant:
        raise ValueError("Bivariant types are not supported.")
    if infer_variance and (covariant or contravariant):
        raise ValueError("Variance cannot be specified with infer_variance.")
    return bool(covariant), bool(contravariant), bool(infer_variance)


def _check_name(cls, name):
    if not isinstance(name, str):
        raise TypeError(f"{cls}() argument 'name' must be str, not {type(name).__name__}")


@_immutable
class TypeVar(_Variance, _Parameter):
    """Type variable.

    The preferred way to construct a type variable is via the dedicated syntax for
    generic functions, classes, and type aliases:

        class Sequence[T]:  # T is a TypeVar
            ...

    This syntax can also be used to create bound and constrained type variables.
    Type variables can also be constructed directly: T = TypeVar('T').
    """

    def __new__(cls, name, *constraints, bound=None, default=NoDefault, covariant=False, contravariant=False,
                infer_variance=False):
        _check_name("typevar", name)
        variance = _variance(covariant, contravariant, infer_variance)
        if bound is not None:
            bound = _check_type(bound, "Bound must be a type.")
        if len(constraints) == 1:
            raise TypeError("A single constraint is not allowed")
        if constraints:
            if bound is not None:
                raise TypeError("Constraints cannot be combined with bound=...")
            constraints = tuple(
                _check_type(c, "TypeVar(name, constraint, ...): constraints must be types.") for c in constraints)
        return cls._make(name, _Lazy(bound), _Lazy(constraints), _Lazy(default), variance, _caller_module())

    @classmethod
    def _make(cls, name, bound, constraints, default, variance, module):
        self = object.__new__(cls)
        set_ = object.__setattr__
        set_(self, "__name__", name)
        set_(self, "_bound", bound)
        set_(self, "_constraints", constraints)
        set_(self, "_default", default)
        set_(self, "_variance", variance)
        set_(self, "__module__", module)
        return self

    @property
    def __bound__(self):
        return self._bound.get()

    @property
    def __constraints__(self):
        return self._constraints.get()

    @property
    def evaluate_bound(self):
        bound = self._bound
        if bound._function is None and bound._value is None:
            return None
        return bound.evaluator()

    @property
    def evaluate_constraints(self):
        constraints = self._constraints
        if constraints._function is None and not constraints._value:
            return None
        return constraints.evaluator()

    def __typing_subst__(self, arg, /):
        return _typing()._typevar_subst(self, arg)

    def __typing_prepare_subst__(self, alias, args, /):
        params = alias.__parameters__
        i = params.index(self)
        if i < len(args):
            return args
        if self.has_default() and i == len(args):
            return (*args, self.__default__)
        raise TypeError(
            f"Too few arguments for {alias}; actual {len(args)}, expected {len(params)}")


@_immutable
class ParamSpecArgs:
    """The args for a ParamSpec object.

    Given a ParamSpec object P, P.args returns an instance of ParamSpecArgs.
    """

    def __new__(cls, origin):
        self = object.__new__(cls)
        self.__origin__ = origin
        return self

    def __repr__(self):
        origin = self.__origin__
        return f"{origin.__name__ if isinstance(origin, ParamSpec) else repr(origin)}.args"

    def __eq__(self, other):
        if not isinstance(other, ParamSpecArgs):
            return NotImplemented
        return self.__origin__ == other.__origin__

    __hash__ = None

    def __mro_entries__(self, bases):
        raise TypeError("Cannot subclass an instance of ParamSpecArgs")


@_immutable
class ParamSpecKwargs:
    """The kwargs for a ParamSpec object.

    Given a ParamSpec object P, P.kwargs returns an instance of ParamSpecKwargs.
    """

    def __new__(cls, origin):
        self = object.__new__(cls)
        self.__origin__ = origin
        return self

    def __repr__(self):
        origin = self.__origin__
        return f"{origin.__name__ if isinstance(origin, ParamSpec) else repr(origin)}.kwargs"

    def __eq__(self, other):
        if not isinstance(other, ParamSpecKwargs):
            return NotImplemented
        return self.__origin__ == other.__origin__

    __hash__ = None

    def __mro_entries__(self, bases):
        raise TypeError("Cannot subclass an instance of ParamSpecKwargs")


@_immutable
class ParamSpec(_Variance, _Parameter):
    """Parameter specification variable.

    The preferred way to construct a parameter specification is via the
    dedicated syntax for generic functions, classes, and type aliases, where
    the use of '**' creates a parameter specification: type IntFunc[**P] = Callable[P, int].
    """

    def __new__(cls, name, *, bound=None, default=NoDefault, covariant=False, contravariant=False,
                infer_variance=False):
        _check_name("paramspec", name)
        variance = _variance(covariant, contravariant, infer_variance)
        if bound is not None:
            bound = _check_type(bound, "Bound must be a type.")
        return cls._make(name, bound, _Lazy(default), variance, _caller_module())

    @classmethod
    def _make(cls, name, bound, default, variance, module):
        self = object.__new__(cls)
        set_ = object.__setattr__
        set_(self, "__name__", name)
        set_(self, "__bound__", bound)
        set_(self, "_default", default)
        set_(self, "_variance", variance)
        set_(self, "__module__", module)
        return self

    @property
    def args(self):
        """Represents positional arguments."""
        return ParamSpecArgs(self)

    @property
    def kwargs(self):
        """Represents keyword arguments."""
        return ParamSpecKwargs(self)

    def __typing_subst__(self, arg, /):
        return _typing()._paramspec_subst(self, arg)

    def __typing_prepare_subst__(self, alias, args, /):
        return _typing()._paramspec_prepare_subst(self, alias, args)


@_immutable
class TypeVarTuple(_Parameter):
    """Type variable tuple. A specialized form of type variable that enables variadic generics.

    The preferred way to construct a type variable tuple is via the dedicated
    syntax for generic functions, classes, and type aliases, where a single
    '*' indicates a type variable tuple: def move_first_element_to_last[T, *Ts](tup: tuple[T, *Ts]) -> tuple[*Ts, T].
    """

    def __new__(cls, name, *, default=NoDefault):
        _check_name("typevartuple", name)
        return cls._make(name, _Lazy(default), _caller_module())

    @classmethod
    def _make(cls, name, default, module):
        self = object.__new__(cls)
        set_ = object.__setattr__
        set_(self, "__name__", name)
        set_(self, "_default", default)
        set_(self, "__module__", module)
        return self

    def __iter__(self):
        yield _typing().Unpack[self]

    def __repr__(self):
        return self.__name__

    def __typing_subst__(self, arg, /):
        raise TypeError("Substitution of bare TypeVarTuple is not supported")

    def __typing_prepare_subst__(self, alias, args, /):
        return _typing()._typevartuple_prepare_subst(self, alias, args)


def _check_type_params(type_params):
    if not isinstance(type_params, tuple):
        raise TypeError("type_params must be a tuple")
    seen_default = None
    for parameter in type_params:
        if not isinstance(parameter, (TypeVar, ParamSpec, TypeVarTuple)):
            raise TypeError(f"Expected a type param, got {parameter!r}")
        if parameter.has_default():
            seen_default = parameter
        elif seen_default is not None:
            raise TypeError(
                f"non-default type parameter '{parameter!r}' follows default type parameter")
    return type_params


@_immutable
class TypeAliasType:
    """Type alias.

    Type aliases are created through the type statement:

        type Alias = int
    """

    def __new__(cls, name, value, *, type_params=()):
        if not isinstance(name, str):
            raise TypeError(f"typealias() argument 'name' must be str, not {type(name).__name__}")
        return cls._make(name, _Lazy(value), _check_type_params(type_params), _caller_module())

    @classmethod
    def _make(cls, name, value, type_params, module):
        self = object.__new__(cls)
        set_ = object.__setattr__
        set_(self, "__name__", name)
        set_(self, "__type_params__", type_params)
        set_(self, "_value", value)
        set_(self, "__module__", module)
        return self

    def __setattr__(self, name, value):
        if name in ("__name__", "__value__", "__type_params__", "__parameters__", "evaluate_value"):
            raise AttributeError("readonly attribute")
        raise AttributeError(f"'typing.TypeAliasType' object has no attribute '{name}'"
                             " and no __dict__ for setting new attributes")

    @property
    def __value__(self):
        return self._value.get()

    @property
    def evaluate_value(self):
        return self._value.evaluator()

    @property
    def __parameters__(self):
        parameters = []
        for parameter in self.__type_params__:
            if isinstance(parameter, TypeVarTuple):
                parameters.extend(parameter)
            else:
                parameters.append(parameter)
        return tuple(parameters)

    def __getitem__(self, parameters):
        if not self.__type_params__:
            raise TypeError("Only generic type aliases are subscriptable")
        return _GenericAlias(self, parameters)

    def __repr__(self):
        return self.__name__

    def __reduce__(self):
        return self.__name__

    def __or__(self, other):
        return _make_union(self, other)

    def __ror__(self, other):
        return _make_union(other, self)

    def __iter__(self):
        yield _typing().Unpack[self]


class Generic:
    """Abstract base class for generic types.

    On Python 3.12 and newer, generic classes implicitly inherit from
    Generic when they declare a parameter list after the class's name::

        class Mapping[KT, VT]:
            def __getitem__(self, key: KT) -> VT:
                ...
                # Etc.

    On older versions of Python, however, generic classes have to
    explicitly inherit from Generic.
    """

    __slots__ = ()
    __module__ = "typing"
    _is_protocol = False

    @classmethod
    def __class_getitem__(cls, *args, **kwargs):
        """Parameterizes a generic class.

        At least, parameterizing a generic class is the *main* thing this
        method does. For example, for some generic class `Foo`, this is called
        when we do `Foo[int]` - there, with `cls=Foo` and `params=int`.
        """
        return _typing()._generic_class_getitem(cls, *args, **kwargs)

    @classmethod
    def __init_subclass__(cls, *args, **kwargs):
        """Function to initialize subclasses."""
        return _typing()._generic_init_subclass(cls, *args, **kwargs)


def _make_typevar(name):
    return TypeVar._make(name, _Lazy(), _Lazy(()), _Lazy(NoDefault), (False, False, True), _caller_module())


def _make_typevar_with_bound(name, function):
    bound = _Lazy(function=function)
    return TypeVar._make(name, bound, _Lazy(()), _Lazy(NoDefault), (False, False, True), _caller_module())


def _make_typevar_with_constraints(name, function):
    constraints = _Lazy(function=function)
    return TypeVar._make(name, _Lazy(), constraints, _Lazy(NoDefault), (False, False, True), _caller_module())


def _make_paramspec(name):
    return ParamSpec._make(name, None, _Lazy(NoDefault), (False, False, True), _caller_module())


def _make_typevartuple(name):
    return TypeVarTuple._make(name, _Lazy(NoDefault), _caller_module())


def _make_typealias(parts):
    name, type_params, function = parts
    return TypeAliasType._make(name, _Lazy(function=function), type_params or (), _caller_module())


def _set_typeparam_default(parameter, function):
    object.__setattr__(parameter, "_default", _Lazy(function=function))
    return parameter


def _subscript_generic(parameters):
    unpacked = []
    for parameter in parameters:
        if isinstance(parameter, TypeVarTuple):
            unpacked.extend(parameter)
        else:
            unpacked.append(parameter)
    return _typing()._GenericAlias(Generic, tuple(unpacked))
