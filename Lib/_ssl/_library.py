"""OpenSSL 3 as the system has it: its functions with their signatures, and errors made of what it says."""

import ctypes as _ctypes
import sys as _sys
from _orochi_ffi import Memory, read as read_memory
from functools import wraps as _wraps
from ctypes import c_char_p, c_int, c_long, c_size_t, c_ubyte, c_uint, c_ulong, c_void_p

_NAMES = {
    'darwin': (('libcrypto.3.dylib', 'libssl.3.dylib'), ('libcrypto.dylib', 'libssl.dylib')),
}.get(_sys.platform, (('libcrypto.so.3', 'libssl.so.3'), ('libcrypto.so', 'libssl.so')))


def _load():
    for crypto, tls in _NAMES:
        try:
            return _ctypes.CDLL(crypto), _ctypes.CDLL(tls, use_errno=True)
        except OSError:
            pass
    raise ModuleNotFoundError(f"No module named '_ssl': there is no {_NAMES[0][1]} of OpenSSL 3", name='_ssl')


_crypto, _tls = _load()
_LETTERS = {
    'v': None, 'i': c_int, 'I': c_uint, 'l': c_long, 'L': c_ulong, 'p': c_void_p, 's': c_char_p, 'z': c_size_t, 'Q': _ctypes.c_uint64,
}

# Name: result, arguments.
_CRYPTO = '''
OpenSSL_version s i; OpenSSL_version_num L; ERR_peek_last_error L; ERR_clear_error v; ERR_reason_error_string s L
ERR_lib_error_string s L; BIO_new p p; BIO_s_mem p; BIO_new_file p ss; BIO_free i p; BIO_read i ppi; BIO_write i psi
BIO_ctrl l pilp; BIO_ctrl_pending z p; BIO_up_ref i p; BIO_set_flags v pi; BIO_clear_flags v pi
RAND_bytes i pi; RAND_add v sid; RAND_status i
OBJ_txt2obj p si; OBJ_obj2nid i p; OBJ_nid2sn s i; OBJ_nid2ln s i; OBJ_nid2obj p i; OBJ_obj2txt i pipi; ASN1_OBJECT_free v p
X509_free v p; X509_up_ref i p; X509_get_subject_name p p; X509_get_issuer_name p p; X509_get_version l p; X509_get_serialNumber p p
X509_get0_notBefore p p; X509_get0_notAfter p p; X509_get_ext_d2i p pipp; X509_NAME_entry_count i p; X509_NAME_get_entry p pi
X509_NAME_ENTRY_get_object p p; X509_NAME_ENTRY_get_data p p; X509_NAME_ENTRY_set i p; ASN1_STRING_to_UTF8 i pp
ASN1_STRING_get0_data p p; ASN1_STRING_length i p; ASN1_TIME_print i pp; i2a_ASN1_INTEGER i pp; i2d_X509 i pp; d2i_X509_bio p pp
PEM_read_bio_X509 p pppp; PEM_write_bio_X509 i pp; X509_check_ca i p; X509_print i pp; X509_NAME_print_ex i ppiL
OPENSSL_sk_num i p; OPENSSL_sk_value p pi; OPENSSL_sk_free v p; GENERAL_NAMES_free v p; AUTHORITY_INFO_ACCESS_free v p
CRL_DIST_POINTS_free v p; GENERAL_NAME_print i pp; CRYPTO_free v psi
X509_STORE_lock i p; X509_STORE_unlock i p; X509_STORE_get0_objects p p; X509_OBJECT_get_type i p; X509_OBJECT_get0_X509 p p
X509_STORE_add_cert i pp; X509_VERIFY_PARAM_set_flags i pL; X509_VERIFY_PARAM_clear_flags i pL; X509_VERIFY_PARAM_get_flags L p
X509_VERIFY_PARAM_set_hostflags v pI; X509_VERIFY_PARAM_set1_host i psz; X509_VERIFY_PARAM_set1_ip i psz
X509_verify_cert_error_string s l; X509_get_default_cert_file_env s; X509_get_default_cert_file s
X509_get_default_cert_dir_env s; X509_get_default_cert_dir s; PEM_read_bio_DHparams p pppp; DH_free v p
'''
_TLS = '''
TLS_method p; TLS_client_method p; TLS_server_method p; SSL_CTX_new p p; SSL_CTX_free v p; SSL_CTX_ctrl l pilp
SSL_CTX_set_options Q pQ; SSL_CTX_get_options Q p; SSL_CTX_clear_options Q pQ; SSL_CTX_set_verify v pip; SSL_CTX_get_verify_mode i p
SSL_CTX_set_cipher_list i ps; SSL_CTX_get_ciphers p p; SSL_CTX_use_certificate_chain_file i ps; SSL_CTX_use_PrivateKey_file i psi
SSL_CTX_check_private_key i p; SSL_CTX_set_default_passwd_cb v pp; SSL_CTX_load_verify_locations i pss
SSL_CTX_set_default_verify_paths i p; SSL_CTX_get_cert_store p p; SSL_CTX_get0_param p p; SSL_CTX_set_alpn_protos i psI
SSL_CTX_set_alpn_select_cb v ppp; SSL_CTX_callback_ctrl l pip; SSL_CTX_set_session_id_context i psI
SSL_CTX_set_post_handshake_auth v pi; SSL_CTX_set_keylog_callback v pp; SSL_CTX_get_security_level i p; SSL_CTX_get_num_tickets z p
SSL_CTX_set_num_tickets i pz
SSL_new p p; SSL_set_verify v pip; SSL_free v p; SSL_set_fd i pi; SSL_set_bio v ppp; SSL_ctrl l pilp; SSL_get0_param p p; SSL_set_connect_state v p
SSL_set_accept_state v p; SSL_do_handshake i p; SSL_read i ppi; SSL_write i psi; SSL_shutdown i p; SSL_pending i p
SSL_has_pending i p; SSL_get_error i pi; SSL_get_shutdown i p; SSL_get_version s p; SSL_get_current_cipher p p; SSL_get_verify_result l p
SSL_get0_alpn_selected v ppp; SSL_get1_peer_certificate p p; SSL_get_peer_cert_chain p p; SSL_get0_verified_chain p p
SSL_get_finished z ppz; SSL_get_peer_finished z ppz; SSL_session_reused i p; SSL_get1_session p p; SSL_set_session i pp
SSL_get_client_ciphers p p; SSL_get1_supported_ciphers p p; SSL_verify_client_post_handshake i p; SSL_set_post_handshake_auth v pi
SSL_set_SSL_CTX p pp; SSL_get_servername s pi; SSL_is_init_finished i p; SSL_set_read_ahead v pi; SSL_get_current_compression p p
SSL_COMP_get_name s p; SSL_get_wbio p p; SSL_get_rbio p p
SSL_SESSION_dup p p; SSL_SESSION_free v p; SSL_SESSION_get_id p pp; SSL_SESSION_get_time l p; SSL_SESSION_get_timeout l p
SSL_SESSION_has_ticket i p; SSL_SESSION_get_ticket_lifetime_hint L p
SSL_CIPHER_get_name s p; SSL_CIPHER_get_version s p; SSL_CIPHER_get_bits i pp; SSL_CIPHER_get_id I p; SSL_CIPHER_description p ppi
SSL_CIPHER_is_aead i p; SSL_CIPHER_get_cipher_nid i p; SSL_CIPHER_get_digest_nid i p; SSL_CIPHER_get_kx_nid i p
SSL_CIPHER_get_auth_nid i p
'''


