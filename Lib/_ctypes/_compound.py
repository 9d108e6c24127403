"""Arrays, structures, unions and pointers."""

import _orochi_ffi as _ffi
import sys as _sys

from ._data import (
    CArgument, CType_Type, Info, PyCSimpleType, _CData, _NATIVE, _POINTER_SIZE, _WIDE, address_bytes, address_from, at_address, byref,
    concrete, get_bytes, info_of, is_plain, keep, load, part_of, put, store, storing,
    wide_string,
)


def _has_storage(cls):
    return isinstance(cls, CType_Type) and getattr(cls, '_c_info_', None) is not None


# Arrays


class PyCArrayType(CType_Type):
    """The class of array types."""

    def __new__(meta, name, bases, namespace, **options):
        cls = type.__new__(meta, name, bases, namespace, **options)
        if bases == (_CData,):
            return cls
        length = getattr(cls, '_length_', None)
        if length is None:
            raise AttributeError("class must define a '_length_' attribute")
        if not isinstance(length, int):
            raise TypeError("The '_length_' attribute must be an integer")
        if length < 0:
            raise ValueError("The '_length_' attribute must not be negative")
        item = getattr(cls, '_type_', None)
        if item is None:
            raise AttributeError("class must define a '_type_' attribute")
        if not _has_storage(item):
            raise TypeError('_type_ must have storage info')
        inner = info_of(item)
        if length and inner.size > _sys.maxsize // length:
            raise OverflowError('array too large')
        inner.final = True
        # An array can only be passed as an address; inside a structure it is its items.
        cls._c_info_ = Info(
            inner.size * length, inner.align, 'P', inner.format, (length, *inner.shape), item, length)
        if getattr(inner, 'code', None) == 'c':
            cls.value = property(_get_chars, _set_chars, _refuse_deletion)
            cls.raw = property(get_bytes, _set_raw)
        elif getattr(inner, 'code', None) == 'u':
            cls.value = property(_get_text, _set_text, _refuse_deletion)
        return cls

    def from_param(cls, value):
        """Convert a Python object into a function call parameter."""
        info = concrete(cls)
        code = info_of(info.item).code
        if isinstance(value, cls):
            return value
        if code == 'c' and isinstance(value, bytes) or code == 'u' and isinstance(value, str):
            if len(value) > info.length:
                raise ValueError('Invalid length')
            made = cls()
            made.value = value
            return made
        if isinstance(value, tuple):
            if len(value) > info.length:
                raise ValueError('Invalid length')
            return cls(*value)
        return CType_Type.from_param(cls, value)


def _refuse_deletion(self):
    raise TypeError("can't delete attribute")


def _get_chars(self):
    return get_bytes(self).partition(b'\0')[0]


def _set_chars(self, value):
    if not isinstance(value, bytes):
        raise TypeError(f'bytes expected instead of {type(value).__name__} instance')
    if len(value) > self._c_size:
        raise ValueError('byte string too long')
    _ffi.write(self._c_address, value if len(value) == self._c_size else value + b'\0')


def _set_raw(self, value):
    data = memoryview(value).tobytes()
    if len(data) > self._c_size:
        raise ValueError('byte string too long')
    _ffi.write(self._c_address, data)


def _get_text(self):
    return get_bytes(self).decode(_WIDE, 'surrogatepass').partition('\0')[0]


def _set_text(self, value):
    if not isinstance(value, str):
        raise TypeError(f'unicode string expected instead of {type(value).__name__} instance')
    length = info_of(type(self)).length
    if len(value) > length:
        raise ValueError('string too long')
    _ffi.write(self._c_address, (value if len(value) == length else value + '\0').encode(_WIDE, 'surrogatepass'))


_array_types = {}


def array_type(item, length):
    """The type of arrays of so many items; always the same one."""
    concrete(item)
    made = _array_types.get((item, length))
    if made is None:
        name = f'{item.__name__}_Array_{length}'
        # The module of whoever wrote `item * length`.
        namespace = {'_length_': length, '_type_': item, '__module__': _sys._getframemodulename(2)}
        made = _array_types.setdefault((item, length), PyCArrayType(name, (Array,), namespace))
    return made


def _slice_value(item, data):
    """What slices of characters give."""
    if getattr(info_of(item), 'code', None) == 'c':
        return b''.join(data)
    if getattr(info_of(item), 'code', None) == 'u':
        return ''.join(data)
    return list(data)


