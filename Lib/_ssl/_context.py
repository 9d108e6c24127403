"""Contexts: what connections have in common."""

import ctypes as _ctypes
import os as _os
import sys as _sys
import warnings as _warnings
from _thread import RLock as _RLock
from operator import index as _index

from . import _constants as _c
from ._certificates import Certificate, decode, read_certificates, to_der
from ._connection import SSLConnection, connection_at
from ._library import SSLError, alone, lib, made_error, ssl_error, stack, system_or_ssl_error, taken_stack

_SET_MODE, _SET_SERVERNAME_CALLBACK, _SET_MINIMUM, _SET_MAXIMUM, _GET_MINIMUM, _GET_MAXIMUM = 33, 53, 123, 124, 130, 131
_SET_GROUPS_LIST, _SET_CACHE_MODE = 92, 44
_NO_PARTIAL_WILDCARDS = 4
_OK, _ALERT_FATAL, _NOT_ACKNOWLEDGED = 0, 2, 3
_INTERNAL_ERROR, _HANDSHAKE_FAILURE = 80, 40

_METHODS = {_c.PROTOCOL_TLS_CLIENT: 'TLS_client_method', _c.PROTOCOL_TLS_SERVER: 'TLS_server_method'}
# Protocols of the time when each version had its own, with that version.
_OLD = {
    _c.PROTOCOL_TLS: ('TLS', None), _c.PROTOCOL_TLSv1: ('TLSv1', _c.PROTO_TLSv1), _c.PROTOCOL_TLSv1_1: ('TLSv1_1', _c.PROTO_TLSv1_1),
    _c.PROTOCOL_TLSv1_2: ('TLSv1_2', _c.PROTO_TLSv1_2),
}
_STATISTICS = {
    'number': 20, 'connect': 21, 'connect_good': 22, 'connect_renegotiate': 23, 'accept': 24, 'accept_good': 25,
    'accept_renegotiate': 26, 'hits': 27, 'misses': 29, 'timeouts': 30, 'cache_full': 31,
}

_PasswordCallback = _ctypes.CFUNCTYPE(_ctypes.c_int, _ctypes.c_void_p, _ctypes.c_int, _ctypes.c_int, _ctypes.c_void_p)
_NameCallback = _ctypes.CFUNCTYPE(_ctypes.c_int, _ctypes.c_void_p, _ctypes.POINTER(_ctypes.c_int), _ctypes.c_void_p)
_ProtocolCallback = _ctypes.CFUNCTYPE(
    _ctypes.c_int, _ctypes.c_void_p, _ctypes.POINTER(_ctypes.c_void_p), _ctypes.POINTER(_ctypes.c_ubyte), _ctypes.c_void_p,
    _ctypes.c_uint, _ctypes.c_void_p)
_KeylogCallback = _ctypes.CFUNCTYPE(None, _ctypes.c_void_p, _ctypes.c_char_p)


def _address(callback):
    return _ctypes.cast(callback, _ctypes.c_void_p) if callback is not None else None


def _path(value, what):
    try:
        return _os.fsencode(value)
    except TypeError:
        raise TypeError(f'{what} should be a valid filesystem path') from None


