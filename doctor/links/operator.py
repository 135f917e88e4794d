"""What External Secrets Operator itself says: conditions, and the events that hold the reason."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from doctor.kubernetes import Document
from doctor.model import Finding, Link, State, broken, unknown, weak, whole
from doctor.objects import ExternalSecret
from doctor.scene import Scene

__all__ = ["LINKS"]

_LATE_FACTOR = 4
_LATE_GRACE_SECONDS = 60

# What the operator's events say -> cause, cure, links that look at the same. The first that matches counts.
_REASONS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        r"not managed by external-secrets",
        "somebody else has written to the path, and the operator doesn't push over it",
        "push to another path, or remove what is there",
        (),
    ),
    (
        r"set secret failed: secret key .* does not exist",
        "the Secret that is pushed from lacks the key",
        "correct the PushSecret's secretKey, or write the key",
        (),
    ),
    (
        r"could not get source secret",
        "the Secret that is pushed from isn't there",
        "make it, or correct the PushSecret's selector",
        (),
    ),
    (
        r"could not write remote ref .*403",
        "Vault refuses the push: no policy allows the path",
        "allow create, update and read on its data and metadata in a policy of the role",
        (),
    ),
    (
        r"CreationPolicy=Merge",
        "there is no Secret to merge into",
        "make the Secret that the ExternalSecret merges into, or set creationPolicy: Owner",
        (),
    ),
    (
        r"DeletionPolicy=Delete",
        "the Secret was deleted: its path is no longer in Vault, and deletionPolicy is Delete",
        "write the path, or take the ExternalSecret away",
        (),
    ),
    (
        r"not allowed from namespace|denied by spec.condition",
        "the ClusterSecretStore doesn't admit this namespace",
        "add the namespace to the store's conditions",
        (),
    ),
    (
        r"could not get (?:Cluster)?SecretStore",
        "it names a store that doesn't exist",
        "correct secretStoreRef, or make the store",
        ("store",),
    ),
    (
        r"owned by another ExternalSecret",
        "two ExternalSecrets claim the same Secret",
        "give one of them another target",
        (),
    ),
    (
        r"cannot find secret data for key",
        "a property that is named isn't there",
        "correct the property, or write it",
        ("path",),
    ),
    (
        r"Secret does not exist",
        "a path that the ExternalSecret names isn't in Vault, or its newest version is deleted",
        "correct the key, or write a version",
        ("path",),
    ),
    (
        r"cannot read secret data from Vault.*403",
        "Vault refuses the read: no policy allows the path",
        "allow read on it in a policy of the role",
        ("policy",),
    ),
    (
        r"failed to get cert from|failed to get caProvider",
        "the store's caProvider names a ConfigMap or Secret that isn't there, or lacks the key",
        "write the CA of the server there",
        ("store-server",),
    ),
    (
        r"cannot request Kubernetes service account token",
        "the store's ServiceAccount isn't there, or the operator may not ask for its token",
        "make the ServiceAccount, or allow create on serviceaccounts/token",
        ("operator", "service-account"),
    ),
    (
        r"cannot get Kubernetes secret",
        "the Secret with the store's Vault token isn't there",
        "write it",
        ("login",),
    ),
    (
        r"x509|tls:",
        "the server's certificate isn't valid for the store",
        "correct the store's CA or server name",
        ("store-server",),
    ),
    (
        r"HTTP request to an HTTPS server",
        "the store speaks http to a server that speaks https",
        "set https:// in the store",
        ("store-server",),
    ),
    (
        r"server gave HTTP response to HTTPS client",
        "the store speaks https to a server that speaks http",
        "set http:// in the store",
        ("store-server",),
    ),
    (
        r"no such host",
        "the store's server has no address",
        "correct the host name in the store",
        ("store-server",),
    ),
    (
        r"connection refused|context deadline exceeded|no route to host",
        "nothing answers at the store's server",
        "correct its address and port, or start the server",
        ("vault", "store-server"),
    ),
    (
        r"Vault is sealed",
        "Vault is sealed",
        "unseal it",
        ("vault",),
    ),
    (
        r"invalid role name",
        "the store's role doesn't exist",
        "correct auth.kubernetes.role, or write the role",
        ("role", "login"),
    ),
    (
        r"audience",
        "the store's token is made for another audience than the role demands",
        "set the same audience on both",
        ("role", "login"),
    ),
    (
        r"namespace not authorized|service account name not authorized",
        "the role isn't bound to the store's ServiceAccount",
        "correct the role's bindings",
        ("role", "login"),
    ),
    (
        r"failed to find registered store backend",
        "this operator is built without the store's provider",
        "use an operator with the Vault provider",
        (),
    ),
    (
        r"unable to log in",
        "Vault refuses the store's login",
        "see the link login",
        ("login",),
    ),
    (
        r"invalid vault credentials",
        "Vault doesn't take the store's token",
        "see the link login",
        ("login",),
    ),
)


def probe_stores(scene: Scene) -> Iterator[Finding]:
    for store in scene.stores():
        controller = store.document["spec"].get("controller") or ""
        # Whoever may only read the namespace doesn't see the operator; hardly a store names one.
        classes = scene.operator_classes() if controller else {controller}
        if controller not in classes:
            yield broken(
                store.key,
                f"spec.controller is {controller}; the operator here answers to {', '.join(sorted(classes))}",
                cause="no operator feels responsible for the store",
                cure="take spec.controller out, or start the operator with that controller class",
                scope={store.key},
            )
            continue
        yield from _judged(scene, store.key, store.document, {store.key})


def probe_external_secrets(scene: Scene) -> Iterator[Finding]:
    found = scene.external_secrets()
    if scene.stack is None and scene.namespaces and not found:
        yield unknown(
            "ExternalSecrets",
            f"no ExternalSecret in {', '.join(scene.namespaces)}, so there is no chain to look at",
            cure="name the namespaces of the chain with --namespace, or a stack",
        )
    for external in found:
        store = scene.store_of(external)
        scope = {store.key} if store else {f"{external.store_reference[0]} {external.store_reference[1]}"}
        if store is None:
            problem = _problem_of_other_store(scene, external, scope)
            if problem is not None:
                yield problem
                continue
        if store is not None and not scene.admits(store, external.namespace):
            yield broken(
                external.key,
                f"the namespaces of the {store.key} are not this one",
                cause=f"the ClusterSecretStore doesn't admit this namespace: {external.namespace}",
                cure="add the namespace to the store's conditions",
                scope=scope,
            )
            continue
        yield from _judged(scene, external.key, external.document, scope)
        yield from _late(external, scope)


def _problem_of_other_store(scene: Scene, external: ExternalSecret, scope: set[str]) -> Finding | None:
    """See what is wrong with a store that isn't there, or isn't one over Vault."""
    kind, name = external.store_reference
    document = scene.store_document(external)
    if document is None:
        return broken(
            external.key,
            f"there is no {kind} {name}",
            cause=f"the ExternalSecret names a store that doesn't exist: {name}",
            cure="correct secretStoreRef, or make the store",
            scope=scope,
        )
    found = _judged(scene, f"{kind} {name}", document, scope)
    return next((finding for finding in found if finding.state is State.BROKEN), None)


def probe_push_secrets(scene: Scene) -> Iterator[Finding]:
    for document in scene.push_secrets():
        subject = f"PushSecret {document['metadata']['namespace']}/{document['metadata']['name']}"
        yield from _judged(scene, subject, document, scene.stores_pushed_to(document))


def _judged(scene: Scene, subject: str, document: Document, scope: set[str]) -> Iterator[Finding]:
    conditions = (document.get("status") or {}).get("conditions") or []
    ready = next((item for item in conditions if item["type"] == "Ready"), None)
    if ready is None:
        yield broken(
            subject,
            "has no condition: the operator has never looked at it",
            cause="no operator feels responsible: it doesn't run, or spec.controller names another one",
            cure="start External Secrets Operator, or take spec.controller out",
            scope=scope,
        )
        return
    if ready["status"] == "True" and ready.get("reason") not in ("SecretMissing", "SecretDeleted"):
        yield whole(subject, str(ready.get("message") or "ready"), scope)
        return
    said, when = " ".join(str(ready.get("message") or ready.get("reason")).split()), ""
    if ready["status"] != "True":
        reason = _why(scene, document, str(ready.get("lastTransitionTime") or ""))
        said, when = reason or (said, "")
    cause, cure, seen_by = _explained(said)
    finding = broken(subject, said + when, cause=cause, cure=cure, scope=scope)
    yield replace(finding, seen_by=seen_by)


def _why(scene: Scene, document: Document, since: str) -> tuple[str, str] | None:
    """Find the newest Warning that gives a reason, and when: `is not ready` only points at the store."""
    warnings = [
        item
        for item in scene.events(document)
        if item.get("type") == "Warning" and str(item.get("lastTimestamp") or "") >= since
    ]
    telling = [item for item in warnings if "is not ready" not in item["message"]] or warnings
    if not telling:
        return None
    last = telling[0].get("lastTimestamp")
    age = f" ({_age_seconds(last):.0f} s ago)" if last else ""
    return " ".join(telling[0]["message"].split()), age


def _explained(said: str) -> tuple[str, str, tuple[str, ...]]:
    for pattern, cause, cure, seen_by in _REASONS:
        if re.search(pattern, said):
            return cause, cure, seen_by
    return "the operator couldn't do its work", "see its events and its log", ()


def _late(external: ExternalSecret, scope: set[str]) -> Iterator[Finding]:
    """See whether the Secret is still being kept up: a condition stays True when nobody looks any more."""
    interval = _seconds(str(external.document["spec"].get("refreshInterval") or "1h"))
    refreshed = (external.document.get("status") or {}).get("refreshTime")
    if not interval or not refreshed:
        return
    age = _age_seconds(refreshed)
    if age > interval * _LATE_FACTOR + _LATE_GRACE_SECONDS:
        yield weak(
            external.key,
            f"last refreshed {age:.0f} s ago, wants to be every {interval:.0f} s",
            cause="the operator is behind: it doesn't run, or waits longer after each failure",
            cure="see the operator's log, or force a retry: python -m doctor --fix",
            scope=scope,
        )


def _age_seconds(timestamp: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(timestamp)).total_seconds()


def _seconds(duration: str) -> float:
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h)", duration))


LINKS = (
    Link(
        "store",
        "Store",
        "The conditions and Warning events of each store: what External Secrets Operator says of it.",
        probe_stores,
        needs=(
            "cluster",
            "operator",
            "operator-version",
            "vault",
            "store-server",
            "auth-mount",
            "service-account",
            "role",
            "policy",
            "login",
        ),
    ),
    Link(
        "external-secret",
        "ExternalSecret",
        "The conditions and Warning events of each ExternalSecret, and when it was last refreshed.",
        probe_external_secrets,
        needs=("operator-version", "store", "path"),
    ),
    Link(
        "push-secret",
        "PushSecret",
        "The conditions and Warning events of each PushSecret, which writes to Vault what a Secret holds.",
        probe_push_secrets,
        needs=("store",),
    ),
)
