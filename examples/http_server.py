"""A ThreadingHTTPServer whose handlers compute, asked by clients in the same process.

    orochi examples/http_server.py [THREADS]
"""

import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from _speedup import compare, thread_count


def primes(limit):
    """How many primes there are below a limit."""
    sieve = bytearray([1]) * limit
    sieve[0:2] = b'\0\0'
    for i in range(2, int(limit ** 0.5) + 1):
        if sieve[i]:
            for multiple in range(i * i, limit, i):
                sieve[multiple] = 0
    return sum(sieve)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(primes(int(self.path.rpartition('/')[2]))).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


def main():
    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f'http://127.0.0.1:{server.server_port}/primes/1500000'
    requests = 24

    def ask(n):
        """All requests, n of them at a time."""
        answers = []

        def client(count):
            for _ in range(count):
                with urllib.request.urlopen(url) as response:
                    answers.append(int(response.read()))

        clients = [threading.Thread(target=client, args=(requests // n + (i < requests % n),)) for i in range(n)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        return answers

    _, answers = compare(ask, thread_count())
    server.shutdown()
    assert len(answers) == requests and len(set(answers)) == 1
    print(f'{answers[0]} primes below 1,500,000, {requests} times')


if __name__ == '__main__':
    main()
