"""Making and changing objects: by create, and from then on by server-side apply."""

import re
import secrets
from collections.abc import Callable, Sequence
from copy import deepcopy
from http import HTTPStatus
from typing import Any

from tenacity import RetryCallState, retry_if_exception_type

from toolchain.plugins.differences import Path
from toolchain.plugins.kubernetes.annotations import FIELD_MANAGER, PATCH_FORCE, annotation, is_true
from toolchain.plugins.kubernetes.api import Api, reference_to
from toolchain.plugins.kubernetes.errors import (
    FieldConflictError,
    KindMissingError,
    NamespaceMissingError,
    ObjectExistsError,
    ObjectGoneError,
    RefusedError,
)
from toolchain.plugins.kubernetes.managers import CREATOR, is_unmigrated, owned_by_others, taken_over
from toolchain.plugins.patience import Pauses, patient
from toolchain.plugins.plugin import Engine, Subject
from toolchain.plugins.values import Document

__all__ = ["Writer", "field_manager"]

LONGEST_RETRY_SECONDS = 63.0
"""How long a namespace or kind that isn't there is waited for: it may be made by the same run."""

_FOR_THE_SAME_RUN = Pauses(first=0.25, longest=16.0, growth=2.0)
_MANAGER_DIGITS = 4
_MANAGER_IN_CONFLICT = re.compile(r'conflict with "([^"]+)"')


def field_manager(inputs: Document, state: Document) -> str:
    """Return the name under which the object is applied: the program's, the one it has, or a new one."""
    given = annotation(inputs, FIELD_MANAGER) or state.get("__fieldManager")
    return str(given or f"{CREATOR}-{secrets.token_hex(_MANAGER_DIGITS)}")


