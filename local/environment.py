"""The environment in which Pulumi and its program work with a local platform.

The program knows none of this: in a real environment the same variables are of the user's own making.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from local.credentials import Credentials
from local.files import private_folder
from local.instance import Instance
from local.openbao import AUTHORITY_FILE_STEM, OpenBao, admin_token
from local.record import PlatformRecord
from toolchain import ensure, paths
from toolchain.errors import UserError

__all__ = [
    "STACK",
    "NotUpError",
    "bypass_proxy",
    "compose",
    "environment",
    "export_lines",
    "openbao_of",
    "with_environment",
]

STACK = "dev"
OVERRULING = ("VAULT_NAMESPACE", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN")
"""Variables of the caller's that would win over ours or lead elsewhere."""


class NotUpError(UserError):
    """There is no platform to work with."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(f"The platform {instance.name} was never up: start it with `python -m local up`.")


def environment(instance: Instance) -> dict[str, str]:
    """Return the variables that lead to a platform that is up, with a token of OpenBao's administrator.

    Parameters
    ----------
    instance
        The platform.

    Raises
    ------
    NotUpError
        It was never up.
    OpenBaoError
        OpenBao doesn't answer.
    """
    record = PlatformRecord.load(instance)
    if record is None:
        raise NotUpError(instance)
    openbao = openbao_of(instance, record)
    token = admin_token(openbao, Credentials.of(instance))
    return compose(instance, record, openbao, token, ensure("pulumi"))


def openbao_of(instance: Instance, record: PlatformRecord) -> OpenBao:
    """Return OpenBao at the address that this host reaches."""
    direct = f"https://{instance.openbao_address}:8200"
    address = f"https://127.0.0.1:{instance.forward_port}" if record.kubeconfig else direct
    return OpenBao(address, instance.pki_folder / f"{AUTHORITY_FILE_STEM}.crt")


def compose(
    instance: Instance, record: PlatformRecord, openbao: OpenBao, token: str, pulumi_folder: Path
) -> dict[str, str]:
    """Return the variables."""
    credentials = Credentials.of(instance)
    return {
        "PATH": _search_path(Path(sys.prefix) / "bin", pulumi_folder / "bin"),
        "LLM_GATEWAY_INSTANCE": instance.name,
        "KUBECONFIG": str(record.kubeconfig or instance.pki_folder / "admin.kubeconfig"),
        "VAULT_ADDR": openbao.address,
        "VAULT_CACERT": str(openbao.authority_file),
        "VAULT_TOKEN": token,
        "LITELLM_DATABASE_URL": credentials.database_url(),
        "PULUMI_HOME": str(paths.pulumi_home()),
        "PULUMI_BACKEND_URL": f"file://{private_folder(instance.folder / 'pulumi')}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(credentials.pulumi_passphrase_file),
        "PULUMI_STACK": STACK,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # A quarter of the engine's CPU is its garbage collection, which a short run hardly needs.
        "GOGC": "400",
    }


def with_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment with these variables, and without those that would overrule them."""
    kept = {name: value for name, value in os.environ.items() if name not in OVERRULING}
    return {**kept, **variables}


def export_lines(variables: Mapping[str, str]) -> list[str]:
    """Return what a POSIX shell takes by ``eval "$(python -m local env)"``."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return [f"unset {' '.join(OVERRULING)}", *exports]


def bypass_proxy(instance: Instance) -> None:
    """Have this process and its children reach the platform directly, whatever proxy the machine uses."""
    addresses = [instance.node_address, instance.second_address, instance.openbao_address, "127.0.0.1"]
    own = [*addresses, instance.link_network, instance.pod_network, instance.service_network]
    for name in ("NO_PROXY", "no_proxy"):
        present = [entry for entry in os.environ.get(name, "").split(",") if entry and entry not in own]
        os.environ[name] = ",".join(present + own)


def _search_path(*first: Path) -> str:
    wanted = [str(folder) for folder in first]
    return ":".join(wanted + [folder for folder in os.get_exec_path() if folder not in wanted])