class _SSLContext:
    """An SSLContext holds various SSL-related configuration options and data, such as certificates and possibly a private key."""

    def __new__(cls, protocol, *arguments, **options):
        self = object.__new__(cls)
        self._context = self._keylog = None
        self._lock = _RLock()
        if protocol in _OLD:
            name, version = _OLD[protocol]
            _warnings.warn(f'ssl.PROTOCOL_{name} is deprecated', DeprecationWarning, 3)
        elif protocol in _METHODS:
            version = None
        else:
            raise ValueError('invalid or unsupported protocol version')
        lib.ERR_clear_error()
        self._context = lib.SSL_CTX_new(getattr(lib, _METHODS.get(protocol, 'TLS_method'))())
        if not self._context:
            raise ssl_error()
        self._protocol, self._check_hostname, self._flags_of_hosts = protocol, False, _NO_PARTIAL_WILDCARDS
        self._sni_callback = None
        # What OpenSSL may call. Another thread may be in a callback that is replaced, so all stay.
        self._thunks = []
        lib.SSL_CTX_set_options(
            self._context, _c.OP_ALL | _c.OP_NO_SSLv3 | _c.OP_NO_COMPRESSION | _c.OP_CIPHER_SERVER_PREFERENCE)
        lib.SSL_CTX_ctrl(self._context, _SET_MINIMUM, version or _c.PROTO_TLSv1_2, None)
        if version:
            lib.SSL_CTX_ctrl(self._context, _SET_MAXIMUM, version, None)
        if not lib.SSL_CTX_set_cipher_list(self._context, _c._DEFAULT_CIPHERS.encode()):
            raise ssl_error()
        lib.SSL_CTX_set_session_id_context(self._context, b'Python', 6)
        parameters = lib.SSL_CTX_get0_param(self._context)
        lib.X509_VERIFY_PARAM_set_flags(parameters, _c.VERIFY_X509_TRUSTED_FIRST)
        lib.X509_VERIFY_PARAM_set_hostflags(parameters, self._flags_of_hosts)
        lib.SSL_CTX_set_post_handshake_auth(self._context, 0)
        self._post_handshake_auth = False
        if protocol == _c.PROTOCOL_TLS_CLIENT:
            self.verify_mode = _c.CERT_REQUIRED
            self._check_hostname = True
        return self

    def __init__(self, *arguments, **options):
        pass

    def __del__(self, free=lib.SSL_CTX_free, is_ending=_sys.is_finalizing):
        if self._context and not is_ending():
            free(self._context)
        if self._keylog is not None:
            self._keylog.close()

    # What is wanted of connections

    @property
    def protocol(self):
        return self._protocol

    @property
    def options(self):
        return lib.SSL_CTX_get_options(self._context)

    @options.setter
    @alone
    def options(self, options):
        if not isinstance(options, int):
            raise TypeError(f'argument 1 must be int, not {type(options).__name__}')
        if options < 0:
            raise ValueError('options must be positive')
        if options >> 64:
            raise OverflowError('int too big to convert')
        old = self.options
        obsolete = _c.OP_NO_SSLv3 | _c.OP_NO_TLSv1 | _c.OP_NO_TLSv1_1 | _c.OP_NO_TLSv1_2 | _c.OP_NO_TLSv1_3
        if options & ~old & obsolete:
            _warnings.warn('ssl.OP_NO_SSL*/ssl.OP_NO_TLS* options are deprecated', DeprecationWarning, 4)
        lib.SSL_CTX_clear_options(self._context, old & ~options)
        lib.SSL_CTX_set_options(self._context, options & ~old)

    def _version(self, which):
        return lib.SSL_CTX_ctrl(self._context, which, 0, None)

    @alone
    def _set_version(self, which, version):
        if self._protocol in (_c.PROTOCOL_TLSv1, _c.PROTOCOL_TLSv1_1, _c.PROTOCOL_TLSv1_2):
            raise ValueError("The context's protocol doesn't support modification of highest and lowest version.")
        special = {_c.PROTO_MINIMUM_SUPPORTED, _c.PROTO_MAXIMUM_SUPPORTED}
        known = {_c.PROTO_SSLv3, _c.PROTO_TLSv1, _c.PROTO_TLSv1_1, _c.PROTO_TLSv1_2, _c.PROTO_TLSv1_3}
        if version not in known | special:
            raise ValueError(f'Unsupported TLS/SSL version {version:#x}')
        if version in known - {_c.PROTO_TLSv1_2, _c.PROTO_TLSv1_3}:
            name = {_c.PROTO_SSLv3: 'SSLv3', _c.PROTO_TLSv1: 'TLSv1', _c.PROTO_TLSv1_1: 'TLSv1_1'}[version]
            _warnings.warn(f'ssl.TLSVersion.{name} is deprecated', DeprecationWarning, 5)
        lowest, highest = (0, _c.PROTO_TLSv1_3) if which == _SET_MINIMUM else (_c.PROTO_TLSv1, 0)
        version = {_c.PROTO_MINIMUM_SUPPORTED: lowest, _c.PROTO_MAXIMUM_SUPPORTED: highest}.get(version, version)
        if not lib.SSL_CTX_ctrl(self._context, which, version, None):
            raise ValueError(f'Unsupported protocol version {version:#x}')

    @property
    def minimum_version(self):
        return self._version(_GET_MINIMUM) or _c.PROTO_MINIMUM_SUPPORTED

    @minimum_version.setter
    def minimum_version(self, version):
        self._set_version(_SET_MINIMUM, version)

    @property
    def maximum_version(self):
        return self._version(_GET_MAXIMUM) or _c.PROTO_MAXIMUM_SUPPORTED

    @maximum_version.setter
    def maximum_version(self, version):
        self._set_version(_SET_MAXIMUM, version)

    @property
    def verify_mode(self):
        mode = lib.SSL_CTX_get_verify_mode(self._context)
        return {0: _c.CERT_NONE, 1: _c.CERT_OPTIONAL, 3: _c.CERT_REQUIRED}[mode & 3]

    @verify_mode.setter
    @alone
    def verify_mode(self, mode):
        modes = {_c.CERT_NONE: 0, _c.CERT_OPTIONAL: 1, _c.CERT_REQUIRED: 3}
        if not isinstance(mode, int):
            raise TypeError(f"'{type(mode).__name__}' object cannot be interpreted as an integer")
        if mode not in modes:
            raise ValueError('invalid value for verify_mode')
        if mode == _c.CERT_NONE and self._check_hostname:
            raise ValueError('Cannot set verify_mode to CERT_NONE when check_hostname is enabled.')
        lib.SSL_CTX_set_verify(self._context, modes[mode], None)

    @property
    def check_hostname(self):
        return self._check_hostname

    @check_hostname.setter
    @alone
    def check_hostname(self, check):
        if check and self.verify_mode == _c.CERT_NONE:
            self.verify_mode = _c.CERT_REQUIRED
        self._check_hostname = bool(check)

    @property
    def verify_flags(self):
        return lib.X509_VERIFY_PARAM_get_flags(lib.SSL_CTX_get0_param(self._context))

    @verify_flags.setter
    @alone
    def verify_flags(self, flags):
        parameters, old = lib.SSL_CTX_get0_param(self._context), self.verify_flags
        flags = int(flags)
        lib.X509_VERIFY_PARAM_clear_flags(parameters, old & ~flags)
        lib.X509_VERIFY_PARAM_set_flags(parameters, flags & ~old)

    @property
    def _host_flags(self):
        return self._flags_of_hosts

    @_host_flags.setter
    @alone
    def _host_flags(self, flags):
        self._flags_of_hosts = flags
        lib.X509_VERIFY_PARAM_set_hostflags(lib.SSL_CTX_get0_param(self._context), flags)

    @property
    def post_handshake_auth(self):
        return self._post_handshake_auth

    @post_handshake_auth.setter
    def post_handshake_auth(self, wanted):
        if wanted is None:
            raise AttributeError('cannot delete attribute')
        self._post_handshake_auth = bool(wanted)

    @property
    def num_tickets(self):
        return lib.SSL_CTX_get_num_tickets(self._context)

    @num_tickets.setter
    @alone
    def num_tickets(self, number):
        if number < 0:
            raise ValueError('value must be non-negative')
        if self._protocol != _c.PROTOCOL_TLS_SERVER:
            raise ValueError('SSLContext is not a server context.')
        lib.SSL_CTX_set_num_tickets(self._context, number)

    @property
    def security_level(self):
        return lib.SSL_CTX_get_security_level(self._context)

    @alone
    def set_ciphers(self, ciphers, /):
        lib.ERR_clear_error()
        if not lib.SSL_CTX_set_cipher_list(self._context, ciphers.encode()):
            lib.ERR_clear_error()
            raise SSLError('No cipher can be selected.')

    @alone
    def get_ciphers(self):
        ssl = lib.SSL_new(self._context)
        try:
            # In the order of preference.
            return [_cipher(address) for address in taken_stack(lib.SSL_get1_supported_ciphers(ssl))]
        finally:
            lib.SSL_free(ssl)

    @alone
    def set_ecdh_curve(self, name, /):
        name = _os.fsencode(name)
        known = lib.OBJ_txt2obj(name, 0)
        if not known:
            lib.ERR_clear_error()
            raise ValueError(f'unknown elliptic curve name {name!r}')
        lib.ASN1_OBJECT_free(known)
        if not lib.SSL_CTX_ctrl(self._context, _SET_GROUPS_LIST, 0, _ctypes.cast(_ctypes.c_char_p(name), _ctypes.c_void_p)):
            raise ssl_error()

    def load_dh_params(self, path, /):
        raise NotImplementedError('load_dh_params() is not supported yet; OpenSSL chooses parameters itself')

    def set_psk_client_callback(self, callback):
        raise NotImplementedError('pre-shared keys are not supported yet')

    def set_psk_server_callback(self, callback, identity_hint=None):
        raise NotImplementedError('pre-shared keys are not supported yet')

    def session_stats(self):
        return {name: lib.SSL_CTX_ctrl(self._context, number, 0, None) for name, number in _STATISTICS.items()}

    @property
    def _msg_callback(self):
        return None

    @_msg_callback.setter
    def _msg_callback(self, callback):
        if callback is not None:
            raise NotImplementedError('callbacks for messages are not supported yet')

    # Certificates

    @alone
    def load_cert_chain(self, certfile, keyfile=None, password=None):
        certfile = _path(certfile, 'certfile')
        keyfile = certfile if keyfile is None else _path(keyfile, 'keyfile')
        failures = []
        lib.ERR_clear_error()
        thunk = _PasswordCallback(lambda *where: _give_password(password, failures, *where)) if password is not None else None
        lib.SSL_CTX_set_default_passwd_cb(self._context, _address(thunk))
        try:
            for load in (
                lambda: lib.SSL_CTX_use_certificate_chain_file(self._context, certfile),
                lambda: lib.SSL_CTX_use_PrivateKey_file(self._context, keyfile, 1),
                lambda: lib.SSL_CTX_check_private_key(self._context),
            ):
                _ctypes.set_errno(0)
                if load() != 1:
                    if failures:
                        lib.ERR_clear_error()
                        raise failures[0]
                    raise system_or_ssl_error(_missing(certfile) or _missing(keyfile))
        finally:
            lib.SSL_CTX_set_default_passwd_cb(self._context, None)

    @alone
    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        if cafile is None and capath is None and cadata is None:
            raise TypeError('cafile, capath and cadata cannot be all omitted')
        cafile = None if cafile is None else _path(cafile, 'cafile')
        capath = None if capath is None else _path(capath, 'capath')
        lib.ERR_clear_error()
        if cadata is not None:
            self._add_certificates(cadata)
        if cafile is not None or capath is not None:
            if not lib.SSL_CTX_load_verify_locations(self._context, cafile, capath):
                raise system_or_ssl_error(_missing(cafile))

    def _add_certificates(self, data):
        binary = not isinstance(data, str)
        if not binary:
            try:
                data = data.encode('ascii')
            except UnicodeEncodeError:
                raise TypeError('cadata should be an ASCII string or a bytes-like object') from None
        else:
            try:
                data = bytes(memoryview(data))
            except TypeError:
                raise TypeError('cadata should be an ASCII string or a bytes-like object') from None
        if not data:
            raise ValueError('Empty certificate data')
        found = read_certificates(data, binary)
        # How reading ended: at the end, or at what is no certificate.
        code = lib.ERR_peek_last_error()
        ended = not code or lib.ERR_reason_error_string(code) == b'no start line'
        if found and not ended:
            for certificate in found:
                lib.X509_free(certificate)
            raise ssl_error()
        if not found:
            lib.ERR_clear_error()
            why, reason = ('not enough data', 'NOT_ENOUGH_DATA') if binary else ('no start line', 'NO_START_LINE')
            raise made_error(SSLError, 0, 'ASN1' if binary else 'PEM', reason, f'{why}: cadata does not contain a certificate')
        lib.ERR_clear_error()
        store = lib.SSL_CTX_get_cert_store(self._context)
        for certificate in found:
            # Adding the same one again does nothing.
            lib.X509_STORE_add_cert(store, certificate)
            lib.X509_free(certificate)
        lib.ERR_clear_error()

    @alone
    def set_default_verify_paths(self):
        lib.ERR_clear_error()
        if not lib.SSL_CTX_set_default_verify_paths(self._context):
            raise ssl_error()

    def _stored(self):
        """The certificates in the store, and how many lists of revoked ones there are. Connections of other threads add some."""
        store = lib.SSL_CTX_get_cert_store(self._context)
        lib.X509_STORE_lock(store)
        try:
            objects = [(lib.X509_OBJECT_get_type(each), each) for each in stack(lib.X509_STORE_get0_objects(store))]
            certificates = [Certificate._of(lib.X509_OBJECT_get0_X509(each)) for kind, each in objects if kind == 1]
        finally:
            lib.X509_STORE_unlock(store)
        return certificates, sum(kind == 2 for kind, _ in objects)

    def cert_store_stats(self):
        certificates, lists = self._stored()
        authorities = sum(bool(lib.X509_check_ca(each._address)) for each in certificates)
        return {'x509': len(certificates), 'crl': lists, 'x509_ca': authorities}

    def get_ca_certs(self, binary_form=False):
        form = to_der if binary_form else decode
        return [form(each._address) for each in self._stored()[0] if lib.X509_check_ca(each._address)]

    # Callbacks

    @property
    def sni_callback(self):
        return self._sni_callback

    @sni_callback.setter
    @alone
    def sni_callback(self, callback):
        if self._protocol == _c.PROTOCOL_TLS_CLIENT:
            raise ValueError('sni_callback cannot be set on TLS_CLIENT context')
        if callback is not None and not callable(callback):
            raise TypeError('not a callable object')
        thunk = None
        if callback is not None:
            def named(ssl, alert, _):
                return _call_sni(callback, ssl, alert)
            thunk = _NameCallback(named)
        self._thunks.append(thunk)
        lib.SSL_CTX_callback_ctrl(self._context, _SET_SERVERNAME_CALLBACK, _address(thunk))
        self._sni_callback = callback

    @alone
    def _set_alpn_protocols(self, protocols, /):
        protocols = bytes(protocols)
        buffer = _ctypes.create_string_buffer(protocols, len(protocols) or 1)
        if lib.SSL_CTX_set_alpn_protos(self._context, protocols, len(protocols)):
            raise MemoryError
        own = _split(protocols)

        def select(ssl, out, length, offered, size, _):
            given = {name for _, name in _split(_ctypes.string_at(offered, size))}
            for place, name in own:
                if name in given:
                    out[0] = _ctypes.addressof(buffer) + place
                    length[0] = len(name)
                    return _OK
            return _NOT_ACKNOWLEDGED
        thunk = _ProtocolCallback(select)
        self._thunks.append(thunk)
        lib.SSL_CTX_set_alpn_select_cb(self._context, _address(thunk), None)

    @property
    def keylog_filename(self):
        return self._keylog and self._keylog.name

    @keylog_filename.setter
    @alone
    def keylog_filename(self, name):
        lib.SSL_CTX_set_keylog_callback(self._context, None)
        if self._keylog is not None:
            self._keylog.close()
        self._keylog = None
        if name is None:
            return
        name = _os.fspath(name)
        file = self._keylog = open(name, 'ab', buffering=0)
        if not file.tell():
            file.write(b'# TLS secrets log file, generated by OpenSSL / Python\n')
        thunk = _KeylogCallback(lambda ssl, line: None if file.closed else file.write(line + b'\n') and None)
        self._thunks.append(thunk)
        lib.SSL_CTX_set_keylog_callback(self._context, _address(thunk))

    # Connections

    def _wrap_socket(self, sock, server_side, server_hostname=None, *, owner=None, session=None):
        return SSLConnection(self, sock, None, server_side, server_hostname, owner, session)

    def _wrap_bio(self, incoming, outgoing, server_side, server_hostname=None, *, owner=None, session=None):
        return SSLConnection(self, None, (incoming, outgoing), server_side, server_hostname, owner, session)


