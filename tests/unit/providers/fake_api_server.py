"""An API server in memory that knows definitions and the objects of their kinds, and no more."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.unit.providers.http_server import serving

__all__ = ["ApiServer", "api_server", "definition"]

Document = dict[str, Any]
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definition(plural: str, kind: str, group: str = "example.com", **spec: Any) -> Document:
    """Give a CustomResourceDefinition."""
    version = {"name": "v1", "served": True, "storage": True}
    names = {"plural": plural, "kind": kind}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version], **spec},
    }


@dataclass
class ApiServer:
    """What it holds and what it was asked.

    Attributes
    ----------
    definitions
        Name -> definition, with its metadata.
    objects
        Plural -> objects.
    applied
        The bodies of all applications.
    stuck
        Names of definitions that go only once they are changed after their deletion.
    """

    cluster: Document = field(default_factory=dict)
    definitions: dict[str, Document] = field(default_factory=dict)
    objects: dict[str, list[Document]] = field(default_factory=dict)
    applied: list[Document] = field(default_factory=list)
    stuck: set[str] = field(default_factory=set)

    def has(self, document: Document, manager: str) -> None:
        """Let somebody have made a definition."""
        name = document["metadata"]["name"]
        metadata = {"name": name, "generation": 1, "managedFields": [{"manager": manager}]}
        self.definitions[name] = {**document, "metadata": metadata}

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith(f"{DEFINITIONS}/"):
            return self._definition(request, path.rpartition("/")[2])
        if path.startswith("/apis/"):
            return self._api(*path.split("/")[2:])
        return _missing(path)

    def _definition(self, request: httpx.Request, name: str) -> httpx.Response:
        match request.method:
            case "PATCH" if "merge" in request.headers["Content-Type"]:
                gone = self.definitions.pop(name, None)
                return httpx.Response(200, json=gone) if gone else _missing(name)
            case "PATCH":
                document = json.loads(request.content)
                self.applied.append(document)
                known = self.definitions.get(name)
                self.has(document, request.url.params["fieldManager"])
                if known:
                    same = known["spec"] == document["spec"]
                    generation = known["metadata"]["generation"] + (not same)
                    self.definitions[name]["metadata"]["generation"] = generation
            case "DELETE" if name in self.definitions and name not in self.stuck:
                return httpx.Response(200, json=self.definitions.pop(name))
        found = self.definitions.get(name)
        return httpx.Response(200, json={"metadata": found["metadata"]}) if found else _missing(name)

    def _api(self, group: str, version: str = "", plural: str = "") -> httpx.Response:
        specs = [each["spec"] for each in self.definitions.values() if each["spec"]["group"] == group]
        served = {each["name"] for spec in specs for each in spec["versions"] if each["served"]}
        if not served or (version and version not in served):
            return _missing(group)
        if not version:
            return httpx.Response(200, json={"versions": [{"version": each} for each in sorted(served)]})
        if plural:
            return httpx.Response(200, json={"items": self.objects.get(plural, [])})
        listed = [
            {"name": spec["names"]["plural"] + part, "kind": spec["names"]["kind"]}
            for spec in specs
            for part in ("", "/status")
        ]
        return httpx.Response(200, json={"resources": listed})


@contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """Serve one; its `cluster` is the input that means it."""
    server = ApiServer()
    with serving(server.answer) as url:
        document = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {}}],
        }
        (folder / "kubeconfig").write_text(json.dumps(document))
        server.cluster = {"kubeconfig": str(folder / "kubeconfig")}
        yield server


def _missing(what: str) -> httpx.Response:
    return httpx.Response(404, json={"kind": "Status", "message": f"{what} not found"})
