"""TLS over memory: a handshake without certificates, data both ways, the end, and errors."""
import ssl
import warnings

warnings.simplefilter('ignore')


def context(side):
    made = ssl.SSLContext(side)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers('AECDH-AES256-SHA:@SECLEVEL=0')
    return made


def pump(*steps):
    """Lets both ends go on until neither waits."""
    waiting = list(steps)
    while waiting:
        for step in list(waiting):
            try:
                step()
                waiting.remove(step)
            except ssl.SSLWantReadError as error:
                assert error.errno == ssl.SSL_ERROR_WANT_READ


to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
client = context(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(to_client, to_server, server_hostname='example.org')
server = context(ssl.PROTOCOL_TLS_SERVER).wrap_bio(to_server, to_client, server_side=True)
pump(client.do_handshake, server.do_handshake)
print(client.version(), server.cipher(), client.getpeercert(), client.session_reused, client.server_hostname)
print(client.write(b'to the server'), server.read(100), server.pending())
print(server.write(bytearray(b'x' * 20000)), sum(len(client.read(50000)) for _ in range(2)))
room = bytearray(4)
server.write(memoryview(b'abcdef'))
print(client.read(4, room), room, client.pending(), client.read())
print(client.get_channel_binding() == server.get_channel_binding())
pump(client.unwrap, server.unwrap)
for attempt in (lambda: client.write(b'late'), lambda: server.read()):
    try:
        print(attempt())
    except ssl.SSLError as error:
        print(type(error).__name__, error.errno)

client = context(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname='example.org')
try:
    client.do_handshake()
except ssl.SSLWantReadError as error:
    print(error.strerror.split(' (_')[0])
garbage = ssl.MemoryBIO()
garbage.write(b'this is no TLS at all, is it?')
client = context(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(garbage, ssl.MemoryBIO(), server_hostname='example.org')
try:
    client.do_handshake()
except ssl.SSLError as error:
    print(type(error).__name__, error.library, error.reason)

safe = ssl.create_default_context()
print(safe.verify_mode, safe.check_hostname, safe.minimum_version >= ssl.TLSVersion.MINIMUM_SUPPORTED)
for attempt in (
    lambda: setattr(safe, 'verify_mode', ssl.CERT_NONE), lambda: safe.set_ciphers('none of them'),
    lambda: safe.load_verify_locations('/nonexistent'), lambda: safe.load_verify_locations(cadata='no certificate'),
    lambda: safe.wrap_bio(garbage, garbage, server_side=True),
):
    try:
        attempt()
    except Exception as error:
        print(type(error).__name__, str(error).split(' (_')[0])

# A session is taken up again, though the connection it is from has ended without saying so.
contexts = context(ssl.PROTOCOL_TLS_CLIENT), context(ssl.PROTOCOL_TLS_SERVER)


def connect(session=None):
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = contexts[0].wrap_bio(to_client, to_server, server_hostname='example.org', session=session)
    server = contexts[1].wrap_bio(to_server, to_client, server_side=True)
    pump(client.do_handshake, server.do_handshake)
    return client, server


first = connect()
session = first[0].session
del first
again = connect(session)
print(again[0].session_reused, again[1].session_reused, again[0].session.id == session.id)

# A callback chooses another context, and the one that had it is gone.
other = context(ssl.PROTOCOL_TLS_SERVER)


def choose(connection, name, context):
    connection.context = other
    print(name)


contexts[1].sni_callback = choose
client, server = connect()
contexts = contexts[0], None
print(server.context is other, client.write(b'one'), server.read(3))