def _missing(path):
    """The errno of a file that can't be read."""
    if path is None:
        return 0
    try:
        with open(path, 'rb'):
            return 0
    except OSError as error:
        return error.errno


def _give_password(password, failures, buffer, size, writing, _):
    """Writes the password to where OpenSSL wants it; what fails is raised later."""
    try:
        value = password
        if callable(password):
            value = password()
            if not isinstance(value, (str, bytes, bytearray)):
                raise TypeError('password callback must return a string')
        elif not isinstance(password, (str, bytes, bytearray)):
            raise TypeError('password should be a string or callable')
        data = value.encode() if isinstance(value, str) else bytes(value)
        if len(data) > size:
            raise ValueError(f'password cannot be longer than {size} bytes')
        _ctypes.memmove(buffer, data, len(data))
        return len(data)
    except BaseException as error:
        failures.append(error)
        return -1


def _call_sni(callback, ssl, alert):
    connection = connection_at(ssl)
    shown = connection and connection.shown()
    if shown is None:
        alert[0] = _INTERNAL_ERROR
        return _ALERT_FATAL
    name = lib.SSL_get_servername(ssl, 0)
    try:
        answer = callback(shown, name and name.decode('ascii'), connection.context)
    except BaseException as error:
        _tell(error, callback)
        alert[0] = _HANDSHAKE_FAILURE
        return _ALERT_FATAL
    if answer is None:
        return _OK
    try:
        alert[0] = _index(answer)
    except Exception as error:
        _tell(error, answer)
        alert[0] = _INTERNAL_ERROR
    return _ALERT_FATAL


