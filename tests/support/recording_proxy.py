"""A proxy before an HTTP API that writes down what passes."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import httpx

__all__ = ["RecordingProxy"]

_THEIR_OWN = ("host", "connection", "content-length", "transfer-encoding", "content-encoding")


class RecordingProxy:
    """Listens on this machine while it is entered.

    Parameters
    ----------
    target
        What is passed on to.
    authority_file
        CA that signed its certificate; None where it speaks plain HTTP.
    certificate
        Certificate and key, in one file of PEM, with which the proxy speaks TLS itself; None for plain HTTP.

    Attributes
    ----------
    url
        Where it listens.
    calls
        Method and path of each request, in order.
    """

    def __init__(
        self, target: str, authority_file: str | None = None, certificate: Path | None = None
    ) -> None:
        self.calls: list[str] = []
        trusted = ssl.create_default_context(cafile=authority_file)
        self._target = httpx.Client(base_url=target, verify=trusted, timeout=30, trust_env=False)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if certificate:
            own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            own.load_cert_chain(certificate)
            self._server.socket = own.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._target.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                self.close_connection = True
                if self.raw_requestline and self.parse_request():
                    proxy._pass_on(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def _pass_on(self, request: BaseHTTPRequestHandler) -> None:
        self.calls.append(f"{request.command} {request.path.partition('?')[0]}")
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
