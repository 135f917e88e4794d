"""The agent injector: what the Pods of an app say, so that an agent logs in as the app and writes its files.

Source of the names: https://developer.hashicorp.com/vault/docs/platform/k8s/injector/annotations
"""

import json
from collections.abc import Iterator
from typing import Any, Literal

from schema import AppAuthSettings, InjectedSecret, InjectorSettings, VaultSettings

__all__ = ["TOKEN_VOLUME", "injector_annotations", "token_volume"]

TOKEN_VOLUME = "vault-token"  # noqa: S105 - a name
"""Volume with the ServiceAccount's token for Vault: the Pod's own is made for the API server."""
_CA_FILE = "/vault/tls/ca.crt"
_TOKEN_SECONDS = 600
# The command that revokes the token looks for it at home, which this is for one user of Vault's image only.
_HOME = [{"op": "add", "path": "/env/-", "value": {"name": "HOME", "value": "/home/vault"}}]

# The injector's own templates write the envelope of KV v2, `data` and `metadata`, and no property.
_OF_KV = {
    "map": "{{ with secret %s }}{{ range $k, $v := .Data.data }}{{ $k }}: {{ $v }}\n{{ end }}{{ end }}",
    "json": "{{ with secret %s }}{{ .Data.data | toJSON }}\n{{ end }}",
}


def injector_annotations(
    injector: InjectorSettings,
    *,
    auth: AppAuthSettings,
    role: str,
    vault: VaultSettings,
    mount: str,
    prefix: str,
    ca_secret: str | None,
) -> dict[str, str]:
    """Write the annotations of a Pod template.

    Parameters
    ----------
    auth, role
        How the agent logs in.
    vault
        The server as Pods reach it.
    mount, prefix
        KV v2 mount, and what the paths of the secrets are below.
    ca_secret
        Secret of the namespace with `ca.crt`; None for a publicly trusted server.

    Returns
    -------
    dict
        Only what is said: the injector has defaults of its own for the rest.
    """
    said: dict[str, Any] = {
        "agent-inject": True,
        "service": vault.internal_address,
        "namespace": vault.namespace,
        "auth-path": f"auth/{auth.mount}",
        "role": role,
        "agent-service-account-token-volume-name": TOKEN_VOLUME,
        "tls-secret": ca_secret,
        "ca-cert": _CA_FILE if ca_secret else None,
        **dict(_behaviour(injector)),
    }
    for secret in injector.secrets:
        said |= dict(_of_secret(secret, f"{mount}/data/{prefix}", injector.default_template))
    return {
        f"{injector.annotations}/{name}": _spelled(value) for name, value in said.items() if value is not None
    }


def token_volume(auth: AppAuthSettings) -> dict[str, Any]:
    """Give the Pod's volume with a token that the role takes; its ServiceAccount is the role's too."""
    token = {"audience": auth.audience, "expirationSeconds": _TOKEN_SECONDS, "path": "token"}
    return {"name": TOKEN_VOLUME, "projected": {"sources": [{"serviceAccountToken": token}]}}


def _behaviour(injector: InjectorSettings) -> Iterator[tuple[str, Any]]:
    """Give what differs from the injector's own defaults."""
    yield "secret-volume-path", injector.volume_path
    yield "agent-inject-containers", ",".join(injector.containers) or None
    yield (
        "agent-inject-default-template",
        None if injector.default_template == "map" else injector.default_template,
    )
    yield "template-static-secret-render-interval", injector.render_interval
    yield "agent-inject-token", injector.inject_token or None
    yield "agent-pre-populate", None if injector.pre_populate else False
    yield "agent-pre-populate-only", injector.pre_populate_only or None
    yield "agent-init-first", injector.init_first or None
    yield "agent-revoke-on-shutdown", injector.revoke_on_shutdown or None
    yield "agent-revoke-grace", injector.revoke_grace_seconds
    if injector.revoke_on_shutdown and injector.annotations == "vault.hashicorp.com":
        yield "agent-json-patch", json.dumps(_HOME)
    yield "agent-run-as-user", injector.run_as_user
    yield "agent-run-as-group", injector.run_as_group
    yield "log-level", injector.log_level
    yield "log-format", injector.log_format
    resources = injector.resources
    yield "agent-limits-cpu", resources.limits_cpu
    yield "agent-limits-mem", resources.limits_mem
    yield "agent-limits-ephemeral", resources.limits_ephemeral
    yield "agent-requests-cpu", resources.requests_cpu
    yield "agent-requests-mem", resources.requests_mem
    yield "agent-requests-ephemeral", resources.requests_ephemeral
    if cache := injector.cache:
        yield "agent-cache-enable", True
        yield "agent-cache-use-auto-auth-token", cache.use_auto_auth_token
        yield "agent-cache-listener-port", cache.listener_port
        yield "agent-cache-exit-on-err", cache.exit_on_err or None


def _of_secret(
    secret: InjectedSecret, below: str, default: Literal["map", "json"]
) -> Iterator[tuple[str, Any]]:
    source, template = f"{below}/{secret.path}", secret.template
    if secret.dynamic:
        source = secret.dynamic.path
    elif template is None:
        template = _OF_KV[default] % json.dumps(source)
    yield f"agent-inject-secret-{secret.name}", source
    yield f"agent-inject-template-{secret.name}", template
    yield f"agent-inject-file-{secret.name}", secret.file
    yield f"agent-inject-perms-{secret.name}", secret.perms
    yield f"agent-inject-command-{secret.name}", secret.command
    yield f"secret-volume-path-{secret.name}", secret.volume_path
    yield f"error-on-missing-key-{secret.name}", secret.error_on_missing_key or None


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
