"""The bytes of one connection over the WebSocket of a port-forward."""

import select
import ssl

import httpcore
import websocket
from websocket import ABNF

__all__ = ["PROTOCOL", "Tunnel"]

PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1
"""Channels: the first byte of every message. The first message of each is the number of the port only."""


class Tunnel(httpcore.NetworkStream):
    """What a socket is to an HTTP connection; one thread uses it at a time.

    Parameters
    ----------
    connection
        An open port-forward to one port.
    """

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection = connection
        self._greeted: set[int] = set()
        self._unread = b""
        self._ended = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Give the next bytes; none when the Pod has closed the connection."""
        self._connection.settimeout(timeout)
        try:
            while not self._unread and not self._ended:
                self._receive()
        except (TimeoutError, websocket.WebSocketTimeoutException):
            raise httpcore.ReadTimeout("no answer in time") from None
        except websocket.WebSocketConnectionClosedException:
            self._ended = True
        except (OSError, websocket.WebSocketException) as error:
            raise httpcore.ReadError(f"the port-forward broke off: {error}") from None
        given, self._unread = self._unread[:max_bytes], self._unread[max_bytes:]
        return given

    def _receive(self) -> None:
        opcode, data = self._connection.recv_data()
        if opcode == ABNF.OPCODE_CLOSE:
            self._ended = True
            return
        channel, payload = data[0], data[1:]
        if channel not in self._greeted:
            self._greeted.add(channel)
        elif channel == _ERROR:
            raise httpcore.ReadError(f"the Pod can't be reached: {payload.decode(errors='replace').strip()}")
        elif channel == _DATA:
            self._unread += payload

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._connection.settimeout(timeout)
        try:
            self._connection.send_binary(bytes([_DATA]) + buffer)
        except (TimeoutError, websocket.WebSocketTimeoutException):
            raise httpcore.WriteTimeout("the port-forward takes nothing more") from None
        except (OSError, websocket.WebSocketException) as error:
            raise httpcore.WriteError(f"the port-forward broke off: {error}") from None

    def close(self) -> None:
        self._connection.shutdown()  # type: ignore[no-untyped-call]

    def get_extra_info(self, info: str) -> bool | None:
        """Say whether something came in unasked: then the connection has ended and isn't used again."""
        return self._is_readable() if info == "is_readable" else None

    def _is_readable(self) -> bool:
        sock = self._connection.sock
        if sock is None or self._unread or self._ended:
            return True
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return True
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
