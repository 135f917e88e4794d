"""Which local platform: its name, its addresses and its folders.

Every address is derived from the instance's index, so that several platforms run side by side on one machine.
"""

from dataclasses import dataclass
from pathlib import Path

from toolchain import paths
from toolchain.errors import UserError

__all__ = ["DEFAULT_INSTANCE", "INSTANCES", "Instance"]

INSTANCES = {
    "dev": 0,
    "test": 1,
    "spare": 2,
    "spare-2": 3,
    "spare-3": 4,
    "spare-4": 5,
    "spare-5": 6,
    "bare": 7,
}
DEFAULT_INSTANCE = "dev"


@dataclass(frozen=True)
class Instance:
    """One local platform.

    Parameters
    ----------
    name
        ``dev`` for the user, ``test`` for the test suite, ``spare`` and its like for whoever needs more,
        ``bare`` for tests that take the operator away.
    index
        Position in the address plan, from 0.
    folder
        Everything that this platform keeps: certificates, credentials, data, the Pulumi backend.
    """

    name: str
    index: int
    folder: Path

    @classmethod
    def named(cls, name: str) -> "Instance":
        """Look an instance up by name.

        Raises
        ------
        UserError
            The name is not in the address plan.
        """
        if name not in INSTANCES:
            known = ", ".join(INSTANCES)
            raise UserError(
                f"There is no instance {name!r}: it is one of {known} (--instance or LLM_GATEWAY_INSTANCE)."
            )
        return cls(name, INSTANCES[name], paths.state_folder() / name)

    # --- addresses ---

    @property
    def link(self) -> str:
        """Name of the virtual Ethernet device on the host."""
        return f"llmgw{self.index}"

    @property
    def host_address(self) -> str:
        return f"10.210.{self.index}.1"

    @property
    def node_address(self) -> str:
        return f"10.210.{self.index}.2"

    @property
    def link_network(self) -> str:
        return f"10.210.{self.index}.0/30"

    @property
    def pod_network(self) -> str:
        return f"10.{244 - self.index}.0.0/16"

    @property
    def node_pod_network(self) -> str:
        """The part of the Pod network that the only node hands out."""
        return f"10.{244 - self.index}.0.0/24"

    @property
    def service_network(self) -> str:
        return f"10.{96 + self.index}.0.0/16"

    @property
    def kubernetes_service_address(self) -> str:
        return f"10.{96 + self.index}.0.1"

    @property
    def openbao_address(self) -> str:
        """ClusterIP of OpenBao, pinned in the static band so that its certificate can name it."""
        return f"10.{96 + self.index}.0.82"

    @property
    def api_url(self) -> str:
        return f"https://{self.node_address}:6443"

    @property
    def second_address(self) -> str:
        """Address of the second cluster's API server, which runs within the same node on request."""
        return f"10.210.{self.index}.6"

    @property
    def second_service_network(self) -> str:
        """Where the second cluster's ClusterIPs come from; without a node, nothing leads to them."""
        return f"10.{112 + self.index}.0.0/16"

    @property
    def second_api_url(self) -> str:
        return f"https://{self.second_address}:6443"

    @property
    def forward_port(self) -> int:
        """Port on 127.0.0.1 that leads to OpenBao in a cluster that isn't ours."""
        return 18200 + self.index

    @property
    def cgroup(self) -> str:
        """Name of the control group below the root of every hierarchy."""
        return f"llm-gateway-{self.name}"

    # --- folders ---

    @property
    def pki_folder(self) -> Path:
        return self.folder / "pki"

    @property
    def credentials_folder(self) -> Path:
        return self.folder / "credentials"

    @property
    def node_folder(self) -> Path:
        return self.folder / "node"

    @property
    def second_folder(self) -> Path:
        """Everything that the second cluster keeps."""
        return self.node_folder / "second"

    @property
    def log_folder(self) -> Path:
        return self.node_folder / "log"

    @property
    def data_folder(self) -> Path:
        """What Pods keep on the host's disk, one folder each."""
        return self.node_folder / "data"

    @property
    def lock_file(self) -> Path:
        """Beside the folder, so that a purge can delete the folder while it holds the lock."""
        return self.folder.with_name(f"{self.name}.lock")
