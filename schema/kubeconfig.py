"""Reads from a kubeconfig what Vault has to know of a cluster: where its API server is, and who signed it."""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from schema.certificates import ca_problem

__all__ = ["ApiServer", "KubeconfigError", "KubeconfigMissingError", "is_loopback", "read_api_server"]

_DEFAULT = "~/.kube/config"


class KubeconfigError(ValueError):
    """The kubeconfig can't be used: one sentence, without the key that named it."""


class KubeconfigMissingError(KubeconfigError):
    """There is no such file; a preview may do without."""


@dataclass(frozen=True)
class ApiServer:
    """One cluster's API server.

    Attributes
    ----------
    url
        As the kubeconfig has it: how this machine reaches it.
    ca_cert
        PEM of the CA that signed its certificate; None: the kubeconfig names none.
    """

    url: str
    ca_cert: str | None


def read_api_server(kubeconfig: str | None, context: str | None) -> ApiServer:
    """Find the API server of a context. Nothing else of the kubeconfig is looked at, no credential above all.

    Parameters
    ----------
    kubeconfig
        Path, or several that are merged, as in KUBECONFIG; else KUBECONFIG, else ~/.kube/config.
    context
        Name of the context; else the current one.

    Raises
    ------
    KubeconfigMissingError
        None of the files is there.
    KubeconfigError
        They have no such context, or it names no server, or a CA that can't be used.
    """
    spoken = kubeconfig or os.environ.get("KUBECONFIG") or _DEFAULT
    files = [Path(file).expanduser() for file in spoken.split(os.pathsep) if file]
    documents = [(file, _document(file)) for file in files if file.is_file()]
    if not documents:
        raise KubeconfigMissingError(f"there is no kubeconfig {spoken}")
    wanted = context or next((d["current-context"] for _, d in documents if d.get("current-context")), None)
    if not wanted:
        raise KubeconfigError(f"the kubeconfig {spoken} has no current context: name one as `context`")
    _, chosen = _entry(documents, "context", wanted, spoken)
    file, cluster = _entry(documents, "cluster", str(chosen.get("cluster")), spoken)
    where = f"the kubeconfig {file}, cluster {chosen.get('cluster')},"
    url = str(cluster.get("server") or "")
    if urlsplit(url).scheme != "https":
        raise KubeconfigError(f"{where} has the server {url!r}: expected one with https")
    return ApiServer(url.rstrip("/"), _ca(cluster, file, where))


def is_loopback(url: str) -> bool:
    """Tell whether an address leads whoever uses it to itself."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.")  # noqa: S104 - looked for, not bound


def _document(file: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        # The error of a parser quotes the file, and so perhaps a credential.
        raise KubeconfigError(f"the kubeconfig {file} can't be read ({type(error).__name__})") from None
    return document if isinstance(document, Mapping) else {}


def _entry(
    documents: list[tuple[Path, Mapping[str, Any]]], kind: str, name: str, spoken: str
) -> tuple[Path, Mapping[str, Any]]:
    """Find an entry by its name; the first file that has it counts, as for `kubectl`."""
    for file, document in documents:
        for entry in document.get(f"{kind}s") or ():
            if entry.get("name") == name:
                return file, entry.get(kind) or {}
    known = [entry.get("name") for _, document in documents for entry in document.get(f"{kind}s") or ()]
    listed = ", ".join(map(str, known)) or "none"
    raise KubeconfigError(f"the kubeconfig {spoken} has no {kind} {name!r} (it has: {listed})")


def _ca(cluster: Mapping[str, Any], file: Path, where: str) -> str | None:
    try:
        if data := cluster.get("certificate-authority-data"):
            pem = base64.b64decode(data, validate=True).decode("ascii")
        elif path := cluster.get("certificate-authority"):
            # Relative to the kubeconfig, as for `kubectl`.
            pem = (file.parent / path).read_text(encoding="ascii")
        else:
            return None
    except (OSError, binascii.Error, UnicodeDecodeError) as error:
        raise KubeconfigError(f"{where} has a CA that can't be read ({type(error).__name__})") from None
    if problem := ca_problem(pem):
        raise KubeconfigError(f"{where} has a CA that {problem}")
    return pem
