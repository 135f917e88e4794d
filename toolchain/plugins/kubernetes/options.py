"""The provider's options."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Options"]

_VARIABLES = {
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "skipUpdateUnreachable": "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
}


@dataclass(frozen=True)
class Options:
    """What a program may switch on.

    Attributes
    ----------
    namespace
        Where objects go that name none; empty for the kubeconfig's.
    mutable_kinds
        Kinds whose data change in place: ConfigMap, Secret.
    patch_force
        Take fields over from other managers.
    upsert
        Take objects over that exist already.
    delete_unreachable
        Forget what lies in a cluster that doesn't answer.
    skip_unreachable
        Take what lies in a cluster that doesn't answer for unchanged.
    """

    namespace: str = ""
    mutable_kinds: frozenset[str] = frozenset()
    patch_force: bool = False
    upsert: bool = False
    delete_unreachable: bool = False
    skip_unreachable: bool = False

    @classmethod
    def read(cls, configuration: Mapping[str, str]) -> "Options":
        """Take the provider's inputs, and the usual variables for what they leave open."""

        def is_on(option: str) -> bool:
            return (configuration.get(option) or os.environ.get(_VARIABLES[option], "")) == "true"

        mutable = {"ConfigMap": is_on("enableConfigMapMutable"), "Secret": is_on("enableSecretMutable")}
        return cls(
            namespace=configuration.get("namespace", ""),
            mutable_kinds=frozenset(kind for kind, is_mutable in mutable.items() if is_mutable),
            patch_force=is_on("enablePatchForce"),
            upsert=is_on("upsertExistingObjects"),
            delete_unreachable=is_on("deleteUnreachable"),
            skip_unreachable=is_on("skipUpdateUnreachable"),
        )
