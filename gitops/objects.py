"""Turns what the program declares into manifests that may stand in Git."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

from components.external_secrets.chart import application
from gitops.errors import NotRenderedError
from gitops.program import SECRET, Declaration, Program, stable_name
from providers.kubernetes.definition_files import read_definitions
from schema import ArgoCDInstall, ExternalSecretsSettings

__all__ = ["Object", "render"]

WAVE = "argocd.argoproj.io/sync-wave"
SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
PULUMIS_OWN = "pulumi.com/"
DEFINITIONS = "pulumi-python:dynamic/kubernetes:Definitions"
SERVED_API = "pulumi-python:dynamic/kubernetes:ServedApi"
RELEASE = "kubernetes:helm.sh/v3:Release"


@dataclass(frozen=True)
class Object:
    """One object of Kubernetes, as it is written down."""

    document: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Give its file below the folder: namespace, kind and name."""
        metadata = self.document["metadata"]
        return (
            f"{metadata.get('namespace', 'cluster')}/{self.document['kind'].lower()}-{metadata['name']}.yaml"
        )

    def __str__(self) -> str:
        metadata = self.document["metadata"]
        where = f"{metadata['namespace']}/" if "namespace" in metadata else ""
        return f"{self.document['kind']} {where}{metadata['name']}"


def render(program: Program, settings: ExternalSecretsSettings) -> list[Object]:
    """Give the objects of a program, each with the wave in which Argo CD applies it.

    A wave is the number of objects on the longest way that leads to one: what an object needs is in an
    earlier wave, and what doesn't depend on each other goes together.

    Parameters
    ----------
    program
        What was declared.
    settings
        Who installs the operator.

    Raises
    ------
    NotRenderedError
        If something holds a secret, or isn't known before an `up`.
    """
    waves = _waves(program, settings)
    problems: list[str] = []
    objects: list[Object] = []
    for declaration in program.declarations:
        documents = list(_documents(declaration, settings, waves[declaration.urn]))
        for document in documents:
            problems += _problems(document, declaration.name)
        objects += [Object(_in_wave(document, waves[declaration.urn])) for document in documents]
    paths = [each.path for each in objects]
    problems += [f"{each} is declared twice" for each in objects if paths.count(each.path) > 1]
    if problems:
        raise NotRenderedError(problems)
    return sorted(objects, key=lambda each: each.path)


def _documents(
    declaration: Declaration, settings: ExternalSecretsSettings, wave: int
) -> Iterator[dict[str, Any]]:
    """Give the objects that a resource stands for: one, none, or all that a file holds."""
    match declaration.type:
        case t if t == RELEASE:
            raise NotRenderedError(
                ["llm-gateway:externalSecrets.install.mode: helm: a release is no object; expected argocd"]
            )
        case t if t == DEFINITIONS:
            # Server-side, or Argo CD would want to note each of them in an annotation that is too small.
            yield from (
                _annotated(document, {SYNC_OPTIONS: "ServerSideApply=true"})
                for document in read_definitions(declaration.inputs["files"])
            )
        case t if t == SERVED_API and isinstance(settings.install, ArgoCDInstall):
            yield application(settings.install, wave)
        case t if t.startswith("kubernetes:"):
            yield _named(_known(declaration.inputs), declaration.name)


def _waves(program: Program, settings: ExternalSecretsSettings) -> dict[str, int]:
    counted = {each.urn: len(list(_counted(each, settings))) for each in program.declarations}
    needs = {each.urn: each.needs & counted.keys() for each in program.declarations}
    waves: dict[str, int] = {}
    for each in program.declarations:
        waves[each.urn] = max((waves[need] + counted[need] for need in needs[each.urn]), default=0)
    return waves


def _counted(declaration: Declaration, settings: ExternalSecretsSettings) -> Iterable[None]:
    """Count a resource as a step if anything is written down for it."""
    by_application = declaration.type == SERVED_API and isinstance(settings.install, ArgoCDInstall)
    if by_application or declaration.type == DEFINITIONS or declaration.type.startswith("kubernetes:"):
        yield None


# --- one object ------------------------------------------------------------------------------------------


def _known(value: Any) -> Any:
    """Leave out annotations that only an `up` can know, and those that steer Pulumi."""
    match value:
        case {"annotations": dict() as annotations, **others}:
            kept = {
                name: item
                for name, item in annotations.items()
                if item != UNKNOWN and not name.startswith(PULUMIS_OWN)
            }
            return _known(others) | ({"annotations": kept} if kept else {})
        case dict():
            return {name: _known(item) for name, item in value.items()}
        case list():
            return [_known(item) for item in value]
    return value


def _named(document: dict[str, Any], resource_name: str) -> dict[str, Any]:
    metadata = document["metadata"]
    if "name" in metadata:
        return document
    # A Job can't be changed: another content is another Job, which then runs.
    content = json.dumps(document, sort_keys=True) if document["kind"] == "Job" else ""
    return document | {"metadata": metadata | {"name": stable_name(resource_name, content)}}


def _in_wave(document: dict[str, Any], wave: int) -> dict[str, Any]:
    return _annotated(document, {WAVE: str(wave)})


def _annotated(document: dict[str, Any], annotations: Mapping[str, str]) -> dict[str, Any]:
    metadata = document["metadata"]
    return document | {
        "metadata": metadata | {"annotations": {**metadata.get("annotations", {}), **annotations}}
    }


def _problems(document: Mapping[str, Any], resource_name: str) -> Iterator[str]:
    this = f"{Object(document)} ({resource_name})"
    if document["kind"] == "Secret" and (document.get("data") or document.get("stringData")):
        yield (
            f"{this} holds values, which may not stand in a file: keep them in Vault and let an "
            "ExternalSecret bring them (llm-gateway:vault.auth.method: kubernetes needs no token, and "
            "llm-gateway:externalSecrets.caSource: ConfigMap no Secret)"
        )
        return
    for path, value in _leaves(document):
        if value == UNKNOWN:
            yield f"{this}: {path} is only known after an `up`: give it in the configuration"
        elif value is SECRET:
            yield f"{this}: {path} is a secret, which may not stand in a file"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    match value:
        case dict() if SECRET in value:
            yield path, SECRET
        case dict():
            for name, item in value.items():
                yield from _leaves(item, f"{path}.{name}" if path else name)
        case list():
            for index, item in enumerate(value):
                yield from _leaves(item, f"{path}[{index}]")
        case _:
            yield path, value
