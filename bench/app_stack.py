"""Apps with stores, Secrets and keys, by the example's program and the real CLI; gone again afterwards."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import hvac

from bench.cost import measure

__all__ = ["AppStack"]

ROOT = Path(__file__).parents[1]
_EXAMPLE = ROOT / "examples" / "apps"
_STACK = "bench"


class AppStack:
    """A mount and an auth method of its own, and so many apps on them, while it is entered.

    Parameters
    ----------
    folder
        An empty one, for the project and its state.
    variables
        The environment of the platform.
    url
        Of the gateway.
    count
        Number of apps.

    Attributes
    ----------
    folder, variables
        Where, and with which environment, the CLI finds the stack.
    namespaces
        Of the apps.
    auth_mount
        Path of the auth method.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str], *, url: str, count: int) -> None:
        run = secrets.token_hex(3)
        self.folder, self._url = folder, url
        self.namespaces = [f"bench-{run}-{number}" for number in range(count)]
        self.mount, self.auth_mount = f"bench-apps-{run}", f"bench-kubernetes-{run}"
        own = {"PULUMI_BACKEND_URL": (folder / "state").as_uri(), "PULUMI_STACK": _STACK}
        self.variables = {**variables, **own}
        self.vault = hvac.Client(
            variables["VAULT_ADDR"], variables["VAULT_TOKEN"], verify=variables["VAULT_CACERT"]
        )

    def __enter__(self) -> Self:
        self._find_places()
        (self.folder / "state").mkdir()
        for name in ("components", "providers", "schema", "settings.py", ".venv"):
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / "__main__.py").symlink_to(_EXAMPLE / "__main__.py")
        manifest = (_EXAMPLE / "Pulumi.yaml").read_text(encoding="utf-8")
        (self.folder / "Pulumi.yaml").write_text(manifest.replace("../../.venv", ".venv"))
        self._run("stack", "init", _STACK)
        (self.folder / f"Pulumi.{_STACK}.yaml").write_text(json.dumps({"config": self._configuration()}))
        self._run("up", "--yes", "--skip-preview")
        return self

    def __exit__(self, *_: object) -> None:
        self._run("destroy", "--yes", "--skip-preview")
        for path in (f"sys/mounts/{self.mount}", f"sys/auth/{self.auth_mount}"):
            self.vault.delete(path)
        self.vault.adapter.close()

    def _find_places(self) -> None:
        """Make what a platform team has: the mount, the auth method, and values of the apps."""
        self.vault.sys.enable_secrets_engine("kv", path=self.mount, options={"version": "2"})
        self.vault.sys.enable_auth_method("kubernetes", path=self.auth_mount)
        self.point_to("https://kubernetes.default.svc")
        for app in self.namespaces:
            for path in ("database", "settings"):
                self.vault.secrets.kv.v2.create_or_update_secret(
                    f"apps/{app}/{path}", {"password": secrets.token_hex(8)}, mount_point=self.mount
                )

    def point_to(self, host: str) -> None:
        """Let the auth method ask this API server about tokens."""
        self.vault.write_data(f"auth/{self.auth_mount}/config", data={"kubernetes_host": host})

    def _configuration(self) -> dict[str, Any]:
        apps = [
            {
                "name": name,
                "secrets": [
                    {
                        "name": "database",
                        "properties": {"PGPASSWORD": {"path": "database", "property": "password"}},
                    },
                    {"name": "settings", "extract": ["settings"], "files": {".env": "env"}},
                ],
                "key": {"models": ["gpt-4o"], "maxBudget": 5},
            }
            for name in self.namespaces
        ]
        values = {"mount": self.mount, "authMount": self.auth_mount, "gatewayUrl": self._url, "apps": apps}
        return {f"apps:{name}": value for name, value in values.items()}

    def _run(self, *arguments: str) -> None:
        measure(["pulumi", *arguments, "--non-interactive"], self.folder, {**os.environ, **self.variables})