class Array(_CData, metaclass=PyCArrayType):
    """Abstract base class for arrays.

    The recommended way to create concrete array types is by multiplying any
    ctypes data type with a non-negative integer. Alternatively, you can subclass
    this type and define _length_ and _type_ class variables. Array elements can
    be read and written using standard subscript and slice accesses for slice
    reads, the resulting object is not itself an Array."""

    def __init__(self, *values):
        for index, value in enumerate(values):
            self[index] = value

    def __len__(self):
        return info_of(type(self)).length

    def _c_place(self, index):
        info = info_of(type(self))
        if not hasattr(index, '__index__'):
            raise TypeError('indices must be integers')
        index = index.__index__()
        if index < 0:
            index += info.length
        if not 0 <= index < info.length:
            raise IndexError('invalid index')
        return info.item, index

    def __getitem__(self, index):
        if isinstance(index, slice):
            places = range(*index.indices(len(self)))
            return _slice_value(info_of(type(self)).item, (self[place] for place in places))
        item, index = self._c_place(index)
        return load(item, self, index * info_of(item).size, index)

    def __setitem__(self, index, value):
        if isinstance(index, slice):
            places = range(*index.indices(len(self)))
            if len(places) != len(value):
                raise ValueError('Can only assign sequence of same size')
            for place, part in zip(places, value):
                self[place] = part
            return
        item, index = self._c_place(index)
        store(item, self, index * info_of(item).size, index, value)

    def __delitem__(self, index):
        raise TypeError('Array does not support item deletion')

    def __class_getitem__(cls, item):
        import types
        return types.GenericAlias(cls, item)


# Structures and unions


class CField:
    """Structure/Union member"""

    def __init__(self, *, name, type, byte_size, byte_offset, index, _internal_use, bit_size=None, bit_offset=None):
        if not _internal_use:
            raise TypeError("CField cannot be created directly")
        if not isinstance(type, CType_Type):
            raise TypeError('type of field %r must be a C type' % (name,))
        if not isinstance(name, str):
            raise TypeError('field name must be a string')
        info = info_of(type)
        if byte_size != info.size:
            raise ValueError(f'byte_size {byte_size} of field {name!r} does not match type size {info.size}')
        self.name, self.type, self.index = name, type, index
        self.offset = self.byte_offset = byte_offset
        self.byte_size = byte_size
        self.is_bitfield = bit_size is not None
        self.is_anonymous = False
        if self.is_bitfield:
            if getattr(info, 'code', None) is None or info.code not in 'bBhHiIlLqQ?cu':
                raise TypeError(f'bit fields not allowed for type {type.__name__}')
            if not 0 <= bit_offset <= bit_offset + bit_size <= byte_size * 8:
                raise ValueError(f'bit field {name!r} overflows its type ({bit_offset} + {bit_size} > {byte_size * 8})')
            self.bit_size, self.bit_offset = bit_size, bit_offset
            self.size = bit_size << 16 | bit_offset
        else:
            self.bit_size, self.bit_offset = byte_size * 8, 0
            self.size = byte_size

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        if not isinstance(instance, _CData):
            raise TypeError('not a ctypes instance')
        if not self.is_bitfield:
            found = load(self.type, instance, self.offset, self.index)
            return found.value if self._is_text() else found
        info = info_of(self.type)
        number = self._unit(instance, info) >> self.bit_offset & (1 << self.bit_size) - 1
        if info.code.islower() and info.code in 'bhilq' and number >> self.bit_size - 1:
            number -= 1 << self.bit_size
        return bool(number) if info.code == '?' else number

    def __set__(self, instance, value):
        if not isinstance(instance, _CData):
            raise TypeError('not a ctype instance')
        if not self.is_bitfield:
            if self._is_text() and not isinstance(value, self.type):
                return _set_text_field(part_of(self.type, instance, self.offset, self.index), value)
            return store(self.type, instance, self.offset, self.index, value)
        info = info_of(self.type)
        data, _ = info.store(value)
        order = _order(info)
        mask = (1 << self.bit_size) - 1 << self.bit_offset
        number = int.from_bytes(data, order) << self.bit_offset & mask
        unit = self._unit(instance, info) & ~mask | number
        _ffi.write(instance._c_address + self.offset, unit.to_bytes(info.size, order))

    def __delete__(self, instance):
        raise TypeError("can't delete attribute")

    def _is_text(self):
        """Whether it is an array of characters, which is seen as bytes or text."""
        return issubclass(self.type, Array) and getattr(info_of(self.type._type_), 'code', None) in ('c', 'u')

    def _unit(self, instance, info):
        return int.from_bytes(_ffi.read(instance._c_address + self.offset, info.size), _order(info))

    def __repr__(self):
        if self.is_bitfield:
            bits = f', bit_size={self.bit_size}, bit_offset={self.bit_offset}'
            return f'<ctypes.CField {self.name!r} type={self.type.__name__}, ofs={self.offset}{bits}>'
        return f'<ctypes.CField {self.name!r} type={self.type.__name__}, ofs={self.offset}, size={self.size}>'


def _order(info):
    return 'big' if info.format[0] == '>' else 'little'


# What is larger isn't passed by value.
_LARGEST_VALUE = 1 << 16