def _tell(error, about):
    from _ctypes._functions import _tell
    _tell(error, f'Exception ignored in ssl servername callback {about!r}')


def _split(protocols):
    """The names in a list of protocols, with their places."""
    found, at = [], 0
    while at < len(protocols):
        length = protocols[at]
        found.append((at + 1, protocols[at + 1:at + 1 + length]))
        at += 1 + length
    return found


def _cipher(address):
    buffer, bits = _ctypes.create_string_buffer(512), _ctypes.c_int()
    lib.SSL_CIPHER_description(address, buffer, len(buffer))
    strength = lib.SSL_CIPHER_get_bits(address, _ctypes.byref(bits))

    def long_name(nid):
        return lib.OBJ_nid2ln(nid).decode().lower() if nid else None
    return {
        'id': lib.SSL_CIPHER_get_id(address), 'name': lib.SSL_CIPHER_get_name(address).decode(),
        'protocol': lib.SSL_CIPHER_get_version(address).decode(), 'description': buffer.value.decode().strip(),
        'strength_bits': strength, 'alg_bits': bits.value, 'aead': bool(lib.SSL_CIPHER_is_aead(address)),
        'symmetric': long_name(lib.SSL_CIPHER_get_cipher_nid(address)), 'digest': long_name(lib.SSL_CIPHER_get_digest_nid(address)),
        'kea': long_name(lib.SSL_CIPHER_get_kx_nid(address)), 'auth': long_name(lib.SSL_CIPHER_get_auth_nid(address)),
    }
