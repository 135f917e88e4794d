"""The Kubernetes plugin's behaviour: objects of every kind go the same way."""

from collections.abc import Callable
from http import HTTPStatus

from toolchain.plugins.differences import Path
from toolchain.plugins.errors import NotReadyError
from toolchain.plugins.kubernetes.annotations import (
    AUTONAMED,
    DELETION_PROPAGATION,
    WAIT_FOR,
    annotation,
    is_true,
)
from toolchain.plugins.kubernetes.api import Api, reference_to
from toolchain.plugins.kubernetes.awaiting import Waiter
from toolchain.plugins.kubernetes.cluster import ClusterChoice
from toolchain.plugins.kubernetes.conditions import WaitForError, parse_wait_for
from toolchain.plugins.kubernetes.drift import drifted, pruned
from toolchain.plugins.kubernetes.errors import (
    ClusterCredentialsError,
    ClusterError,
    ClusterUnreachableError,
    KindMissingError,
    KubeconfigError,
    NamespaceMissingError,
    ObjectExistsError,
    RefusedError,
)
from toolchain.plugins.kubernetes.inputs import completed, from_api, marked, to_api
from toolchain.plugins.kubernetes.kinds import api_version_and_kind, is_built_in, is_replaced, is_unsupported
from toolchain.plugins.kubernetes.options import Options
from toolchain.plugins.kubernetes.quantities import with_equal_quantities
from toolchain.plugins.kubernetes.state import inputs_of, previewed, reference_of, state_of
from toolchain.plugins.kubernetes.verdicts import Outcome
from toolchain.plugins.kubernetes.writing import Writer, field_manager
from toolchain.plugins.plugin import Checked, Created, Engine, Failure, Found, Naming, Plugin, Subject
from toolchain.plugins.values import Document, has_unknown

__all__ = ["KubernetesPlugin"]

_NO_ANSWER = (ClusterUnreachableError, ClusterCredentialsError, KubeconfigError)
_CLUSTER_INPUTS = ("kubeconfig", "context", "cluster")
_PROPAGATION = {"orphan": "Orphan", "background": "Background"}


