"""What the module ssl asks of an implementation: TLS by the OpenSSL 3 that the system has, through ctypes.

Where there is none, importing this fails, as it does for a CPython that was built without. `_library` names OpenSSL's functions
and makes errors of what it reports; contexts, connections and certificates have a module each.
"""

import ctypes as _ctypes

from ._constants import *
from ._constants import _DEFAULT_CIPHERS
from ._library import (
    OPENSSL_VERSION, OPENSSL_VERSION_INFO, OPENSSL_VERSION_NUMBER, SSLCertVerificationError, SSLEOFError, SSLError, SSLSyscallError,
    SSLWantReadError, SSLWantWriteError, SSLZeroReturnError, _OPENSSL_API_VERSION, INT_MAX as _INT_MAX, lib as _lib,
    received as _received, ssl_error as _ssl_error,
)
from ._certificates import Certificate, _test_decode_cert
from ._connection import MemoryBIO, SSLConnection as _SSLSocket, SSLSession
from ._context import _SSLContext


def RAND_bytes(n, /):
    """Generate n cryptographically strong pseudo-random bytes."""
    if n < 0:
        raise ValueError('num must be positive')
    if n > _INT_MAX:
        raise OverflowError('Python int too large to convert to C int')

    def fill(address):
        if _lib.RAND_bytes(address, n) != 1:
            raise _ssl_error()
        return n
    return _received(n, fill)


def RAND_add(string, entropy, /):
    """Mix string into the OpenSSL PRNG state.

entropy (a float) is a lower bound on the entropy contained in
string.  See RFC 4086."""
    data = string.encode() if isinstance(string, str) else bytes(string)
    _lib.RAND_add(data, len(data), entropy)


def RAND_status():
    """Returns True if the OpenSSL PRNG has been seeded with enough data and False if not.

It is necessary to seed the PRNG with RAND_add() on some platforms before
using the ssl() function."""
    return bool(_lib.RAND_status())


def get_default_verify_paths():
    """Return search paths and environment vars that are used by SSLContext's set_default_verify_paths() to load default CAs.

The values are 'cert_file_env', 'cert_file', 'cert_dir_env', 'cert_dir'."""
    places = (
        _lib.X509_get_default_cert_file_env, _lib.X509_get_default_cert_file, _lib.X509_get_default_cert_dir_env,
        _lib.X509_get_default_cert_dir,
    )
    return tuple(place().decode() for place in places)


def _described(address):
    nid = _lib.OBJ_obj2nid(address)
    if not nid:
        raise ValueError('Unknown object')
    buffer = _ctypes.create_string_buffer(256)
    length = _lib.OBJ_obj2txt(buffer, len(buffer), address, 1)
    return nid, _lib.OBJ_nid2sn(nid).decode(), _lib.OBJ_nid2ln(nid).decode(), buffer.raw[:length].decode() if length > 0 else None


def txt2obj(txt, name=False):
    """Lookup NID, short name, long name and OID of an ASN1_OBJECT.

By default objects are looked up by OID. With name=True short and
long name are also matched."""
    address = _lib.OBJ_txt2obj(txt.encode(), 0 if name else 1)
    if not address:
        _lib.ERR_clear_error()
        raise ValueError(f"unknown object '{txt:.100}'")
    try:
        return _described(address)
    finally:
        _lib.ASN1_OBJECT_free(address)


def nid2obj(nid, /):
    """Lookup NID, short name, long name and OID of an ASN1_OBJECT by NID."""
    if nid < 0:
        raise ValueError('NID must be positive.')
    address = _lib.OBJ_nid2obj(nid)
    if not address:
        _lib.ERR_clear_error()
        raise ValueError(f'unknown NID {nid}')
    return _described(address)
