"""What is known of kinds without asking a server."""

from toolchain.plugins.differences import Path
from toolchain.plugins.values import Document

__all__ = [
    "api_version_and_kind",
    "group",
    "is_built_in",
    "is_namespaced",
    "is_replaced",
    "is_unsupported",
]

_BUILT_IN_GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
_CLUSTER_SCOPED = frozenset(
    {
        "APIService",
        "ClusterRole",
        "ClusterRoleBinding",
        "ComponentStatus",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterTrustBundle",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "ServiceCIDR",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    }
)

_SELECTOR: Path = ("spec", "selector")
_REPLACING: dict[tuple[str, str], tuple[Path, ...]] = {
    ("", "ConfigMap"): (("data",), ("binaryData",)),
    ("", "PersistentVolume"): (("spec", "csi"), ("spec", "hostPath"), ("spec", "local"), ("spec", "nfs")),
    ("", "PersistentVolumeClaim"): (
        ("spec", "accessModes"),
        _SELECTOR,
        ("spec", "storageClassName"),
        ("spec", "volumeMode"),
        ("spec", "volumeName"),
    ),
    ("", "Pod"): (("spec",),),
    ("", "ResourceQuota"): (("spec", "scopes"),),
    ("", "Secret"): (("data",), ("stringData",), ("type",)),
    ("", "Service"): (("spec", "clusterIP"),),
    ("apps", "DaemonSet"): (_SELECTOR,),
    ("apps", "Deployment"): (_SELECTOR,),
    ("apps", "StatefulSet"): (
        ("spec", "podManagementPolicy"),
        ("spec", "revisionHistoryLimit"),
        _SELECTOR,
        ("spec", "serviceName"),
        ("spec", "volumeClaimTemplates"),
    ),
    ("batch", "Job"): (("spec", "completions"), ("spec", "parallelism"), _SELECTOR, ("spec", "template")),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (("roleRef",),),
    ("rbac.authorization.k8s.io", "RoleBinding"): (("roleRef",),),
    ("storage.k8s.io", "StorageClass"): (("parameters",), ("provisioner",)),
}
"""Where a change needs a new object, as the official plugin has it."""

_IDENTITY: tuple[Path, ...] = (("metadata", "name"), ("metadata", "namespace"))
_DATA = frozenset({"data", "binaryData", "stringData"})


def group(api_version: str) -> str:
    """Return the API group; the core group's name is empty."""
    return api_version.rpartition("/")[0]


def is_built_in(api_version: str) -> bool:
    """Tell whether Kubernetes itself brings the API version, and not a custom resource definition."""
    return group(api_version) in _BUILT_IN_GROUPS


def is_namespaced(api_version: str, kind: str) -> bool:
    """Tell whether the kind is a built-in one whose objects lie in namespaces."""
    return is_built_in(api_version) and kind not in _CLUSTER_SCOPED


def api_version_and_kind(type_token: str) -> tuple[str, str]:
    """Return ``("v1", "Secret")`` for ``kubernetes:core/v1:Secret``."""
    _, module, kind = type_token.split(":")
    return module.removeprefix("core/"), kind


def is_unsupported(type_token: str) -> bool:
    """Tell whether the type is more than one object of the cluster: a chart, a list, a patch."""
    api_version, kind = api_version_and_kind(type_token)
    if api_version.startswith(("helm.sh/", "kustomize", "yaml")):
        return True
    return is_built_in(api_version) and kind.endswith(("List", "Patch")) and kind not in ("List", "Patch")


def is_replaced(path: Path, old: Document, new: Document, mutable_kinds: frozenset[str]) -> bool:
    """Tell whether a change at `path` needs a new object.

    Parameters
    ----------
    mutable_kinds
        Those of ``ConfigMap`` and ``Secret`` whose data may change in place.
    """
    kind = new.get("kind", "")
    prefixes = (*_IDENTITY, *_REPLACING.get((group(new.get("apiVersion", "")), kind), ()))
    if kind in mutable_kinds and path[0] in _DATA:
        return bool(old.get("immutable"))
    return any(path[: len(prefix)] == prefix or prefix[: len(path)] == path for prefix in prefixes)
