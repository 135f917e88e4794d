"""The bytes of a port-forward: what a real API server sends only now and then."""

from typing import Any

import httpcore
import pytest
import websocket
from websocket import ABNF

from providers.kubernetes.tunnel import Tunnel

DATA, ERROR = b"\x00", b"\x01"
PORT = b"\xa0\x0f"
CLOSED = websocket.WebSocketConnectionClosedException("Connection to remote host was lost.")


class FakeSocket(websocket.WebSocket):
    """Gives what it was told to give, and keeps what it is sent."""

    def __init__(self, *frames: bytes | Exception) -> None:
        super().__init__()
        self._frames = list(frames)
        self.sent: list[bytes] = []
        self.failure: Exception | None = None

    def recv_data(self, control_frame: bool = False) -> tuple[int, bytes]:
        del control_frame
        frame = self._frames.pop(0)
        if isinstance(frame, Exception):
            raise frame
        return (ABNF.OPCODE_BINARY, frame) if frame else (ABNF.OPCODE_CLOSE, b"")

    def send_binary(self, payload: bytes) -> int:
        if self.failure:
            raise self.failure
        self.sent.append(payload)
        return len(payload)


def tunnel(*frames: bytes | Exception) -> Tunnel:
    return Tunnel(FakeSocket(DATA + PORT, ERROR + PORT, *frames))


def test_the_numbers_of_the_port_are_no_data() -> None:
    opened = tunnel(DATA + b"HTTP/1.1 200", DATA + b" OK")
    assert opened.read(4) == b"HTTP"
    assert opened.read(100) == b"/1.1 200"
    assert opened.read(100) == b" OK"


@pytest.mark.parametrize("end", [b"", CLOSED], ids=["said", "silent"])
def test_a_closed_connection_is_the_end_of_the_data(end: Any) -> None:
    opened = tunnel(DATA + b"x", end)
    assert (opened.read(9), opened.read(9), opened.read(9)) == (b"x", b"", b"")
    assert opened.get_extra_info("is_readable") is True


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (
            ERROR + b"connect: connection refused\n",
            httpcore.ReadError,
            "the Pod can't be reached: connect: c",
        ),
        (websocket.WebSocketTimeoutException("timed out"), httpcore.ReadTimeout, "no answer in time"),
        (TimeoutError(), httpcore.ReadTimeout, "no answer in time"),
        (ConnectionResetError(104, "reset by peer"), httpcore.ReadError, "broke off: .*reset by peer"),
        (websocket.WebSocketProtocolException("bad frame"), httpcore.ReadError, "broke off: bad frame"),
    ],
)
def test_what_breaks_a_read_is_named(frame: bytes | Exception, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        tunnel(frame).read(9)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (websocket.WebSocketTimeoutException("timed out"), httpcore.WriteTimeout),
        (TimeoutError(), httpcore.WriteTimeout),
        (BrokenPipeError(32, "Broken pipe"), httpcore.WriteError),
        (CLOSED, httpcore.WriteError),
    ],
)
def test_what_breaks_a_write_is_named(failure: Exception, error: type[Exception]) -> None:
    socket = FakeSocket()
    opened = Tunnel(socket)
    opened.write(b"GET /")
    assert socket.sent == [DATA + b"GET /"]
    socket.failure = failure
    with pytest.raises(error):
        opened.write(b"GET /")
