"""Certificates as Python sees them."""

import ctypes as _ctypes
import sys as _sys

from ._constants import ENCODING_DER, ENCODING_PEM
from ._library import bio_of, lib, memory_text, received, ssl_error, stack

_SUBJECT_ALT_NAME, _AUTHORITY_INFO, _CRL_DISTRIBUTION, _OCSP, _CA_ISSUERS = 85, 177, 103, 178, 179
# RFC 2253 with the order of names as they are: how OpenSSL prints names on one line.
_ONE_LINE = 0x1110317
_EMAIL, _DNS, _X400, _DIRECTORY, _EDI, _URI, _IP, _REGISTERED = 1, 2, 3, 4, 5, 6, 7, 8


class _GeneralName(_ctypes.Structure):
    _fields_ = [('type', _ctypes.c_int), ('value', _ctypes.c_void_p)]


class _AccessDescription(_ctypes.Structure):
    _fields_ = [('method', _ctypes.c_void_p), ('location', _ctypes.c_void_p)]


class _DistributionPointName(_ctypes.Structure):
    _fields_ = [('type', _ctypes.c_int), ('names', _ctypes.c_void_p)]


def _string(asn1):
    return _ctypes.string_at(lib.ASN1_STRING_get0_data(asn1), lib.ASN1_STRING_length(asn1))


def _object_text(asn1, numeric):
    buffer = _ctypes.create_string_buffer(256)
    length = lib.OBJ_obj2txt(buffer, len(buffer), asn1, numeric)
    return buffer.raw[:max(length, 0)].decode()


def _name(address):
    """A distinguished name: parts, each of pairs."""
    parts, last = [], None
    for i in range(lib.X509_NAME_entry_count(address)):
        entry = lib.X509_NAME_get_entry(address, i)
        place = _ctypes.c_void_p()
        length = lib.ASN1_STRING_to_UTF8(_ctypes.byref(place), lib.X509_NAME_ENTRY_get_data(entry))
        if length < 0:
            raise ssl_error()
        try:
            value = _ctypes.string_at(place.value, length).decode()
        finally:
            lib.CRYPTO_free(place, None, 0)
        pair = _object_text(lib.X509_NAME_ENTRY_get_object(entry), 0), value
        if lib.X509_NAME_ENTRY_set(entry) == last:
            parts[-1].append(pair)
        else:
            parts.append([pair])
        last = lib.X509_NAME_ENTRY_set(entry)
    return tuple(map(tuple, parts))


def _general_name(address):
    name = _GeneralName.from_address(address)
    if name.type == _DIRECTORY:
        return 'DirName', _name(name.value)
    if name.type in (_EMAIL, _DNS, _URI):
        return {_EMAIL: 'email', _DNS: 'DNS', _URI: 'URI'}[name.type], _string(name.value).decode()
    if name.type == _REGISTERED:
        return 'Registered ID', _object_text(name.value, 1)
    if name.type == _IP:
        data = _string(name.value)
        if len(data) == 4:
            return 'IP Address', '.'.join(map(str, data))
        if len(data) == 16:
            return 'IP Address', ':'.join(f'{data[i] << 8 | data[i + 1]:X}' for i in range(0, 16, 2))
        return 'IP Address', '<invalid>'
    kind, _, value = memory_text(lambda bio: lib.GENERAL_NAME_print(bio, address)).decode().partition(':')
    return kind, value


def _extension(certificate, nid):
    return lib.X509_get_ext_d2i(certificate, nid, None, None)


def _alternative_names(certificate):
    names = _extension(certificate, _SUBJECT_ALT_NAME)
    if not names:
        return ()
    try:
        return tuple(map(_general_name, stack(names)))
    finally:
        lib.GENERAL_NAMES_free(names)


