"""Asks an origin with Python's http.client and prints what came back, one JSON object a line."""

import hashlib
import http.client
import json
import sys
from urllib.parse import urlsplit

origin = urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(origin.hostname, origin.port, timeout=60)


def pieces():
    for i in range(500):
        yield b"piece %d " % i


def ask(method, path, body=None, headers=None, chunked=False):
    connection.request(method, path, body, headers or {}, encode_chunked=chunked)
    answer = connection.getresponse()
    data = answer.read()
    print(
        json.dumps(
            {
                "asked": [method, path],
                "version": answer.version,
                "status": answer.status,
                "reason": answer.reason,
                "headers": answer.getheaders(),
                "size": len(data),
                "sum": hashlib.sha256(data).hexdigest(),
            }
        )
    )


# All of it over one connection, where the other end keeps it.
ask("GET", "/x")
ask("GET", "/binary")
ask("HEAD", "/binary")
ask("POST", "/x", b"abc", {"Content-Type": "text/plain", "X-One": "1"})
ask("PUT", "/x", pieces(), {"Transfer-Encoding": "chunked"}, chunked=True)
ask("GET", "/chunks")
ask("GET", "/204")
ask("GET", "/304")
ask("GET", "/reason")
ask("GET", "/cookies", headers={"Cookie": "a=1; b=2"})
ask("GET", "/large")
ask("DELETE", "/x", b"gone")
ask("BREW", "/x")
ask("GET", "/close")
ask("GET", "/x?after=close")