class Writer:
    """Writes the objects of one cluster.

    Parameters
    ----------
    default_namespace
        Tells the namespace of objects that name none.
    always_force
        Take fields over from other managers without asking.
    upsert
        Take objects over that exist already.
    """

    def __init__(
        self,
        api: Api,
        engine: Engine,
        *,
        default_namespace: Callable[[], str],
        always_force: bool,
        upsert: bool,
    ) -> None:
        self._api = api
        self._engine = engine
        self._default_namespace = default_namespace
        self._always_force = always_force
        self._upsert = upsert

    def create(self, subject: Subject, manifest: Document, manager: str) -> Document:
        """Make the object; wait for its namespace and its kind where they aren't there yet.

        Raises
        ------
        ClusterError
            It can't be made.
        """
        limit = min(subject.timeout_seconds or LONGEST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)

        def say(attempt: RetryCallState) -> None:
            if attempt.attempt_number == 1 and attempt.outcome:
                self._engine.progress(
                    subject.urn, f"waiting up to {limit:.0f} s: {attempt.outcome.exception()}"
                )

        retrying = patient(
            retry_if_exception_type((KindMissingError, NamespaceMissingError)),
            seconds=limit,
            cancelled=self._engine.cancelled,
            pauses=_FOR_THE_SAME_RUN,
            before_sleep=say,
        )
        created: Document = retrying(self._create_once, manifest, manager)
        return created

    def preview_create(self, manifest: Document) -> Document:
        """Return what the server would make."""
        return self._create_once(manifest, CREATOR, dry_run=True)

    def _create_once(self, manifest: Document, manager: str, *, dry_run: bool = False) -> Document:
        located = self._located(manifest)
        reference = reference_to(located)
        try:
            if self._upsert:
                return self._apply(located, manager, force=self._forces(located), dry_run=dry_run)
            return self._api.create(located, CREATOR, dry_run=dry_run)
        except RefusedError as error:
            if error.reason == "AlreadyExists":
                raise ObjectExistsError(reference) from error
            if error.status == HTTPStatus.NOT_FOUND and "namespaces" in error.message:
                raise NamespaceMissingError(reference) from error
            raise

    def update(self, manifest: Document, manager: str, ignored: Sequence[str]) -> Document:
        """Change the object.

        Parameters
        ----------
        ignored
            Property paths that the program leaves to others.

        Raises
        ------
        ClusterError
            It can't be changed.
        """
        located = self._located(manifest)
        live = self._live(located)
        if _is_definition(located):
            return self._replace(located, live, manager)
        if entries := taken_over(live, manager):
            live = self._api.patch(reference_to(located), _managed_fields_operations(live, entries))
        wanted = _without_ignored(located, live, manager, ignored)
        return self._apply(wanted, manager, force=self._forces(located))

    def preview_update(self, manifest: Document, manager: str, ignored: Sequence[str]) -> Document:
        """Return what the server would make of the change."""
        located = self._located(manifest)
        live = self._live(located)
        if _is_definition(located):
            return self._replace(located, live, manager, dry_run=True)
        wanted = _without_ignored(located, live, manager, ignored)
        # An update would take over the fields of the object's making first; here that can only be assumed.
        force = self._forces(located) or is_unmigrated(live)
        return self._apply(wanted, manager, force=force, dry_run=True)

    def preview_take_back(self, manifest: Document, manager: str) -> Document:
        """Return what the server would make of the manifest, whoever has changed the object since."""
        return self._apply(self._located(manifest), manager, force=True, dry_run=True)

    def _located(self, manifest: Document) -> Document:
        """Return the manifest with a namespace, if its kind has any."""
        metadata = manifest["metadata"]
        if metadata.get("namespace") or not self._api.is_namespaced(manifest["apiVersion"], manifest["kind"]):
            return manifest
        return {**manifest, "metadata": {**metadata, "namespace": self._default_namespace()}}

    def _live(self, manifest: Document) -> Document:
        reference = reference_to(manifest)
        live = self._api.get(reference)
        if live is None:
            raise ObjectGoneError(reference)
        return live

    def _forces(self, manifest: Document) -> bool:
        return self._always_force or is_true(manifest, PATCH_FORCE)

    def _replace(
        self, manifest: Document, live: Document, manager: str, *, dry_run: bool = False
    ) -> Document:
        """Replace a resource definition whole: its schemas are no maps that could be merged."""
        whole = deepcopy(manifest)
        whole["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
        return self._api.replace(whole, manager, dry_run=dry_run)

    def _apply(self, manifest: Document, manager: str, *, force: bool, dry_run: bool = False) -> Document:
        try:
            return self._api.apply(manifest, manager, force=force, dry_run=dry_run)
        except RefusedError as error:
            conflicts = [_conflict(field, text) for field, text in error.causes if "conflict with" in text]
            if error.status == HTTPStatus.CONFLICT and conflicts:
                raise FieldConflictError(reference_to(manifest), conflicts) from error
            raise


def _is_definition(manifest: Document) -> bool:
    return bool(manifest["kind"] == "CustomResourceDefinition")


def _conflict(field: str, text: str) -> str:
    manager = _MANAGER_IN_CONFLICT.search(text)
    return f"{field.lstrip('.')} by {manager[1]}" if manager else field.lstrip(".")


def _managed_fields_operations(live: Document, entries: list[Document]) -> list[Document]:
    version = live["metadata"]["resourceVersion"]
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def _without_ignored(manifest: Document, live: Document, manager: str, ignored: Sequence[str]) -> Document:
    """Return the manifest with each ignored field left out where others own it, and as it is where not."""
    result = deepcopy(manifest)
    for text in ignored:
        path: Path = tuple(text.split("."))
        holder, field = _value_at(result, path[:-1]), str(path[-1])
        if not isinstance(holder, dict):
            continue
        if owned_by_others(live, path, manager):
            holder.pop(field, None)
        elif (value := _value_at(live, path)) is not None:
            holder[field] = value
    return result


def _value_at(document: Any, path: Path) -> Any:
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    return document
