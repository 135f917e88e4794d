"""The resource types that the substitute knows, by type token."""

from toolchain.plugins.vault.database import ConnectionKind
from toolchain.plugins.vault.kind import Kind
from toolchain.plugins.vault.mounts import MountKind
from toolchain.plugins.vault.roles import AppRoleKind, KeptConfigurationKind, PolicyKind
from toolchain.plugins.vault.secrets import GenericSecretKind, SecretV2Kind
from toolchain.plugins.vault.tokens import TokenKind

__all__ = ["KINDS"]

_TOKEN_SETS = frozenset({"tokenPolicies", "tokenBoundCidrs"})

KINDS: dict[str, Kind] = {
    "vault:index/mount:Mount": MountKind(
        id="{path}",
        path="sys/mounts/{path}",
        listing="sys/mounts",
        immutable=frozenset({"type", "local", "sealWrap", "externalEntropyAccess"}),
        outputs=("accessor",),
    ),
    "vault:index/authBackend:AuthBackend": MountKind(
        id="{path}",
        path="sys/auth/{path}",
        listing="sys/auth",
        prefix="auth/",
        immutable=frozenset({"type", "local"}),
        local=frozenset({"disableRemount"}),
        outputs=("accessor",),
    ),
    "vault:index/policy:Policy": PolicyKind(
        id="{name}",
        path="sys/policies/acl/{name}",
        autonamed="name",
        immutable=frozenset({"name"}),
        local=frozenset({"allowOverwrite"}),
    ),
    "vault:index/token:Token": TokenKind(
        id="",
        path="",
        defaults={"displayName": "token"},
        unordered=frozenset({"policies"}),
        local=frozenset({"roleName", "renewMinLease", "renewIncrement"}),
        api_names={"metadata": "meta"},
    ),
    "vault:kv/secretV2:SecretV2": SecretV2Kind(
        id="{mount}/data/{name}",
        path="{mount}/data/{name}",
        autonamed="name",
        immutable=frozenset({"mount", "name"}),
        secrets=frozenset({"dataJson", "dataJsonWo"}),
        write_only=frozenset({"dataJsonWo"}),
    ),
    "vault:generic/secret:Secret": GenericSecretKind(
        id="{path}",
        path="{path}",
        immutable=frozenset({"path"}),
        secrets=frozenset({"dataJson"}),
    ),
    "vault:kubernetes/authBackendConfig:AuthBackendConfig": KeptConfigurationKind(
        id="auth/{backend}/config",
        path="auth/{backend}/config",
        defaults={"backend": "kubernetes"},
        immutable=frozenset({"backend"}),
        secrets=frozenset({"tokenReviewerJwt", "tokenReviewerJwtWo"}),
        write_only=frozenset({"tokenReviewerJwtWo"}),
        local=frozenset({"tokenReviewerJwtWoVersion"}),
        api_names={"tokenReviewerJwtWo": "token_reviewer_jwt"},
    ),
    "vault:kubernetes/authBackendRole:AuthBackendRole": Kind(
        id="auth/{backend}/role/{roleName}",
        path="auth/{backend}/role/{roleName}",
        defaults={"backend": "kubernetes"},
        immutable=frozenset({"backend", "roleName"}),
        unordered=frozenset({"boundServiceAccountNames", "boundServiceAccountNamespaces"}) | _TOKEN_SETS,
    ),
    "vault:appRole/authBackendRole:AuthBackendRole": AppRoleKind(
        id="auth/{backend}/role/{roleName}",
        path="auth/{backend}/role/{roleName}",
        defaults={"backend": "approle"},
        immutable=frozenset({"backend", "roleName"}),
        unordered=frozenset({"secretIdBoundCidrs"}) | _TOKEN_SETS,
        local=frozenset({"roleId"}),
        outputs=("role_id",),
    ),
    "vault:database/secretBackendConnection:SecretBackendConnection": ConnectionKind(
        id="{backend}/config/{name}",
        path="{backend}/config/{name}",
        autonamed="name",
        immutable=frozenset({"backend", "name"}),
        unordered=frozenset({"allowedRoles"}),
    ),
    "vault:database/secretBackendRole:SecretBackendRole": Kind(
        id="{backend}/roles/{name}",
        path="{backend}/roles/{name}",
        autonamed="name",
        immutable=frozenset({"backend", "name"}),
    ),
    "vault:database/secretBackendStaticRole:SecretBackendStaticRole": Kind(
        id="{backend}/static-roles/{name}",
        path="{backend}/static-roles/{name}",
        autonamed="name",
        immutable=frozenset({"backend", "name", "dbName", "username"}),
        secrets=frozenset({"passwordWo", "selfManagedPassword"}),
        write_only=frozenset({"passwordWo"}),
        local=frozenset({"passwordWoVersion"}),
        api_names={"passwordWo": "password", "skipImportRotation": "skip_import_rotation"},
    ),
}
