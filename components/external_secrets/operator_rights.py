"""What the operator may do in the cluster: the rules of its chart (templates/rbac.yaml of 0.20)."""

from typing import Any

__all__ = ["CLUSTER_RULES", "ELECTION_RULES"]

_READ = ["get", "list", "watch"]


def _rule(group: str, resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


# The chart lists each kind of the operator's own two groups; a later release has more of them.
CLUSTER_RULES = (
    _rule("external-secrets.io", ["*"], [*_READ, "update", "patch"]),
    _rule("external-secrets.io", ["externalsecrets", "pushsecrets"], ["create", "delete"]),
    _rule("generators.external-secrets.io", ["*"], _READ),
    _rule(
        "generators.external-secrets.io",
        ["generatorstates"],
        ["create", "update", "patch", "delete", "deletecollection"],
    ),
    _rule("", ["serviceaccounts", "namespaces", "configmaps"], _READ),
    _rule("", ["namespaces"], ["update", "patch"]),
    _rule("", ["secrets"], [*_READ, "create", "update", "delete", "patch"]),
    _rule("", ["serviceaccounts/token"], ["create"]),
    _rule("", ["events"], ["create", "patch"]),
)

ELECTION_RULES = (
    _rule("", ["configmaps"], ["get", "create", "update", "patch"]),
    _rule("coordination.k8s.io", ["leases"], ["get", "create", "update", "patch"]),
)
