"""The Vault plugin's behaviour: every type goes by its row in the table of kinds."""

import json
import os
from typing import Any

from toolchain.plugins.differences import Path
from toolchain.plugins.plugin import Checked, Created, Engine, Failure, Found, Naming, Plugin, Subject
from toolchain.plugins.values import UNKNOWN, Document, without_nones
from toolchain.plugins.vault.connection import NamespacedVault, Settings, Vault
from toolchain.plugins.vault.kind import Kind
from toolchain.plugins.vault.kinds import KINDS

__all__ = ["VaultPlugin"]

SUFFIX_DIGITS = 7
_UNSUPPORTED_OPTIONS = ("clientAuth", "headers", "tlsServerName")
_PATHS = ("path", "backend")
_JSON_TEXTS = ("dataJson",)


class VaultPlugin(Plugin):
    """Stands in for ``pulumi-resource-vault``."""

    package = "vault"

    def __init__(self, version: str, engine: Engine) -> None:
        super().__init__(version, engine)
        self._vault = Vault(Settings.read({}, os.environ), engine.cancelled)

    def check_configuration(self, inputs: Document) -> list[Failure]:
        unsupported = [
            name
            for name in inputs
            if inputs[name] and (name in _UNSUPPORTED_OPTIONS or name.startswith("authLogin"))
        ]
        return [Failure(name, self.needs_official) for name in unsupported]

    def configure(self, configuration: dict[str, str]) -> None:
        self._vault = Vault(Settings.read(configuration, os.environ), self.engine.cancelled)

    def check(self, subject: Subject, old: Document, new: Document, naming: Naming) -> Checked:
        kind = self._kind(subject.type)
        inputs: Document = without_nones(new)
        failures = []
        if kind.autonamed and not inputs.get(kind.autonamed):
            name = old.get(kind.autonamed) or naming.make(subject.name, SUFFIX_DIGITS)
            if name is None:
                failures.append(Failure(kind.autonamed, "must be given: automatic names are switched off"))
            inputs[kind.autonamed] = name or subject.name
        for name in _PATHS:
            if isinstance(inputs.get(name), str):
                inputs[name] = inputs[name].strip("/")
        completed = kind.completed(inputs)
        return Checked(kind.marked(completed), failures + kind.failures(completed))

    def comparable(
        self, subject: Subject, state: Document, old: Document, new: Document
    ) -> tuple[Document, Document]:
        del state
        kind = self._kind(subject.type)
        hidden = kind.write_only | kind.local & {"allowOverwrite"}
        return _comparable(old, hidden), _comparable(new, hidden)

    def is_replaced_by(self, subject: Subject, path: Path, old: Document, new: Document) -> bool:
        del old
        return self._kind(subject.type).replaces(str(path[0]), new)

    def is_deleted_first(self, subject: Subject, old: Document, new: Document) -> bool:
        kind = self._kind(subject.type)
        return bool(kind.id) and kind.identity(new) == kind.identity(old)

    def create(self, subject: Subject, inputs: Document) -> Created:
        kind = self._kind(subject.type)
        resource_id, answer = kind.create(self._within(inputs), inputs)
        return Created(resource_id, kind.state(inputs, answer))

    def read(self, subject: Subject, inputs: Document, state: Document) -> Found | None:
        kind = self._kind(subject.type)
        known = inputs or kind.inputs_of(subject.id)
        answer = kind.fetch(self._within(known), known, subject.id)
        if answer is None:
            return None
        live = kind.live(inputs, answer) if inputs else kind.imported(known, answer)
        resource_id = kind.identity(live) or subject.id
        return Found(resource_id, kind.marked(live), {**state, **kind.state(live, answer)})

    def update(self, subject: Subject, old: Document, new: Document, state: Document) -> Document:
        del state
        kind = self._kind(subject.type)
        vault = self._within(new)
        kind.update(vault, old, new)
        return kind.state(new, kind.fetch(vault, new, subject.id) or {})

    def delete(self, subject: Subject, inputs: Document, state: Document) -> None:
        del state
        kind = self._kind(subject.type)
        known = inputs or kind.inputs_of(subject.id)
        kind.delete(self._within(known), known, subject.id)

    def _kind(self, type_token: str) -> Kind:
        if type_token not in KINDS:
            raise self.unsupported(f"the type {type_token}")
        return KINDS[type_token]

    def _within(self, inputs: Document) -> NamespacedVault:
        return self._vault.within(inputs.get("namespace") or "")


def _comparable(inputs: Document, hidden: frozenset[str]) -> Document:
    return {name: _normal(name, value) for name, value in inputs.items() if name not in hidden}


def _normal(name: str, value: Any) -> Any:
    """Return JSON texts as what they hold: the order of keys and the blanks are no change."""
    if name not in _JSON_TEXTS or not isinstance(value, str) or value == UNKNOWN:
        return value
    return json.dumps(json.loads(value), sort_keys=True)
