"""Connections: TLS over a socket or over memory."""

import ctypes as _ctypes
import os as _os
import select as _select
import sys as _sys
import time as _time
import weakref as _weakref
from _orochi_ffi import address_of as _address_of
from _thread import RLock as _RLock

from . import _constants as _c
from ._certificates import Certificate, decode, to_der
from ._library import (
    INT_MAX, Memory, SSLCertVerificationError, SSLEOFError, SSLError, SSLSyscallError, SSLWantReadError, SSLWantWriteError,
    SSLZeroReturnError, alone, lib, made_error, read_bio, read_memory, ssl_error, stack, taken_stack,
)

_SET_MODE, _SET_HOSTNAME, _SET_EOF_RETURN = 33, 55, 130
# Writing goes on from buffers that have moved, reading after handshakes.
_MODE = 2 | 4
_READ_FLAGS = 1 | 8
_RETRY_FLAGS = 1 | 2 | 4 | 8
_RECEIVED_SHUTDOWN = 2
_VERIFY_POST_HANDSHAKE = 8
_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH = 62, 64

_connections = _weakref.WeakValueDictionary()


def connection_at(ssl):
    """The connection of OpenSSL's at an address."""
    return _connections.get(ssl)


class MemoryBIO:
    """Memory that TLS is read from or written to."""

    _bio = None

    def __init__(self):
        self._lock, self._ended = _RLock(), False
        self._bio = lib.BIO_new(lib.BIO_s_mem())
        lib.BIO_set_flags(self._bio, _READ_FLAGS)
        lib.BIO_ctrl(self._bio, _SET_EOF_RETURN, -1, None)

    def __del__(self, free=lib.BIO_free, is_ending=_sys.is_finalizing):
        if self._bio and not is_ending():
            free(self._bio)

    @property
    @alone
    def pending(self):
        """The number of bytes pending in the memory BIO."""
        return lib.BIO_ctrl_pending(self._bio)

    @property
    def eof(self):
        """Whether the memory BIO is at EOF."""
        return self._ended and not self.pending

    @alone
    def read(self, size=-1, /):
        """Read up to size bytes from the memory BIO.

If size is not specified, read the entire buffer.
If the return value is an empty bytes instance, this means either
EOF or that no data is available. Use the "eof" property to
distinguish between the two."""
        return read_bio(self._bio, size)

    @alone
    def write(self, data, /):
        """Writes the bytes b into the memory BIO.

Returns the number of bytes written."""
        data = bytes(memoryview(data))
        if len(data) > INT_MAX:
            raise OverflowError(f'string longer than {INT_MAX} bytes')
        if self._ended:
            raise made_error(SSLError, 0, None, None, 'cannot write() after write_eof()')
        if not data:
            return 0
        written = lib.BIO_write(self._bio, data, len(data))
        if written < 0:
            raise ssl_error()
        return written

    @alone
    def write_eof(self):
        """Write an EOF marker to the memory BIO.

When all data has been read, the "eof" property will be True."""
        self._ended = True
        lib.BIO_clear_flags(self._bio, _RETRY_FLAGS)
        lib.BIO_ctrl(self._bio, _SET_EOF_RETURN, 0, None)


class SSLSession:
    """What a later connection may go on with."""

    def __new__(cls, *arguments):
        raise TypeError(f"cannot create '{cls.__module__}.SSLSession' instances")

    @classmethod
    def _of(cls, address, context):
        made = object.__new__(cls)
        made._session, made._context = address, context
        return made

    def __del__(self, free=lib.SSL_SESSION_free, is_ending=_sys.is_finalizing):
        if not is_ending():
            free(self._session)

    @property
    def id(self):
        """Session ID."""
        length = _ctypes.c_uint()
        return _ctypes.string_at(lib.SSL_SESSION_get_id(self._session, _ctypes.byref(length)), length.value)

    @property
    def time(self):
        """Session creation time (seconds since epoch)."""
        return lib.SSL_SESSION_get_time(self._session)

    @property
    def timeout(self):
        """Session timeout (delta in seconds)."""
        return lib.SSL_SESSION_get_timeout(self._session)

    @property
    def ticket_lifetime_hint(self):
        """Ticket life time hint."""
        return lib.SSL_SESSION_get_ticket_lifetime_hint(self._session)

    @property
    def has_ticket(self):
        """Does the session contain a ticket?"""
        return bool(lib.SSL_SESSION_has_ticket(self._session))

    def __eq__(self, other):
        return self.id == other.id if isinstance(other, SSLSession) else NotImplemented

    def __hash__(self):
        return hash(self.id)


