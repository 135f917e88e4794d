"""What the real gateway was asked and answered: written to files by one transport, replayed by another."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.support.placeholders import Placeholders

__all__ = ["FOLDER", "Recorder", "Replay", "load", "save"]

FOLDER = Path(__file__).parents[1] / "recordings"
Exchange = dict[str, Any]


def load(name: str) -> list[Exchange]:
    """Read the exchanges of a recording."""
    exchanges: list[Exchange] = json.loads((FOLDER / f"{name}.json").read_text())["exchanges"]
    return exchanges


def save(name: str, litellm: str, exchanges: list[Exchange]) -> None:
    """Write a recording: one line for each request and each answer."""
    lines = [
        f'    {{"request": {json.dumps(exchange["request"], sort_keys=True)},\n'
        f'     "answer": {json.dumps(exchange["answer"], sort_keys=True)}}}'
        for exchange in exchanges
    ]
    exchanged = ",\n".join(lines)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(
        f'{{\n  "litellm": {json.dumps(litellm)},\n  "exchanges": [\n{exchanged}\n  ]\n}}\n'
    )


def request_of(request: httpx.Request, placeholders: Placeholders) -> dict[str, Any]:
    """Write down a request, without its headers."""
    written: dict[str, Any] = {"method": request.method, "path": request.url.path}
    if request.url.query:
        written["query"] = dict(request.url.params)
    if request.content:
        written["body"] = json.loads(request.content)
    concealed: dict[str, Any] = placeholders.conceal(written)
    return concealed


class Recorder(httpx.BaseTransport):
    """Passes requests on and writes down what was said.

    Parameters
    ----------
    suffix
        Of the names that are made up for this run.

    Attributes
    ----------
    exchanges
        So far.
    """

    def __init__(self, suffix: str) -> None:
        self.exchanges: list[Exchange] = []
        self._suffix = suffix
        self._placeholders = Placeholders(suffix)
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        response.read()
        if request.url.path == "/key/list" and response.is_success:
            response = self._without_others(request, response)
        self.exchanges.append(
            {
                "request": request_of(request, self._placeholders),
                "answer": {
                    "status": response.status_code,
                    "body": self._placeholders.conceal(_said(response.json())),
                },
            }
        )
        return response

    def _without_others(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """Answer as a gateway would that has the keys of this run alone."""
        keys, page = [], 1
        while True:
            document = response.json()
            keys += [row for row in document["keys"] if self._suffix in json.dumps(row)]
            page += 1
            if page > document["total_pages"]:
                break
            query = request.url.copy_set_param("page", page)
            response = self._inner.handle_request(httpx.Request("GET", query, headers=request.headers))
            response.read()
        return httpx.Response(200, json={"keys": keys, "total_pages": 1})

    def close(self) -> None:
        self._inner.close()


def _said(document: Any) -> Any:
    """Leave out the members without a value, which are most of a row."""
    if isinstance(document, dict):
        return {name: _said(value) for name, value in document.items() if value is not None}
    return [_said(item) for item in document] if isinstance(document, list) else document


class Replay(httpx.BaseTransport):
    """Answers as recorded, and fails on any request that isn't the next one.

    Parameters
    ----------
    exchanges
        Of a recording.
    """

    def __init__(self, exchanges: list[Exchange]) -> None:
        self._placeholders = Placeholders()
        self._left = iter(exchanges)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = request_of(request, self._placeholders)
        expected: Exchange = next(self._left, {"request": None})
        assert asked == expected["request"], "not as recorded; if it is meant so, run make record"
        answer = expected["answer"]
        return httpx.Response(answer["status"], json=self._placeholders.reveal(answer["body"]))

    def assert_complete(self) -> None:
        """Fail if something was recorded that nobody asked for."""
        assert list(self._left) == []