def _kind_of(info):
    """What a member is in a signature: the items of an array, or the member itself."""
    if info.shape and info.size <= _LARGEST_VALUE:
        return _kind_of(info_of(info.item)) * info.length
    return [None if info.shape else info.kind]


def _set_text_field(part, value):
    """Fills an array of characters that is a member: bytes end at a zero."""
    if info_of(part._type_).code == 'u':
        part.value = value
        return
    if not isinstance(value, bytes):
        raise TypeError(f'expected bytes, {type(value).__name__} found')
    value = value.partition(b'\0')[0]
    if len(value) > part._c_size:
        raise ValueError(f'bytes too long ({len(value)}, maximum length {part._c_size})')
    part.value = value


class _AggregateType(CType_Type):
    """What the classes of structures and of unions have in common."""

    def __new__(meta, name, bases, namespace, **options):
        fields = namespace.pop('_fields_', None)
        cls = type.__new__(meta, name, bases, namespace, **options)
        if '_abstract_' in namespace:
            return cls
        base = _inherited(cls)
        if base is not None:
            # A new class may yet get fields of its own.
            info = Info(base.size, base.align, lambda: base.kind, base.format, (), None, base.length)
            base.final = True
            info.members, info.fields = list(base.members), []
        else:
            info = Info(0, 1, None, 'B')
            info.members, info.fields = [], []
        type.__setattr__(cls, '_c_info_', info)
        if fields is not None:
            cls._fields_ = fields
        return cls

    def __setattr__(cls, name, value):
        if name == '_fields_':
            _set_fields(cls, value)
        type.__setattr__(cls, name, value)


class PyCStructType(_AggregateType):
    """The class of structures' types."""


class UnionType(_AggregateType):
    """The class of unions' types."""


def _inherited(cls):
    for base in cls.__mro__[1:]:
        if isinstance(base, _AggregateType) and base.__dict__.get('_c_info_') is not None:
            return base._c_info_
    return None


def _set_fields(cls, fields):
    info = cls.__dict__['_c_info_']
    if info.final:
        raise AttributeError('_fields_ is final')
    fields = list(fields)
    from ctypes import _layout
    base = next((base for base in cls.__mro__[1:] if isinstance(base, _AggregateType)
                 and base.__dict__.get('_c_info_') is not None and base._c_info_.members), None)
    layout = _layout.get_layout(cls, fields, issubclass(cls, Structure), base)
    members = list(base._c_info_.members) if base is not None else []
    first = len(members)
    for field in layout.fields:
        field.index += first
        info_of(field.type).final = True
        if info.final:
            raise AttributeError('Structure or union cannot contain itself')
        type.__setattr__(cls, field.name, field)
        members.append(field)
    info.size, info.align, info.format = layout.size, layout.align, layout.format_spec
    info.members, info.fields, info.length = members, [field.name for field in layout.fields], len(members)
    # Few are ever passed by value, and those with long arrays have long signatures.
    info._kind = lambda: _signature(cls, info)
    info.final = True
    _make_anonymous(cls)


def _signature(cls, info):
    """A structure as a signature has it; None if it can't be passed by value."""
    if not issubclass(cls, Structure) or not info.size:
        return None
    kinds, seen = [], set()
    for field in info.members:
        # The bit fields of a unit are one member.
        if field.is_bitfield and field.offset in seen:
            continue
        seen.add(field.offset)
        kinds += _kind_of(info_of(field.type))
    return None if None in kinds else (info.size, *kinds)


def _make_anonymous(cls):
    """Members of members that `_anonymous_` names are members too."""
    for name in getattr(cls, '_anonymous_', ()):
        field = getattr(cls, name, None)
        if field is None:
            raise AttributeError(name)
        if not isinstance(field, CField):
            raise AttributeError(f"'{name}' is specified in _anonymous_ but not in _fields_")
        field.is_anonymous = True
        for inner in info_of(field.type).members:
            if inner.name not in ('_type_',):
                made = CField(
                    name=inner.name, type=inner.type, byte_size=inner.byte_size, byte_offset=field.offset + inner.offset,
                    index=field.index, _internal_use=True, bit_size=inner.bit_size if inner.is_bitfield else None,
                    bit_offset=inner.bit_offset if inner.is_bitfield else None)
                type.__setattr__(cls, inner.name, made)
        for other in getattr(field.type, '_anonymous_', ()):
            for inner in info_of(getattr(field.type, other).type).members:
                outer = getattr(field.type, inner.name)
                type.__setattr__(cls, inner.name, CField(
                    name=outer.name, type=outer.type, byte_size=outer.byte_size, byte_offset=field.offset + outer.offset,
                    index=field.index, _internal_use=True))


