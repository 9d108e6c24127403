"""What `opcode` and `dis` ask about CPython's instruction set.

Orochi's own bytecode is another one (`docs/` describes it); these answers go with the table of opcodes in
`_opcode_metadata`, so that programs which only look at that table work.
"""

from _opcode_metadata import HAVE_ARGUMENT, opmap as _opmap

ENABLE_SPECIALIZATION = 0
ENABLE_SPECIALIZATION_FT = 0

_CONST = ("LOAD_CONST", "LOAD_CONST_IMMORTAL", "LOAD_CONST_MORTAL", "RETURN_CONST", "INSTRUMENTED_RETURN_CONST")
_NAME = (
    "DELETE_ATTR", "DELETE_GLOBAL", "DELETE_NAME", "IMPORT_FROM", "IMPORT_NAME", "LOAD_ATTR",
    "LOAD_FROM_DICT_OR_GLOBALS", "LOAD_GLOBAL", "LOAD_NAME", "LOAD_SUPER_ATTR", "LOAD_SUPER_METHOD",
    "LOAD_ZERO_SUPER_ATTR", "LOAD_ZERO_SUPER_METHOD", "STORE_ATTR", "STORE_GLOBAL", "STORE_NAME",
)
_JUMP = (
    "END_ASYNC_FOR", "FOR_ITER", "JUMP", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "JUMP_FORWARD",
    "JUMP_IF_FALSE", "JUMP_IF_TRUE", "JUMP_NO_INTERRUPT", "POP_JUMP_IF_FALSE", "POP_JUMP_IF_NONE",
    "POP_JUMP_IF_NOT_NONE", "POP_JUMP_IF_TRUE", "SEND", "SETUP_CLEANUP", "SETUP_FINALLY", "SETUP_WITH",
)
_FREE = ("COPY_FREE_VARS", "DELETE_DEREF", "LOAD_DEREF", "LOAD_FROM_DICT_OR_DEREF", "MAKE_CELL", "STORE_DEREF")
_LOCAL = (
    "DELETE_FAST", "LOAD_CLOSURE", "LOAD_FAST", "LOAD_FAST_AND_CLEAR", "LOAD_FAST_BORROW",
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "LOAD_FAST_CHECK", "LOAD_FAST_LOAD_FAST", "STORE_FAST",
    "STORE_FAST_LOAD_FAST", "STORE_FAST_MAYBE_NULL", "STORE_FAST_STORE_FAST",
)
_EXC = ("POP_BLOCK", "SETUP_CLEANUP", "SETUP_FINALLY", "SETUP_WITH")


def _numbers(names):
    return frozenset(_opmap[name] for name in names if name in _opmap)


_const, _name, _jump, _free, _local, _exc = map(_numbers, (_CONST, _NAME, _JUMP, _FREE, _LOCAL, _EXC))
_valid = frozenset(_opmap.values())


def is_valid(opcode):
    """Return True if opcode is valid, False otherwise."""
    return opcode in _valid


def has_arg(opcode):
    """Return True if the opcode uses its oparg, False otherwise."""
    return opcode in _valid and opcode > HAVE_ARGUMENT


def has_const(opcode):
    """Return True if the opcode accesses a constant, False otherwise."""
    return opcode in _const


def has_name(opcode):
    """Return True if the opcode accesses an attribute by name, False otherwise."""
    return opcode in _name


def has_jump(opcode):
    """Return True if the opcode has a jump target, False otherwise."""
    return opcode in _jump


def has_free(opcode):
    """Return True if the opcode accesses a free variable, False otherwise."""
    return opcode in _free


def has_local(opcode):
    """Return True if the opcode accesses a local variable, False otherwise."""
    return opcode in _local


def has_exc(opcode):
    """Return True if the opcode sets up an exception handler, False otherwise."""
    return opcode in _exc


def stack_effect(opcode, oparg=None, /, *, jump=None):
    """Compute the stack effect of the opcode."""
    raise NotImplementedError("instructions have registers here, and no stack to have an effect on")


def get_executor(code, offset):
    """Return the executor object at offset in code if exists, None otherwise."""
    raise RuntimeError("Executors are not available in this build")


def get_specialization_stats():
    """Return the specialization stats."""
    return None


def get_nb_ops():
    """Return array of symbols of binary ops."""
    operators = (
        ("ADD", "+"), ("AND", "&"), ("FLOOR_DIVIDE", "//"), ("LSHIFT", "<<"), ("MATRIX_MULTIPLY", "@"),
        ("MULTIPLY", "*"), ("REMAINDER", "%"), ("OR", "|"), ("POWER", "**"), ("RSHIFT", ">>"), ("SUBTRACT", "-"),
        ("TRUE_DIVIDE", "/"), ("XOR", "^"),
    )
    plain = [("NB_" + name, symbol) for name, symbol in operators]
    inplace = [("NB_INPLACE_" + name, symbol + "=") for name, symbol in operators]
    return plain + inplace + [("NB_SUBSCR", "[]")]


def get_intrinsic1_descs():
    """Return a list of names of the unary intrinsics."""
    names = "INVALID PRINT IMPORT_STAR STOPITERATION_ERROR ASYNC_GEN_WRAP UNARY_POSITIVE LIST_TO_TUPLE TYPEVAR"
    names += " PARAMSPEC TYPEVARTUPLE SUBSCRIPT_GENERIC TYPEALIAS"
    return [("INTRINSIC_1_" if name == "INVALID" else "INTRINSIC_") + name for name in names.split()]


def get_intrinsic2_descs():
    """Return a list of names of the binary intrinsics."""
    names = "INVALID PREP_RERAISE_STAR TYPEVAR_WITH_BOUND TYPEVAR_WITH_CONSTRAINTS SET_FUNCTION_TYPE_PARAMS"
    names += " SET_TYPEPARAM_DEFAULT"
    return [("INTRINSIC_2_" if name == "INVALID" else "INTRINSIC_") + name for name in names.split()]


def get_special_method_names():
    """Return a list of special method names."""
    return ["__enter__", "__exit__", "__aenter__", "__aexit__"]
