"""The program a second time, in places of its own, on a database that Vault looks after."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.cluster import Cluster
from tests.support.gateway import chat
from tests.support.postgres import HOST, OwnDatabase, Postgres, own_database
from tests.support.project import Project
from tests.support.vault import Vault

__all__ = ["OwnGateway", "answers_for_its_models"]

_PASSWORD = "GATEWAY_DATABASE_PASSWORD"


@dataclass
class OwnGateway:
    """A gateway of one run of the tests; its database has an owner and a user for Vault.

    Attributes
    ----------
    cluster
        With the gateway's namespace.
    """

    platform: Mapping[str, str]
    cluster: Cluster
    database: OwnDatabase
    run: str = field(default_factory=lambda: secrets.token_hex(3))

    @classmethod
    @contextmanager
    def with_database(cls, platform: Mapping[str, str]) -> "Iterator[OwnGateway]":
        """Make the database alone."""
        run = secrets.token_hex(3)
        cluster = Cluster(platform["KUBECONFIG"], f"gateway-{run}")
        with own_database(Postgres(cluster)) as database:
            yield cls(platform, cluster, database, run)

    @property
    def namespace(self) -> str:
        """Of the gateway, and its mount in Vault."""
        return self.cluster.namespace

    @property
    def engine(self) -> str:
        """Mount of the database secrets engine."""
        return f"database-{self.run}"

    @contextmanager
    def deployed(
        self, folder: Path, credentials: Mapping[str, Any], roles: Mapping[str, Any], auth: Mapping[str, Any]
    ) -> Iterator[Project]:
        """Deploy it, and take it away again.

        Parameters
        ----------
        credentials
            Which role LiteLLM uses.
        roles
            Of the connection: `roles`, `staticRoles`.
        auth
            What `vault.auth` says beside the mount.
        """
        project = Project(folder, {**self.platform, _PASSWORD: self.database.password})

        def own(config: dict[str, Any]) -> None:
            config["llm-gateway:vault"].update(mount=self.namespace)
            config["llm-gateway:vault"]["auth"].update(mount=f"kubernetes-{self.run}", **auth)
            config["llm-gateway:gateway"].update(namespace=self.namespace, ingress={"kind": "none"})
            place = {"host": HOST, "name": self.database.name}
            config["llm-gateway:database"] = {"credentials": {**credentials, **place}}
            connection = {
                "name": "gateway",
                "connectionUrl": self.database.connection_url,
                "username": self.database.root,
                "password": {"env": _PASSWORD},
                **roles,
            }
            config["llm-gateway:databases"] = {
                "mount": self.engine,
                "retainOnDestroy": False,
                "connections": [connection],
            }

        project.configure(own)
        try:
            project.up()
            yield project
        finally:
            project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")

    def store_token(self, vault: Vault) -> str:
        """Log in as the gateway's store does."""
        jwt = self.cluster.account_token(self.namespace, "litellm-store")
        return vault.log_in(f"kubernetes-{self.run}", "litellm", jwt)

    def database_url(self) -> str:
        """Give the one that the gateway's Pod runs with."""
        [pod] = self.cluster.gateway_pods()
        return self.cluster.variable_of(pod, "DATABASE_URL")


def answers_for_its_models(project: Project) -> bool:
    """Try every key of a stack with every model: 200 for its own, 403 for the others."""
    outputs = project.outputs()
    return all(
        chat(outputs["gatewayUrl"], key["key"], model) == (200 if model in key["models"] else 403)
        for key in outputs["keys"].values()
        for model in outputs["models"]
    )
