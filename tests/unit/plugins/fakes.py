"""Stand-ins for the servers that the plugins speak to: dictionaries that remember what was asked of them."""

import threading
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from toolchain.plugins.kubernetes.api import reference_to
from toolchain.plugins.kubernetes.errors import KindMissingError, Reference, RefusedError
from toolchain.plugins.plugin import Engine, Naming, NamingMode, Subject
from toolchain.plugins.values import Document

if TYPE_CHECKING:
    from collections.abc import Callable

OWN_NAMES = Naming(NamingMode.OWN, seed=bytes.fromhex("0123456789abcdef"))


def engine(told: list[str] | None = None) -> Engine:
    """Return an engine that keeps the progress it is told of."""
    lines = [] if told is None else told
    return Engine(cancelled=threading.Event(), progress=lambda _urn, line: lines.append(line))


def subject(type_token: str, name: str = "thing", **more: Any) -> Subject:
    return Subject(urn=f"urn:pulumi:dev::test::{type_token}::{name}", type=type_token, name=name, **more)


class FakeVault:
    """A Vault by its calls: `answers` has what a GET of each path gives, `calls` what was asked."""

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        self.answers = answers or {}
        self.calls: list[tuple[str, str, Document | None]] = []
        self.written: dict[str, Any] = {}
        self.server = self
        self.cancelled = threading.Event()

    def within(self, _namespace: str) -> "FakeVault":
        return self

    def get(self, path: str) -> Document | None:
        self.calls.append(("GET", path, None))
        answer = self.answers.get(path)
        if isinstance(answer, Exception):
            raise answer
        return deepcopy(answer)

    def write(self, path: str, body: Document, method: str = "POST") -> Document:
        self.calls.append((method, path, body))
        answer = self.written.get(path, {})
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def delete(self, path: str) -> None:
        self.calls.append(("DELETE", path, None))

    def bodies(self, path: str) -> list[Document | None]:
        return [body for _method, called, body in self.calls if called == path]


def fake_vault(answers: dict[str, Any] | None = None) -> Any:
    """Return a `FakeVault` that may stand wherever a real one is expected."""
    return FakeVault(answers)


class FakeApi:
    """An API server that keeps objects; `refusals` are raised once each by the next call of a verb."""

    def __init__(self, *objects: Document, kinds: dict[str, bool] | None = None) -> None:
        self.objects = {reference_to(each): deepcopy(each) for each in objects}
        self.kinds = kinds or {}
        self.calls: list[tuple[str, Any]] = []
        self.refusals: dict[str, list[Exception]] = {}
        self.on_read: Callable[[Document], Document | None] = lambda live: live

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        if kind not in self.kinds:
            raise KindMissingError(api_version, kind)
        return self.kinds[kind]

    def get(self, reference: Reference) -> Document | None:
        self._said("get", reference)
        live = self.objects.get(reference)
        return None if live is None else self.on_read(deepcopy(live))

    def find(self, _version: str, kind: str, namespace: str, selector: str = "") -> list[Document]:
        self._said("find", (kind, selector))
        return [each for at, each in self.objects.items() if (at.kind, at.namespace) == (kind, namespace)]

    def create(self, manifest: Document, manager: str, *, dry_run: bool = False) -> Document:
        self._said("create", (manifest, manager, dry_run))
        reference = reference_to(manifest)
        if reference in self.objects:
            raise refusal(409, "AlreadyExists")
        return self._kept(reference, deepcopy(manifest), dry_run)

    def apply(self, manifest: Document, manager: str, *, force: bool, dry_run: bool = False) -> Document:
        self._said("apply", (manifest, manager, force, dry_run))
        reference = reference_to(manifest)
        merged = _merged(self.objects.get(reference, {}), manifest)
        return self._kept(reference, merged, dry_run)

    def replace(self, manifest: Document, manager: str, *, dry_run: bool = False) -> Document:
        self._said("replace", (manifest, manager, dry_run))
        return self._kept(reference_to(manifest), deepcopy(manifest), dry_run)

    def patch(self, reference: Reference, operations: list[Document]) -> Document:
        self._said("patch", operations)
        live = self.objects[reference]
        live["metadata"]["managedFields"] = operations[0]["value"]
        return deepcopy(live)

    def delete(self, reference: Reference, propagation: str) -> None:
        self._said("delete", (reference, propagation))
        self.objects.pop(reference, None)

    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.calls]

    def last(self, verb: str) -> Any:
        return next(what for said, what in reversed(self.calls) if said == verb)

    def _said(self, verb: str, what: Any) -> None:
        self.calls.append((verb, what))
        if self.refusals.get(verb):
            raise self.refusals[verb].pop(0)

    def _kept(self, reference: Reference, live: Document, dry_run: bool) -> Document:
        live["metadata"].setdefault("uid", "uid-1")
        if not dry_run:
            self.objects[reference] = live
        return deepcopy(live)


def fake_api(*objects: Document, kinds: dict[str, bool] | None = None) -> Any:
    """Return a `FakeApi` that may stand wherever a real one is expected."""
    return FakeApi(*objects, kinds=kinds)


def refusal(status: int, reason: str, message: str = "no", causes: Any = ()) -> RefusedError:
    return RefusedError("call", status=status, reason=reason, message=message, causes=list(causes))


def _merged(live: Any, manifest: Any) -> Any:
    if isinstance(live, dict) and isinstance(manifest, dict):
        return {**live, **{key: _merged(live.get(key), value) for key, value in manifest.items()}}
    return deepcopy(manifest)
