"""A real HTTP proxy on loopback, between a provider and one server, that breaks what it is told to break."""

import http.server
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum

import httpx

__all__ = ["BREAKS", "KILLS", "Exchange", "Fault", "FaultyProxy", "proxying"]

_HOP_BY_HOP = frozenset(
    {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}
)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_LATEST_ANSWER_SECONDS = 60


class Fault(Enum):
    """What goes wrong with one request."""

    RESET = "the connection is reset, nothing is done"
    LATE = "the request arrives when the client has given up"
    BROKEN = "HTTP 500, nothing is done"
    NO_BACKEND = "HTTP 502, nothing is done"
    BUSY = "HTTP 429, nothing is done"
    SEALED = "HTTP 503 as of a sealed Vault or a gateway in rollout, nothing is done"
    REFUSED = "HTTP 400 with a reason, nothing is done"
    FORBIDDEN = "HTTP 403, nothing is done"
    NOT_THERE = "HTTP 404 of an ingress without a backend, nothing is done"
    STRANGER = "HTTP 200 of some other server, nothing is done"
    LOST = "it is done, the connection is reset without an answer"
    CUT = "it is done, the answer breaks off"
    SLOW = "it is done, the answer comes when the client has given up"
    BROKEN_AFTER = "it is done, the answer is HTTP 500"
    NO_BACKEND_AFTER = "it is done, the answer is HTTP 502"
    KILLED = "the client is killed, nothing is done"
    KILLED_AFTER = "it is done, the client is killed before it hears of it"


KILLS = (Fault.KILLED, Fault.KILLED_AFTER)
BREAKS = tuple(fault for fault in Fault if fault not in KILLS)
"""What doesn't need the client's end."""


def _said(status: int, words: str) -> httpx.Response:
    """Answer as LiteLLM and as Vault would, in one."""
    error = {"message": words, "code": str(status)}
    return httpx.Response(status, json={"error": error, "errors": [words]})


_ANSWERS = {
    Fault.BROKEN: _said(500, "boom"),
    Fault.NO_BACKEND: httpx.Response(502, text="<html>Bad Gateway</html>"),
    Fault.BUSY: _said(429, "slow down"),
    Fault.SEALED: _said(503, "Vault is sealed"),
    Fault.REFUSED: _said(400, "not so"),
    Fault.FORBIDDEN: _said(403, "permission denied"),
    Fault.NOT_THERE: httpx.Response(404, text="default backend - 404"),
    Fault.STRANGER: httpx.Response(200, text="<html>Welcome</html>"),
    Fault.BROKEN_AFTER: _said(500, "boom"),
    Fault.NO_BACKEND_AFTER: httpx.Response(502, text="<html>Bad Gateway</html>"),
}
_DONE = frozenset(
    {None, Fault.LOST, Fault.CUT, Fault.SLOW, Fault.BROKEN_AFTER, Fault.NO_BACKEND_AFTER, Fault.KILLED_AFTER}
)


class Exchange:
    """One request on its way: the hook says what happens to it.

    Attributes
    ----------
    method, path
        Of the request, without its query.
    """

    def __init__(self, handler: "_Handler", upstream: httpx.Client, body: bytes) -> None:
        self._handler = handler
        self._upstream = upstream
        self._body = body
        self.method = handler.command
        self.path = handler.path.partition("?")[0]

    def suffer(self, fault: Fault | None, kill: Callable[[], object]) -> None:
        """Do what the fault says.

        Parameters
        ----------
        fault
            None for none.
        kill
            Ends the client.
        """
        if fault is Fault.LATE:
            self._handler.await_hang_up()
            self._forward()
            return
        response = self._forward() if fault in _DONE else httpx.Response(200)
        match fault:
            case None:
                self._handler.write(response)
            case Fault.CUT if response.content:
                self._handler.write(response, cut=True)
            case Fault.RESET | Fault.LOST | Fault.CUT:
                self._handler.reset()
            case Fault.SLOW:
                self._handler.await_hang_up()
            case Fault.KILLED | Fault.KILLED_AFTER:
                kill()
                self._handler.reset()
            case _:
                self._handler.write(_ANSWERS[fault])

    def _forward(self) -> httpx.Response:
        """Let the server do it, and keep its answer back."""
        headers = {
            name: value
            for name, value in self._handler.headers.items()
            if name.lower() not in _HOP_BY_HOP | {"host", "accept-encoding"}
        }
        return self._upstream.request(
            self.method, self._handler.path, headers=headers, content=self._body or None
        )


Hook = Callable[[Exchange], None]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, upstream: httpx.Client) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.hook: Hook = lambda exchange: exchange.suffer(None, lambda: None)
        self._is_over = False

    def serve(self) -> None:
        """Take connections until the end. Hundreds of proxies wait at once, so none of them polls."""
        while not self._is_over:
            self.handle_request()

    def end(self) -> None:
        """Wake up whoever serves, for the last time."""
        self._is_over = True
        socket.create_connection(("127.0.0.1", self.server_port)).close()

    def shutdown_request(self, request: object) -> None:
        """Close without the farewell that shutdown() sends: a broken connection says none."""
        assert isinstance(request, socket.socket)
        request.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that hung up are what the tests are about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.hook(Exchange(self, self.server.upstream, body))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_LIST = _serve  # noqa: N815 - http.server's names

    def write(self, response: httpx.Response, *, cut: bool = False) -> None:
        content = response.content
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) + 1 if cut else len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = self.close_connection or cut

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close_connection = True

    def await_hang_up(self) -> None:
        """Wait until the client has closed its side."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            assert selector.select(_LATEST_ANSWER_SECONDS), "the client has no time limit"
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
        del format, args


class FaultyProxy:
    """The proxy of one server; without a hook it passes everything on.

    Attributes
    ----------
    url
        Where it listens.
    """

    def __init__(self, server: _Server) -> None:
        self._server = server
        self.url = f"http://127.0.0.1:{server.server_port}"

    def use(self, hook: Hook) -> None:
        """Let a hook decide on each exchange, in the exchange's own thread."""
        self._server.hook = hook


@contextmanager
def proxying(upstream: httpx.Client) -> Iterator[FaultyProxy]:
    """Serve a proxy of what this client reaches, until the end of the block."""
    with _Server(upstream) as server:
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield FaultyProxy(server)
        finally:
            server.end()
            thread.join()