def _initialize(self, values, named):
    members = info_of(type(self)).members
    if len(values) > len(members):
        raise TypeError('too many initializers')
    for member, value in zip(members, values):
        if member.name in named:
            raise TypeError(f'duplicate values for field {member.name!r}')
        setattr(self, member.name, value)
    for name, value in named.items():
        setattr(self, name, value)


class Structure(_CData, metaclass=PyCStructType):
    """Structure base class"""

    _abstract_ = 0

    def __init__(self, *values, **named):
        _initialize(self, values, named)


class Union(_CData, metaclass=UnionType):
    """Union base class"""

    _abstract_ = 0

    def __init__(self, *values, **named):
        _initialize(self, values, named)


# Pointers


class PyCPointerType(CType_Type):
    """The class of pointers' types."""

    def __new__(meta, name, bases, namespace, **options):
        cls = type.__new__(meta, name, bases, namespace, **options)
        if bases == (_CData,):
            return cls
        cls._c_info_ = Info(_POINTER_SIZE, _POINTER_SIZE, 'P', _NATIVE + 'P', (), None, 1)
        item = getattr(cls, '_type_', None)
        if item is not None:
            cls.set_type(item)
        return cls

    def set_type(cls, item):
        """Completes a pointer type."""
        if not isinstance(item, type):
            raise TypeError('_type_ must be a type')
        if not _has_storage(item):
            raise TypeError(f'{item!r} must have storage info')
        info = cls._c_info_
        info.item = item
        target = info_of(item)
        dimensions = f"({','.join(map(str, target.shape))})" if target.shape else ''
        info.format = f'&{dimensions}{target.format}'
        type.__setattr__(cls, '_type_', item)
        if '_c_pointer_type_' not in item.__dict__:
            item.__pointer_type__ = cls

    def from_param(cls, value):
        """Convert a Python object into a function call parameter."""
        if value is None:
            return None
        item = concrete(cls).item
        if item is not None and isinstance(value, item):
            return byref(value)
        if isinstance(value, (Array, _Pointer)):
            other = info_of(type(value)).item
            if other is not None and item is not None and issubclass(other, item):
                return value
        return _from_reference(cls, item, value)


def _from_reference(cls, item, value):
    """What `byref` gave for an item, or what any class takes."""
    if isinstance(value, CArgument) and item is not None and isinstance(value._obj, item):
        return value
    return CType_Type.from_param(cls, value)


class _Pointer(_CData, metaclass=PyCPointerType):
    """XXX to be provided"""

    def __new__(cls, *values):
        if concrete(cls).item is None:
            raise TypeError('Cannot create instance: has no _type_')
        return _CData.__new__(cls)

    def __init__(self, value=None):
        if value is not None:
            self.contents = value

    def _c_target(self):
        address = address_from(get_bytes(self))
        if not address:
            raise ValueError('NULL pointer access')
        return address

    @property
    def contents(self):
        """the object this pointer points to (read-write)"""
        item = info_of(type(self)).item
        address = self._c_target()
        made = at_address(item, address)
        made._c_memory = self
        keep(made, -2, self) if info_of(item).length else None
        return made

    @contents.setter
    def contents(self, value):
        item = info_of(type(self)).item
        if not isinstance(value, item) and not (isinstance(value, Array) and issubclass(info_of(type(value)).item, item)):
            raise TypeError(f'expected {item.__name__} instead of {type(value).__name__}')
        with storing:
            put(self, 0, 1, address_bytes(value._c_address), value)
            keep(self, 0, value._c_objects)

    @contents.deleter
    def contents(self):
        raise TypeError('Pointer does not support item deletion')

    def __bool__(self):
        return any(get_bytes(self))

    def _c_item(self, index):
        """The memory that a pointer leads to, as something to find items in."""
        item = info_of(type(self)).item
        place = at_address(item, self._c_target() + index * info_of(item).size)
        place._c_memory = self
        return item, place

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self._c_slice(index)
        if not hasattr(index, '__index__'):
            raise TypeError('Pointer indices must be integer')
        item, place = self._c_item(index.__index__())
        return load(item, place, 0, 0) if is_plain(item) else place

    def _c_slice(self, index):
        step = 1 if index.step is None else index.step.__index__()
        if step == 0:
            raise ValueError('slice step cannot be zero')
        if index.start is None and step < 0:
            raise ValueError('slice start is required for step < 0')
        if index.stop is None:
            raise ValueError('slice stop is required')
        start = 0 if index.start is None else index.start.__index__()
        places = range(start, index.stop.__index__(), step)
        return _slice_value(info_of(type(self)).item, (self[place] for place in places))

    def __setitem__(self, index, value):
        if not hasattr(index, '__index__'):
            raise TypeError('Pointer indices must be integer')
        item, place = self._c_item(index.__index__())
        with storing:
            store(item, place, 0, 0, value)
            keep(self, index, place._c_objects)

    def __delitem__(self, index):
        raise TypeError('Pointer does not support item deletion')