def _copied_session(address):
    """A session of its own: that of a connection can't be taken up again if the connection ends without saying so."""
    copy = lib.SSL_SESSION_dup(address)
    if not copy:
        raise ssl_error()
    return copy


def _address_bytes(name):
    import socket
    for family in socket.AF_INET, socket.AF_INET6:
        try:
            return socket.inet_pton(family, name)
        except (OSError, ValueError):
            pass
    return None


class SSLConnection:
    """One end of a connection."""

    def __init__(self, context, sock, bios, server_side, server_hostname, owner, session):
        self._ssl = None
        if server_side and server_hostname:
            raise ValueError('server_hostname can only be specified in client mode')
        if context.check_hostname and not server_hostname:
            raise ValueError('check_hostname requires server_hostname')
        if server_side and context.protocol == _c.PROTOCOL_TLS_CLIENT:
            raise made_error(SSLError, 0, None, None, 'Cannot create a server socket with a PROTOCOL_TLS_CLIENT context')
        if not server_side and context.protocol == _c.PROTOCOL_TLS_SERVER:
            raise made_error(SSLError, 0, None, None, 'Cannot create a client socket with a PROTOCOL_TLS_SERVER context')
        lib.ERR_clear_error()
        with context._lock:
            self._ssl = lib.SSL_new(context._context)
        if not self._ssl:
            raise ssl_error()
        self._context, self.server_side, self.server_hostname = context, bool(server_side), None
        # OpenSSL goes on asking those of the first context when it has got another.
        self._callbacks = [context._thunks]
        self._lock, self._bios, self._ended = _RLock(), bios, False
        self._socket = None if sock is None else _weakref.ref(sock)
        self._owner = None if owner is None else _weakref.ref(owner)
        if bios is None:
            lib.SSL_set_fd(self._ssl, sock.fileno())
        else:
            for bio in bios:
                lib.BIO_up_ref(bio._bio)
            lib.SSL_set_bio(self._ssl, bios[0]._bio, bios[1]._bio)
        lib.SSL_ctrl(self._ssl, _SET_MODE, _MODE, None)
        if context.post_handshake_auth:
            if not server_side:
                lib.SSL_set_post_handshake_auth(self._ssl, 1)
            elif (mode := context.verify_mode) != _c.CERT_NONE:
                # The client's certificate is asked for later.
                lib.SSL_set_verify(self._ssl, (3 if mode == _c.CERT_REQUIRED else 1) | _VERIFY_POST_HANDSHAKE, None)
        if server_hostname is not None:
            self._set_hostname(server_hostname)
        if server_side:
            lib.SSL_set_accept_state(self._ssl)
        else:
            lib.SSL_set_connect_state(self._ssl)
        _connections[self._ssl] = self
        if session is not None:
            if server_side:
                raise ValueError('session can only be specified in client mode')
            self.session = session

    def __del__(self, free=lib.SSL_free, is_ending=_sys.is_finalizing):
        if self._ssl and not is_ending():
            free(self._ssl)

    def _set_hostname(self, name):
        if isinstance(name, (bytes, bytearray)):
            name = bytes(name).decode('ascii')
        if not name or name.startswith('.'):
            raise ValueError('server_hostname cannot be an empty string or start with a leading dot.')
        if '\0' in name:
            raise TypeError('argument must be encoded string without null bytes, not str')
        encoded = name.encode('ascii') if name.isascii() else name.encode('idna')
        self.server_hostname = encoded.decode()
        address = _address_bytes(self.server_hostname)
        if address is None and not self.server_side:
            place = _ctypes.cast(_ctypes.c_char_p(encoded), _ctypes.c_void_p)
            if not lib.SSL_ctrl(self._ssl, _SET_HOSTNAME, 0, place):
                raise ssl_error()
        if self._context.check_hostname:
            parameters = lib.SSL_get0_param(self._ssl)
            if address is None:
                done = lib.X509_VERIFY_PARAM_set1_host(parameters, encoded, len(encoded))
            else:
                done = lib.X509_VERIFY_PARAM_set1_ip(parameters, address, len(address))
            if not done:
                raise ssl_error()

    # Calls that may have to wait

    def _sock(self):
        if self._socket is None:
            return None
        sock = self._socket()
        if sock is None or sock.fileno() < 0:
            raise made_error(SSLError, 0, None, None, 'Underlying socket connection gone')
        return sock

    def _attempt(self, operation):
        """The result of a call, the kind of error, and the error if it is there already. The three belong together."""
        with self._lock:
            if self._bios is None:
                return self._attempt_alone(operation)
            # In the same order for whoever uses both.
            first, second = sorted(self._bios, key=id)
            with first._lock, second._lock:
                return self._attempt_alone(operation)

    def _attempt_alone(self, operation):
        lib.ERR_clear_error()
        _ctypes.set_errno(0)
        result = operation()
        errno = _ctypes.get_errno()
        kind = 0 if result > 0 else lib.SSL_get_error(self._ssl, result)
        error = None
        if kind not in (0, _c.SSL_ERROR_WANT_READ, _c.SSL_ERROR_WANT_WRITE, _c.SSL_ERROR_ZERO_RETURN):
            # What OpenSSL noted is the thread's; other calls would add to it.
            error = self._error(kind, result, errno)
        return result, kind, error

    @alone
    def _has_pending(self):
        return lib.SSL_has_pending(self._ssl)

    @alone
    def _has_ended(self):
        """Whether the other end has said that it ends, and this one hasn't."""
        return lib.SSL_get_shutdown(self._ssl) == _RECEIVED_SHUTDOWN

    def _drive(self, operation, what, end=None):
        """Makes a call again until it is done, the socket's time is over, or something fails."""
        sock = self._sock()
        timeout = 0 if sock is None else sock.gettimeout()
        deadline = None if timeout is None else _time.monotonic() + timeout
        while True:
            if what == 'read' and timeout is None and not self._has_pending():
                # Not within the call, so that another thread may write meanwhile.
                self._wait(sock, _c.SSL_ERROR_WANT_READ, None, what)
            result, kind, error = self._attempt(operation)
            if not kind:
                return result
            if end is not None and kind == _c.SSL_ERROR_ZERO_RETURN and self._has_ended():
                return end
            if timeout != 0 and kind in (_c.SSL_ERROR_WANT_READ, _c.SSL_ERROR_WANT_WRITE):
                self._wait(sock, kind, deadline, what)
                self._sock()
                continue
            try:
                raise error or self._error(kind, result, 0)
            finally:
                error = None  # its traceback has this frame: no cycle

    def _wait(self, sock, kind, deadline, what):
        poll = _select.poll()
        poll.register(sock.fileno(), _select.POLLIN if kind == _c.SSL_ERROR_WANT_READ else _select.POLLOUT)
        left = None if deadline is None else max(0, (deadline - _time.monotonic()) * 1000)
        if not poll.poll(left):
            raise TimeoutError(f'The {what} operation timed out')

    def _error(self, kind, result, errno):
        def made(cls, text):
            lib.ERR_clear_error()
            return made_error(cls, kind, None, None, text)
        match kind:
            case _c.SSL_ERROR_ZERO_RETURN:
                return made(SSLZeroReturnError, 'TLS/SSL connection has been closed (EOF)')
            case _c.SSL_ERROR_WANT_READ:
                return made(SSLWantReadError, 'The operation did not complete (read)')
            case _c.SSL_ERROR_WANT_WRITE:
                return made(SSLWantWriteError, 'The operation did not complete (write)')
            case _c.SSL_ERROR_WANT_X509_LOOKUP:
                return made(SSLError, 'The operation did not complete (X509 lookup)')
            case _c.SSL_ERROR_WANT_CONNECT:
                return made(SSLError, 'The operation did not complete (connect)')
            case _c.SSL_ERROR_SYSCALL if not lib.ERR_peek_last_error():
                if errno and result:
                    return OSError(errno, _os.strerror(errno))
                if self._socket is None and result:
                    return made(SSLSyscallError, 'Some I/O error occurred')
                lib.ERR_clear_error()
                return made_error(SSLEOFError, _c.SSL_ERROR_EOF, None, None, 'EOF occurred in violation of protocol (_ssl.py)')
        return self._library_error(kind)

    def _library_error(self, kind):
        code = lib.SSL_get_verify_result(self._ssl)
        detail = message = ''
        if code:
            message = lib.X509_verify_cert_error_string(code).decode()
            if code == _HOSTNAME_MISMATCH:
                message = f"Hostname mismatch, certificate is not valid for '{self.server_hostname}'."
            elif code == _IP_ADDRESS_MISMATCH:
                message = f"IP address mismatch, certificate is not valid for '{self.server_hostname}'."
        error = ssl_error(kind)
        if error.reason == 'UNEXPECTED_EOF_WHILE_READING':
            found = made_error(SSLEOFError, _c.SSL_ERROR_EOF, error.library, error.reason, error.strerror)
            return found
        if isinstance(error, SSLCertVerificationError):
            text = error.strerror.removesuffix(' (_ssl.py)')
            error = made_error(SSLCertVerificationError, kind, error.library, error.reason, f'{text}: {message} (_ssl.py)')
            error.verify_code, error.verify_message = code, message
        return error

    def do_handshake(self):
        self._drive(lambda: lib.SSL_do_handshake(self._ssl), 'handshake')

    def read(self, size, buffer=None, /):
        """read(size, [buffer])
Read up to size bytes from the SSL socket."""
        if buffer is None:
            if size < 0:
                raise ValueError('size should not be negative')
            if not size:
                return b''
            size = min(size, INT_MAX)
            memory = Memory(size)
            got = self._drive(lambda: lib.SSL_read(self._ssl, memory.address, size), 'read', end=0)
            return read_memory(memory.address, got)
        view = memoryview(buffer).cast('B')
        if view.readonly:
            raise TypeError(f'read() argument 2 must be read-write bytes-like object, not {type(buffer).__name__}')
        if size <= 0 or size > len(view):
            size = len(view)
        if not size:
            return 0
        size = min(size, INT_MAX)
        # The view keeps the memory where it is.
        address = _address_of(view, True)
        try:
            return self._drive(lambda: lib.SSL_read(self._ssl, address, size), 'read', end=0)
        finally:
            view.release()

    def write(self, data, /):
        """Writes the bytes-like object b into the SSL object.

Returns the number of bytes written."""
        data = bytes(memoryview(data))[:INT_MAX]
        if not data:
            return 0
        return self._drive(lambda: lib.SSL_write(self._ssl, data, len(data)), 'write')

    @alone
    def pending(self):
        """Returns the number of already decrypted bytes available for read, pending on the connection."""
        return lib.SSL_pending(self._ssl)

    def shutdown(self):
        """Does the SSL shutdown handshake with the remote end."""
        sock = self._sock()
        timeout = 0 if sock is None else sock.gettimeout()
        deadline = None if timeout is None else _time.monotonic() + timeout

        def end():
            if self._ended:
                # Nothing behind the other's last word may be read.
                lib.SSL_set_read_ahead(self._ssl, 0)
            return lib.SSL_shutdown(self._ssl)
        for _ in range(2):
            while True:
                result, kind, error = self._attempt(end)
                if result >= 0:
                    break
                if timeout == 0 or kind not in (_c.SSL_ERROR_WANT_READ, _c.SSL_ERROR_WANT_WRITE):
                    try:
                        raise error or self._error(kind, result, 0)
                    finally:
                        error = None
                self._wait(sock, kind, deadline, 'read' if kind == _c.SSL_ERROR_WANT_READ else 'write')
            if result > 0:
                break
            self._ended = True
        return sock

    # What is known of it

    def shown(self):
        """What callbacks get for it; None if that is gone."""
        for reference in self._owner, self._socket:
            if reference is not None:
                return reference()
        return self

    @property
    def owner(self):
        return self._owner and self._owner()

    @owner.setter
    def owner(self, owner):
        self._owner = None if owner is None else _weakref.ref(owner)

    @property
    def context(self):
        return self._context

    @context.setter
    def context(self, context):
        from ._context import _SSLContext
        if not isinstance(context, _SSLContext):
            raise TypeError('The value must be a SSLContext')
        with self._lock:
            lib.SSL_set_SSL_CTX(self._ssl, context._context)
            self._context = context
            self._callbacks.append(context._thunks)

    @alone
    def _finished(self):
        if not lib.SSL_is_init_finished(self._ssl):
            raise ValueError('handshake not done yet')

    @alone
    def getpeercert(self, binary_mode=False, /):
        """Returns the certificate for the peer."""
        self._finished()
        certificate = lib.SSL_get1_peer_certificate(self._ssl)
        if not certificate:
            return None
        try:
            if binary_mode:
                return to_der(certificate)
            return decode(certificate) if self._context.verify_mode != _c.CERT_NONE else {}
        finally:
            lib.X509_free(certificate)

    @alone
    def get_verified_chain(self):
        found = stack(lib.SSL_get0_verified_chain(self._ssl))
        return [Certificate._of(address) for address in found] if found else None

    @alone
    def get_unverified_chain(self):
        found = [Certificate._of(address) for address in stack(lib.SSL_get_peer_cert_chain(self._ssl))]
        if self.server_side and (own := lib.SSL_get1_peer_certificate(self._ssl)):
            # For servers the chain is without the peer's own.
            found.insert(0, Certificate._of(own))
            lib.X509_free(own)
        return found or None

    @alone
    def version(self):
        if not lib.SSL_is_init_finished(self._ssl):
            return None
        return lib.SSL_get_version(self._ssl).decode()

    @alone
    def cipher(self):
        address = lib.SSL_get_current_cipher(self._ssl)
        return _cipher(address) if address else None

    @alone
    def shared_ciphers(self):
        if not self.server_side:
            return None
        own = set(taken_stack(lib.SSL_get1_supported_ciphers(self._ssl)))
        shared = [address for address in stack(lib.SSL_get_client_ciphers(self._ssl)) if address in own]
        return [_cipher(address) for address in shared] or None

    @alone
    def compression(self):
        method = lib.SSL_get_current_compression(self._ssl)
        name = lib.SSL_COMP_get_name(method) if method else None
        return name.decode() if name else None

    @alone
    def selected_alpn_protocol(self):
        place, length = _ctypes.c_void_p(), _ctypes.c_uint()
        lib.SSL_get0_alpn_selected(self._ssl, _ctypes.byref(place), _ctypes.byref(length))
        return _ctypes.string_at(place.value, length.value).decode() if place.value else None

    @alone
    def get_channel_binding(self, cb_type='tls-unique'):
        if cb_type != 'tls-unique':
            raise ValueError("'%s' channel binding type not implemented" % cb_type)
        buffer = _ctypes.create_string_buffer(128)
        own = bool(lib.SSL_session_reused(self._ssl)) != (not self.server_side)
        length = (lib.SSL_get_finished if own else lib.SSL_get_peer_finished)(self._ssl, buffer, len(buffer))
        return buffer.raw[:length] if length else None

    @alone
    def verify_client_post_handshake(self):
        lib.ERR_clear_error()
        if not lib.SSL_verify_client_post_handshake(self._ssl):
            raise ssl_error(_c.SSL_ERROR_SSL)

    @property
    @alone
    def session(self):
        address = lib.SSL_get1_session(self._ssl)
        if not address:
            return None
        try:
            return SSLSession._of(_copied_session(address), self._context)
        finally:
            lib.SSL_SESSION_free(address)

    @session.setter
    @alone
    def session(self, session):
        if not isinstance(session, SSLSession):
            raise TypeError('Value is not a SSLSession.')
        if session._context is not self._context:
            raise ValueError('Session refers to a different SSLContext.')
        if self.server_side:
            raise ValueError('Cannot set session for server-side SSLSocket.')
        if lib.SSL_is_init_finished(self._ssl):
            raise ValueError('Cannot set session after handshake.')
        copy = _copied_session(session._session)
        try:
            if not lib.SSL_set_session(self._ssl, copy):
                raise ssl_error()
        finally:
            lib.SSL_SESSION_free(copy)

    @property
    @alone
    def session_reused(self):
        return bool(lib.SSL_session_reused(self._ssl))


def _cipher(address):
    bits = lib.SSL_CIPHER_get_bits(address, None)
    return lib.SSL_CIPHER_get_name(address).decode(), lib.SSL_CIPHER_get_version(address).decode(), bits