def _declare(library, table, functions):
    for entry in table.replace('\n', ';').split(';'):
        if entry.strip():
            name, result, *arguments = entry.split()
            function = getattr(library, name)
            function.restype = _LETTERS[result]
            letters = arguments[0] if arguments else ''
            function.argtypes = [_ctypes.c_double if letter == 'd' else _LETTERS[letter] for letter in letters]
            functions[name] = function


class _Functions:
    """The functions by their names."""


lib = _Functions()
_declare(_crypto, _CRYPTO, lib.__dict__)
_declare(_tls, _TLS, lib.__dict__)

OPENSSL_VERSION = lib.OpenSSL_version(0).decode()
OPENSSL_VERSION_NUMBER = lib.OpenSSL_version_num()


def _version(number):
    return number >> 28, number >> 20 & 0xFF, number >> 12 & 0xFF, number >> 4 & 0xFF, number & 0xF


OPENSSL_VERSION_INFO = _OPENSSL_API_VERSION = _version(OPENSSL_VERSION_NUMBER)
if OPENSSL_VERSION_INFO[0] != 3:
    raise ModuleNotFoundError(f"No module named '_ssl': {OPENSSL_VERSION} isn't OpenSSL 3", name='_ssl')


# Errors


class SSLError(OSError):
    """An error occurred in the SSL implementation."""

    library = reason = None

    def __str__(self):
        return self.strerror if isinstance(self.strerror, str) else str(self.args)


