"""Who asks the API server about a token for Vault, and whether that one gets an answer."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from doctor.model import Finding, broken
from doctor.objects import Store
from doctor.scene import Scene
from doctor.token_review import review_through

__all__ = ["reviewer_problems"]


def reviewer_problems(
    scene: Scene, subject: str, config: Mapping[str, Any], stores: list[Store], cluster_authority: str
) -> Iterator[Finding]:
    """Ask about the stores' tokens as Vault does; a reviewer token that Vault alone holds only a login tries.

    Parameters
    ----------
    subject
        The auth mount, in words.
    config
        Of the auth mount.
    stores
        That log in there.
    cluster_authority
        PEM of the cluster's CA, which a Vault in a Pod trusts by itself.
    """
    if config.get("token_reviewer_jwt_set"):
        return
    if not config.get("disable_local_ca_jwt"):
        # Of a Vault outside of this cluster nobody here can say which token it has.
        all_of_them = {store.key for store in stores}
        for namespace, name in sorted(_vault_accounts(scene, stores)):
            yield from _forbidden(scene, subject, (namespace, name), all_of_them, self_review=False)
        return
    for store in stores:
        if store.service_account is None:
            continue
        problems = list(_forbidden(scene, subject, store.service_account, {store.key}, self_review=True))
        yield from problems or _unheard(scene, subject, config, store, cluster_authority)


def _forbidden(
    scene: Scene, subject: str, account: tuple[str, str], scope: set[str], *, self_review: bool
) -> Iterator[Finding]:
    """Ask whether a ServiceAccount may review tokens."""
    namespace, name = account
    asked = {"verb": "create", "group": "authentication.k8s.io", "resource": "tokenreviews"}
    if scene.kubernetes.may(f"system:serviceaccount:{namespace}:{name}", asked):
        return
    cure = "bind the ClusterRole system:auth-delegator to it"
    yield broken(
        subject,
        f"tokens are reviewed as the ServiceAccount {namespace}/{name}, which may not",
        cause=f"the reviewer {namespace}/{name} may not create TokenReviews",
        cure=f"{cure}, or give the auth mount a reviewer token" if self_review else cure,
        scope=scope,
    )


def _unheard(
    scene: Scene, subject: str, config: Mapping[str, Any], store: Store, cluster_authority: str
) -> Iterator[Finding]:
    """Let a store's token ask about itself, which it can only if the API server takes it too."""
    token = scene.token_of(store)
    name = urlsplit(str(config.get("kubernetes_host") or "")).hostname or ""
    authority = str(config.get("kubernetes_ca_cert") or cluster_authority)
    reviewed = review_through(scene.kubernetes.server, name, authority, token, scene.record)
    if reviewed.is_refused:
        yield broken(
            subject,
            f"the API server refuses the token of {store.key} as a reviewer: HTTP {reviewed.status}",
            cause="the store's token reviews itself, but isn't made for the API server",
            cure="add the API server's audience to serviceAccountRef.audiences, or give the auth mount a "
            "reviewer token",
            scope={store.key},
        )


def _vault_accounts(scene: Scene, stores: list[Store]) -> set[tuple[str, str]]:
    """List the ServiceAccounts of Vault's own Pods, where Vault runs in this cluster."""
    accounts = set()
    for store in stores:
        host = urlsplit(str((store.vault or {}).get("server") or "")).hostname or ""
        name, _, rest = host.partition(".")
        namespace = rest.partition(".")[0]
        service = (
            scene.kubernetes.get(f"/api/v1/namespaces/{namespace}/services/{name}") if namespace else None
        )
        selector = ((service or {}).get("spec") or {}).get("selector") or {}
        if not selector:
            continue
        for pod in scene.kubernetes.items(f"/api/v1/namespaces/{namespace}/pods"):
            labels = pod["metadata"].get("labels") or {}
            if selector.items() <= labels.items():
                accounts.add((namespace, pod["spec"].get("serviceAccountName") or "default"))
    return accounts
