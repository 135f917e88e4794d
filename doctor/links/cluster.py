"""The cluster, and the operator that runs in it."""

from collections.abc import Iterator

from doctor.kubernetes import Document
from doctor.model import Finding, Link, broken, unknown, weak, whole
from doctor.scene import Scene

__all__ = ["LINKS"]

_DEFINITIONS = {
    "externalsecrets": "ExternalSecret",
    "secretstores": "SecretStore",
    "clustersecretstores": "ClusterSecretStore",
}
_GROUP = "external-secrets.io"


def probe_stack(scene: Scene) -> Iterator[Finding]:
    if scene.without_stack is not None:
        raise scene.without_stack
    if scene.stack is not None:
        subject = f"Stack {scene.stack.project}/{scene.stack.name}"
        yield whole(subject, f"declares {len(scene.stack.keys)} virtual keys")


def probe_cluster(scene: Scene) -> Iterator[Finding]:
    version = scene.kubernetes.get("/version") or {}
    yield whole(
        f"Kubernetes {scene.kubernetes.server}", f"answers, version {version.get('gitVersion', 'unknown')}"
    )
    for namespace in scene.wanted_namespaces:
        yield from _namespace(scene, namespace)


def _namespace(scene: Scene, namespace: str) -> Iterator[Finding]:
    subject = f"Namespace {namespace}"
    refused = scene.blind_spots.get(namespace)
    if refused is not None:
        yield unknown(subject, refused.sentence, cure=refused.cure)
    elif scene.kubernetes.get(f"/api/v1/namespaces/{namespace}") is None:
        yield broken(
            subject,
            "isn't there",
            cause=f"the namespace {namespace} doesn't exist in this cluster",
            cure="name the right one with --namespace, or check the kubeconfig's context",
        )


def probe_operator(scene: Scene) -> Iterator[Finding]:
    subject = "External Secrets Operator"
    missing = [name for name in _DEFINITIONS if _definition(scene, name) is None]
    if missing:
        yield broken(
            subject,
            f"the cluster has no CRD {', '.join(f'{name}.{_GROUP}' for name in missing)}",
            cause="the operator's CRDs aren't installed"
            if len(missing) == len(_DEFINITIONS)
            else f"a CRD of the operator's isn't installed: {', '.join(missing)}",
            cure="install External Secrets Operator with its CRDs",
        )
    deployments = scene.operators()
    if not deployments and not missing:
        yield broken(
            subject,
            "no Deployment runs its image",
            cause="the operator isn't installed: its definitions are there, but nothing acts on them",
            cure="install External Secrets Operator",
        )
    for deployment in deployments:
        yield from _operator_of(scene, deployment)


def _operator_of(scene: Scene, deployment: Document) -> Iterator[Finding]:
    namespace, name = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
    subject = f"Deployment {namespace}/{name}"
    wanted = deployment["spec"].get("replicas", 1)
    available = (deployment.get("status") or {}).get("availableReplicas") or 0
    if wanted == 0:
        yield broken(
            subject,
            "scaled to 0 replicas",
            cause="the operator is switched off, so no Secret follows Vault",
            cure=f"kubectl -n {namespace} scale deployment/{name} --replicas=1",
        )
    elif available == 0:
        yield broken(
            subject,
            f"0 of {wanted} replicas are available",
            cause="the operator doesn't run, so no Secret follows Vault",
            cure=f"kubectl -n {namespace} describe deployment/{name}, and see its Pods' logs",
        )
    else:
        yield whole(subject, f"{available} of {wanted} replicas are available")
    yield from _rights_of(scene, deployment)


def _rights_of(scene: Scene, deployment: Document) -> Iterator[Finding]:
    """See whether the operator may ask for the tokens that its stores log in with."""
    namespace = deployment["metadata"]["namespace"]
    account = deployment["spec"]["template"]["spec"].get("serviceAccountName", "default")
    user = f"system:serviceaccount:{namespace}:{account}"
    for store in scene.stores():
        if store.service_account is None:
            continue
        theirs, name = store.service_account
        asked = {
            "verb": "create",
            "resource": "serviceaccounts",
            "subresource": "token",
            "namespace": theirs,
            "name": name,
        }
        if not scene.kubernetes.may(user, asked):
            yield broken(
                f"ServiceAccount {namespace}/{account}",
                f"may not create serviceaccounts/token in {theirs}",
                cause=f"the operator may not ask for a token of the ServiceAccount {theirs}/{name}",
                cure="give its ClusterRole the verb create on serviceaccounts/token",
                scope={store.key},
            )


def probe_versions(scene: Scene) -> Iterator[Finding]:
    """Compare the versions that the definitions serve with those that the stack's manifests are of."""
    declared = scene.stack.versions_of(_GROUP) if scene.stack else {}
    for name, kind in _DEFINITIONS.items():
        definition = _definition(scene, name)
        if definition is None:
            continue
        subject = f"CRD {name}.{_GROUP}"
        served = [version["name"] for version in definition["spec"]["versions"] if version.get("served")]
        unserved = sorted(declared.get(kind, set()) - set(served))
        if unserved:
            yield broken(
                subject,
                f"serves {', '.join(served) or 'no version'}",
                cause=f"the cluster doesn't serve the version that the stack's {kind}s are of: "
                f"{_GROUP}/{', '.join(unserved)}",
                cure="install the CRDs of an External Secrets Operator that serves it, or set "
                "externalSecrets.apiVersion to one that is served",
            )
        elif "v1" in served:
            yield whole(subject, f"serves {', '.join(served)}")
        else:
            yield weak(
                subject,
                f"serves {', '.join(served)} only",
                cause="the operator is older than its v1 API",
                cure="upgrade External Secrets Operator, or set externalSecrets.apiVersion",
            )


def _definition(scene: Scene, name: str) -> Document | None:
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}.{_GROUP}"
    return scene.kubernetes.get(path)


LINKS = (
    Link(
        "stack",
        "Stack",
        "What Pulumi knows: the stack's outputs and its keys, from `pulumi stack export`. Without a stack "
        "(--namespace) nothing is asked.",
        probe_stack,
    ),
    Link(
        "cluster",
        "Kubernetes",
        "The API server that the kubeconfig names, and the namespaces that are looked at.",
        probe_cluster,
    ),
    Link(
        "operator",
        "External Secrets Operator",
        "The operator's definitions, its Deployment, and its right to ask for tokens of the stores' "
        "ServiceAccounts (a SubjectAccessReview).",
        probe_operator,
        needs=("cluster",),
    ),
    Link(
        "operator-version",
        "API of the operator",
        "The versions of its API that the definitions serve: v1, and those of the stack's manifests.",
        probe_versions,
        needs=("cluster", "operator"),
    ),
)
