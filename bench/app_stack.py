"""Apps by the number: the example's program, and what it finds in Vault."""

import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hvac
import yaml

from bench.stack import ROOT, BenchStack

__all__ = ["AppPlaces", "AppStack", "app_stack"]

_PROGRAM = ROOT / "examples" / "apps"
_ONCE = {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}


class AppPlaces:
    """A KV mount and an auth method for some apps: what a platform team has.

    Attributes
    ----------
    namespaces
        Of the apps.
    auth_mount
        Path of the auth method.
    configuration
        Of the example.
    """

    def __init__(self, variables: Mapping[str, str], gateway_url: str, count: int) -> None:
        run = secrets.token_hex(3)
        self._vault = hvac.Client(
            url=variables["VAULT_ADDR"], token=variables["VAULT_TOKEN"], verify=variables["VAULT_CACERT"]
        )
        self._mount, self.auth_mount = f"bench-{run}", f"bench-kubernetes-{run}"
        self.namespaces = [f"bench-{run}-{number:03}" for number in range(count)]
        self.configuration = {
            "mount": self._mount,
            "authMount": self.auth_mount,
            "gatewayUrl": gateway_url,
            # Hundreds of apps would keep the operator busy between what is measured.
            "refreshInterval": "1h",
            "apps": [_app(name) for name in self.namespaces],
        }

    @contextmanager
    def made(self) -> Iterator[None]:
        """Make them, with a value at each path, until the end of the block."""
        sys = self._vault.sys
        sys.enable_secrets_engine("kv", path=self._mount, options={"version": "2"})
        sys.enable_auth_method("kubernetes", path=self.auth_mount)
        try:
            self.point_to("https://kubernetes.default.svc")
            # A new mount of KV v2 takes a moment before it takes values.
            self._vault.secrets.kv.v2.configure(mount_point=self._mount)
            for name in self.namespaces:
                for path in ("database", "settings"):
                    self._vault.secrets.kv.v2.create_or_update_secret(
                        f"apps/{name}/{path}", {"password": "made-up"}, mount_point=self._mount
                    )
            yield
        finally:
            self._vault.delete(f"sys/mounts/{self._mount}")
            self._vault.delete(f"sys/auth/{self.auth_mount}")
            self._vault.adapter.close()

    def point_to(self, host: str) -> None:
        """Let the auth method ask this API server about tokens."""
        self._vault.write_data(f"auth/{self.auth_mount}/config", data={"kubernetes_host": host})


class AppStack(BenchStack):
    """The example with as many apps as its configuration has; its state is saved once an operation.

    Parameters
    ----------
    folder
        An empty one.
    variables
        The environment of the platform.
    configuration
        Of the example.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str], configuration: Mapping[str, Any]) -> None:
        # The example finds its virtual environment two folders above.
        (folder / ".venv").symlink_to(ROOT / ".venv")
        project = folder / "examples" / "apps"
        project.mkdir(parents=True)
        super().__init__(project, _PROGRAM, {**variables, **_ONCE})
        file = project / "Pulumi.bench.yaml"
        kept = yaml.safe_load(file.read_text()) if file.exists() else {}
        own = {f"apps:{name}": value for name, value in configuration.items()}
        file.write_text(yaml.safe_dump({**kept, "config": own}))


@contextmanager
def app_stack(
    variables: Mapping[str, str], url: str, count: int, of_stack: Mapping[str, str] | None = None
) -> Iterator[tuple[AppPlaces, AppStack]]:
    """Give a stack whose apps are declared and not yet made, and are gone afterwards, whatever happens.

    Parameters
    ----------
    variables
        The environment of the platform.
    url
        Of the gateway.
    count
        Number of apps.
    of_stack
        The environment of the CLI, if it is another one.
    """
    places = AppPlaces(variables, url, count)
    with tempfile.TemporaryDirectory() as name, places.made():
        stack = AppStack(Path(name), of_stack or variables, places.configuration)
        try:
            yield places, stack
        finally:
            stack.destroy()


def _app(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "secrets": [
            {"name": "database", "properties": {"PGPASSWORD": {"path": "database", "property": "password"}}},
            {"name": "settings", "extract": ["settings"]},
        ],
        "key": {"models": ["gpt-4o"], "maxBudget": 5},
    }