def _authority(certificate, wanted):
    """Where the issuer's own certificate, or its answers on validity, are."""
    found, entries = [], _extension(certificate, _AUTHORITY_INFO)
    try:
        for entry in stack(entries):
            access = _AccessDescription.from_address(entry)
            if lib.OBJ_obj2nid(access.method) == wanted:
                kind, value = _general_name(access.location)
                if kind == 'URI':
                    found.append(value)
    finally:
        lib.AUTHORITY_INFO_ACCESS_free(entries)
    return tuple(found)


def _distribution_points(certificate):
    found, points = [], _extension(certificate, _CRL_DISTRIBUTION)
    try:
        for point in stack(points):
            name = _ctypes.c_void_p.from_address(point).value
            if name and (full := _DistributionPointName.from_address(name)).type == 0:
                found += [value for kind, value in map(_general_name, stack(full.names)) if kind == 'URI']
    finally:
        lib.CRL_DIST_POINTS_free(points)
    return tuple(found)


def decode(certificate):
    """The dict that `getpeercert` gives."""
    result = {
        'subject': _name(lib.X509_get_subject_name(certificate)),
        'issuer': _name(lib.X509_get_issuer_name(certificate)),
        'version': lib.X509_get_version(certificate) + 1,
    }
    number = lib.X509_get_serialNumber(certificate)
    result['serialNumber'] = memory_text(lambda bio: lib.i2a_ASN1_INTEGER(bio, number)).decode()
    for key, time in ('notBefore', lib.X509_get0_notBefore), ('notAfter', lib.X509_get0_notAfter):
        result[key] = memory_text(lambda bio: lib.ASN1_TIME_print(bio, time(certificate))).decode()
    for key, values in (
        ('subjectAltName', _alternative_names(certificate)), ('OCSP', _authority(certificate, _OCSP)),
        ('caIssuers', _authority(certificate, _CA_ISSUERS)), ('crlDistributionPoints', _distribution_points(certificate)),
    ):
        if values:
            result[key] = values
    return result


def to_der(certificate):
    length = lib.i2d_X509(certificate, None)
    if length < 0:
        raise ssl_error()
    return received(length, lambda address: lib.i2d_X509(certificate, _ctypes.byref(_ctypes.c_void_p(address))))


class Certificate:
    """A certificate of a chain."""

    def __new__(cls, *arguments):
        raise TypeError(f"cannot create '{cls.__module__}.Certificate' instances")

    @classmethod
    def _of(cls, address):
        made = object.__new__(cls)
        lib.X509_up_ref(address)
        made._address = address
        return made

    def __del__(self, free=lib.X509_free, is_ending=_sys.is_finalizing):
        if not is_ending():
            free(self._address)

    def public_bytes(self, format=ENCODING_PEM):
        if format == ENCODING_DER:
            return to_der(self._address)
        if format != ENCODING_PEM:
            raise ValueError('Unsupported format')
        return memory_text(lambda bio: lib.PEM_write_bio_X509(bio, self._address)).decode()

    def get_info(self):
        return decode(self._address)

    def __eq__(self, other):
        return to_der(self._address) == to_der(other._address) if isinstance(other, Certificate) else NotImplemented

    def __hash__(self):
        return hash(to_der(self._address))

    def __repr__(self):
        subject = memory_text(lambda bio: lib.X509_NAME_print_ex(bio, lib.X509_get_subject_name(self._address), 0, _ONE_LINE))
        return f"<_ssl.Certificate '{subject.decode()}'>"


def read_certificates(data, binary):
    """All the certificates in bytes, to be freed."""
    bio, found = bio_of(data), []
    try:
        while lib.BIO_ctrl_pending(bio):
            address = lib.d2i_X509_bio(bio, None) if binary else lib.PEM_read_bio_X509(bio, None, None, None)
            if not address:
                break
            found.append(address)
        return found
    finally:
        lib.BIO_free(bio)


def _test_decode_cert(path):
    with open(path, 'rb') as file:
        found = read_certificates(file.read(), False)
    if not found:
        raise ssl_error(text='Error decoding PEM-encoded file')
    try:
        return decode(found[0])
    finally:
        for address in found:
            lib.X509_free(address)