class SSLZeroReturnError(SSLError):
    """SSL/TLS session closed cleanly."""


class SSLWantReadError(SSLError):
    """Non-blocking SSL socket needs to read more data
before the requested operation can be completed."""


class SSLWantWriteError(SSLError):
    """Non-blocking SSL socket needs to write more data
before the requested operation can be completed."""


class SSLSyscallError(SSLError):
    """System error when attempting SSL operation."""


class SSLEOFError(SSLError):
    """SSL/TLS connection terminated abruptly."""


class SSLCertVerificationError(SSLError, ValueError):
    """A certificate could not be verified."""


for _class in (SSLError, SSLZeroReturnError, SSLWantReadError, SSLWantWriteError, SSLSyscallError, SSLEOFError, SSLCertVerificationError):
    _class.__module__ = 'ssl'

_LIBRARIES = {
    'SSL routines': 'SSL', 'PEM routines': 'PEM', 'asn1 encoding routines': 'ASN1', 'x509 certificate routines': 'X509',
    'digital envelope routines': 'EVP', 'rsa routines': 'RSA', 'BIO routines': 'BIO', 'system library': 'SYS',
    'STORE routines': 'OSSL_STORE', 'DECODER routines': 'OSSL_DECODER', 'Provider routines': 'PROV',
    'X509 V3 routines': 'X509V3', 'elliptic curve routines': 'EC', 'common libcrypto routines': 'CRYPTO',
}


def made_error(cls, number, library, reason, message):
    error = cls(number, message)
    error.library, error.reason = library, reason
    return error


def ssl_error(number=None, cls=SSLError, text=None, detail=''):
    """The error for what OpenSSL noted last, which it then forgets."""
    code = lib.ERR_peek_last_error()
    lib.ERR_clear_error()
    library = reason = None
    if code:
        number = code & 0x7FFFFF if number is None else number
        found = lib.ERR_reason_error_string(code)
        library = (lib.ERR_lib_error_string(code) or b'').decode()
        library = _LIBRARIES.get(library, library.upper() or None)
        if found:
            text = found.decode()
            # The names are those of the time before TLS.
            reason = text.replace('ssl/tls', 'sslv3').replace(' ', '_').replace('-', '_').upper()
    if reason == 'CERTIFICATE_VERIFY_FAILED':
        cls = SSLCertVerificationError
    text = (text or 'unknown error') + detail
    if reason and library:
        text = f'[{library}: {reason}] {text}'
    elif library:
        text = f'[{library}] {text}'
    return made_error(cls, number or 0, library, reason, f'{text} (_ssl.py)')


def system_or_ssl_error(errno, filename=None):
    """The error for files that can't be read."""
    import os
    if lib.ERR_peek_last_error() & 0x80000000 or errno:
        code = lib.ERR_peek_last_error()
        if code & 0x80000000:
            errno = code & 0x7FFFFFFF
        if errno:
            lib.ERR_clear_error()
            return OSError(errno, os.strerror(errno))
    return ssl_error()


# Memory of OpenSSL's, and for it

INT_MAX = (1 << 31) - 1


def alone(method):
    """Lets one thread at a time into an object: most of OpenSSL's are for one."""
    @_wraps(method)
    def locked(self, *arguments, **options):
        with self._lock:
            return method(self, *arguments, **options)
    return locked


def received(size, write):
    """The bytes that `write` puts into memory of a size: it is told where that is, and says how many there are."""
    memory = Memory(size)
    return read_memory(memory.address, max(write(memory.address), 0))


def memory_text(write):
    """The text that `write` writes to a BIO."""
    bio = lib.BIO_new(lib.BIO_s_mem())
    try:
        write(bio)
        return read_bio(bio)
    finally:
        lib.BIO_free(bio)


def read_bio(bio, length=-1):
    pending = min(lib.BIO_ctrl_pending(bio), INT_MAX)
    length = pending if length < 0 else min(length, pending)
    return received(length, lambda address: lib.BIO_read(bio, address, length)) if length else b''


def bio_of(data):
    bio = lib.BIO_new(lib.BIO_s_mem())
    lib.BIO_write(bio, data, len(data))
    return bio


def stack(address):
    """What lies in one of OpenSSL's stacks."""
    return [lib.OPENSSL_sk_value(address, i) for i in range(lib.OPENSSL_sk_num(address))] if address else []


def taken_stack(address):
    """The same of a stack that is the caller's, though what lies in it isn't."""
    try:
        return stack(address)
    finally:
        lib.OPENSSL_sk_free(address)