class KubernetesPlugin(Plugin):
    """Stands in for ``pulumi-resource-kubernetes``."""

    package = "kubernetes"

    def __init__(self, version: str, engine: Engine) -> None:
        super().__init__(version, engine)
        self.configure({})

    def check_configuration(self, inputs: Document) -> list[Failure]:
        unsupported = [name for name in ("renderYamlToDirectory",) if inputs.get(name)]
        if inputs.get("enableServerSideApply") in (False, "false"):
            unsupported.append("enableServerSideApply")
        return [Failure(name, self.needs_official) for name in unsupported]

    def configuration_replaced_by(self, old: Document, new: Document, changed: list[str]) -> list[str]:
        before, after = old.get("clusterIdentifier"), new.get("clusterIdentifier")
        if before and after:
            return ["clusterIdentifier"] if before != after else []
        choices = ClusterChoice.of(old), ClusterChoice.of(new)
        moved = [name for name in _CLUSTER_INPUTS if name in changed]
        if not all(choice.is_known for choice in choices):
            return moved
        old_cluster, new_cluster = (choice.active_cluster() for choice in choices)
        return moved if old_cluster and new_cluster and old_cluster != new_cluster else []

    def configure(self, configuration: dict[str, str]) -> None:
        self._choice = ClusterChoice.of(configuration)
        self._options = Options.read(configuration)
        self._api = Api(self._choice)
        self._waiter = Waiter(self._api, self.engine)
        self._writer = Writer(
            self._api,
            self.engine,
            default_namespace=self._default_namespace,
            always_force=self._options.patch_force,
            upsert=self._options.upsert,
        )
        self._is_silent = False  # whether the cluster has left a preview without an answer

    def check(self, subject: Subject, old: Document, new: Document, naming: Naming) -> Checked:
        if is_unsupported(subject.type):
            raise self.unsupported(f"the type {subject.type}")
        inputs = completed(subject, old, new, naming, self._default_namespace)
        return Checked(marked(inputs), _failures(inputs))

    def comparable(
        self, subject: Subject, state: Document, old: Document, new: Document
    ) -> tuple[Document, Document]:
        namespace = (state.get("metadata") or {}).get("namespace")
        old, new = _in_namespace(old, namespace), _in_namespace(new, namespace)
        if is_built_in(api_version_and_kind(subject.type)[0]):
            new = with_equal_quantities(old, new)
        return old, new

    def is_replaced_by(self, subject: Subject, path: Path, old: Document, new: Document) -> bool:
        del subject
        return is_replaced(path, old, new, self._options.mutable_kinds)

    def is_deleted_first(self, subject: Subject, old: Document, new: Document) -> bool:
        del subject
        if is_true(new, AUTONAMED):
            return False  # its successor gets another name
        before, after = old.get("metadata") or {}, new.get("metadata") or {}
        return all(before.get(name) == after.get(name) for name in ("name", "namespace"))

    def preview_create(self, subject: Subject, inputs: Document) -> Document:
        del subject
        return previewed(inputs, self._dry_run(inputs, self._writer.preview_create), {})

    def preview_update(self, subject: Subject, inputs: Document, state: Document) -> Document:
        manager = field_manager(inputs, state)

        def dry_run(manifest: Document) -> Document:
            return self._writer.preview_update(manifest, manager, subject.ignored)

        return previewed(inputs, self._dry_run(inputs, dry_run), state)

    def create(self, subject: Subject, inputs: Document) -> Created:
        manager = field_manager(inputs, {})
        live = self._writer.create(subject, to_api(inputs), manager)
        return Created(reference_to(live).id, self._settled(subject, inputs, live, manager))

    def update(self, subject: Subject, old: Document, new: Document, state: Document) -> Document:
        del old
        manager = field_manager(new, state)
        live = self._writer.update(to_api(new), manager, subject.ignored)
        return self._settled(subject, new, live, manager)

    def read(self, subject: Subject, inputs: Document, state: Document) -> Found | None:
        reference = reference_of(subject, inputs, state)
        try:
            live = self._api.get(reference)
        except _NO_ANSWER:
            if self._options.delete_unreachable:
                return None
            if self._options.skip_unreachable:
                return Found(subject.id, marked(inputs), state)
            raise
        if live is None:
            return None
        manager = field_manager(inputs, state)
        found = self._drifted(inputs, live, manager) if inputs else inputs_of(live)
        new_state = state_of(found, live, manager)
        verdict = self._waiter.is_ready_now(inputs, live)
        if verdict.outcome is not Outcome.READY:
            reason = f"{reference} isn't ready: {verdict.reason}"
            raise NotReadyError(subject.id, marked(found), new_state, reason)
        return Found(subject.id, marked(found), new_state)

    def delete(self, subject: Subject, inputs: Document, state: Document) -> None:
        reference = reference_of(subject, inputs, state)
        propagation = annotation(inputs, DELETION_PROPAGATION).lower()
        try:
            self._api.delete(reference, _PROPAGATION.get(propagation, "Foreground"))
            self._waiter.until_gone(subject, inputs, reference, (state.get("metadata") or {}).get("uid"))
        except _NO_ANSWER:
            if not self._options.delete_unreachable:
                raise

    def invoke(self, function: str, arguments: Document) -> Document:
        if function != "kubernetes:yaml:decode":
            return super().invoke(function, arguments)
        from toolchain.plugins.kubernetes.manifests import objects_in  # noqa: PLC0415 - few programs need it

        return {"result": objects_in(arguments["text"])}

    def _default_namespace(self) -> str:
        return self._options.namespace or self._choice.namespace()

    def _dry_run(self, inputs: Document, write: Callable[[Document], Document]) -> Document | None:
        """Return what the server would make of the inputs; None where they or it can't tell."""
        if self._is_silent or has_unknown(inputs):
            return None
        try:
            return write(to_api(inputs))
        except _NO_ANSWER:
            self._is_silent = True
        except (KindMissingError, NamespaceMissingError, ObjectExistsError):
            pass  # what is missing may be made by the same run, and what exists may be deleted first
        except RefusedError as error:
            if error.status != HTTPStatus.FORBIDDEN and error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
        return None

    def _settled(self, subject: Subject, inputs: Document, live: Document, manager: str) -> Document:
        """Return the state of an object that was just written, once it is ready."""
        live, verdict = self._waiter.until_ready(subject, inputs, live)
        state = state_of(inputs, live, manager)
        if verdict.outcome is not Outcome.READY:
            raise NotReadyError(reference_to(live).id, marked(inputs), state, verdict.reason)
        return state

    def _drifted(self, inputs: Document, live: Document, manager: str) -> Document:
        """Return the inputs with the live values where those mean something else."""
        given = to_api(inputs)
        if pruned(given, live) == given:
            return inputs
        named = {**given, "metadata": {**given["metadata"], "name": live["metadata"]["name"]}}
        try:
            wanted = self._writer.preview_take_back(named, manager)
        except ClusterError:
            return from_api(pruned(given, live))
        return from_api(drifted(given, wanted, live))


def _failures(inputs: Document) -> list[Failure]:
    metadata = inputs["metadata"]
    if not isinstance(metadata, dict):
        return []
    failures = []
    if "generateName" in metadata:
        failures.append(Failure("metadata.generateName", "isn't supported: give a name, or none at all"))
    elif "name" not in metadata:
        failures.append(Failure("metadata.name", "must be given: automatic names are switched off"))
    try:
        if text := annotation(inputs, WAIT_FOR):
            parse_wait_for(text)
    except WaitForError as error:
        failures.append(Failure(f'metadata.annotations["{WAIT_FOR}"]', f"can't be understood: {error}"))
    return failures


def _in_namespace(inputs: Document, namespace: str | None) -> Document:
    """Return the inputs with the namespace that the object has got, if the program names none."""
    metadata = inputs.get("metadata")
    if not namespace or not isinstance(metadata, dict) or "namespace" in metadata:
        return inputs
    return {**inputs, "metadata": {**metadata, "namespace": namespace}}
