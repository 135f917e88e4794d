"""A proxy before a server that counts requests by path."""

import ssl
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import httpx

__all__ = ["CountingProxy"]

_THEIR_OWN = ("host", "connection", "content-length", "transfer-encoding", "content-encoding")


class CountingProxy:
    """Listens on this machine while it is entered.

    Parameters
    ----------
    target
        Address of the server.
    trust
        Whom to trust there, and the certificate to show.

    Attributes
    ----------
    url
        Where it listens.
    calls
        Path -> number of requests.
    """

    def __init__(self, target: str, trust: ssl.SSLContext | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self._target = httpx.Client(base_url=target, verify=trust or True, timeout=60, trust_env=False)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._target.close()

    def taken(self) -> Counter[str]:
        """Give the counts since the last time."""
        taken, self.calls = self.calls, Counter()
        return taken

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy._pass_on(self)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_LIST = do_GET  # noqa: N815 - the names that the library calls

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def _pass_on(self, request: BaseHTTPRequestHandler) -> None:
        self.calls[request.path.partition("?")[0]] += 1
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _THEIR_OWN}
        answer = self._target.request(request.command, request.path, content=body, headers=headers)
        request.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in _THEIR_OWN:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer.content)))
        request.end_headers()
        request.wfile.write(answer.content)
