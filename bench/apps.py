"""Apps by the hundred: what policy, role, store, two ExternalSecrets and a key of each cost."""

import ssl
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from bench.app_stack import AppStack, app_stack
from bench.cost import Cost
from bench.counting import CountingProxy
from bench.keys import gateway_url
from providers.kubernetes.kubeconfig import load

__all__ = ["measure_apps"]

_COUNTED = 10

OPERATIONS: dict[str, Callable[[AppStack], Cost]] = {
    "up": AppStack.up,
    "preview": AppStack.preview,
    "refresh": AppStack.refresh,
    "destroy": AppStack.destroy,
}


def measure_apps(variables: Mapping[str, str], sizes: Sequence[int], console: Console) -> None:
    """Measure the life of some numbers of apps, and print a table each.

    Parameters
    ----------
    variables
        The environment of the platform.
    sizes
        Numbers of apps.
    console
        Where the figures go.
    """
    url = gateway_url(variables)
    with app_stack(variables, url, 0) as (_, empty):
        empty.up()
        bare = empty.preview()
    console.print(f"no app: preview {bare.wall_seconds:.1f} s ({bare.cpu_seconds:.1f} s CPU)")
    console.print(_calls(variables, url))
    for count in sizes:
        console.print(_measured(variables, url, count, bare))


def _measured(variables: Mapping[str, str], url: str, count: int, bare: Cost) -> Table:
    table = Table("operation", "wall", "CPU", "per app", title=f"{count} apps")
    with app_stack(variables, url, count) as (_, stack):
        for name, operate in OPERATIONS.items():
            cost = operate(stack)
            beyond = cost.wall_seconds - (bare.wall_seconds if name == "preview" else 0)
            table.add_row(
                name,
                f"{cost.wall_seconds:.1f} s",
                f"{cost.cpu_seconds:.1f} s",
                f"{1000 * beyond / count:.0f} ms",
            )
            if name == "up":
                table.caption = (
                    f"{stack.state_bytes() / count / 1000:.1f} KB of state an app; a preview's "
                    "time per app is what it adds to a preview of none"
                )
    return table


def _calls(variables: Mapping[str, str], url: str) -> Table:
    """Count the requests of each operation; the proxies in between would cost time elsewhere."""
    table = Table("operation", "Vault", "gateway", "Kubernetes", title=f"calls of {_COUNTED} apps")
    cluster = load(variables["KUBECONFIG"], None)
    of_cluster = ssl.create_default_context(cafile=cluster.ssl_ca_cert)
    of_cluster.load_cert_chain(cluster.cert_file, cluster.key_file)
    of_vault = ssl.create_default_context(cafile=variables["VAULT_CACERT"])
    with (
        CountingProxy(variables["VAULT_ADDR"], of_vault) as vault,
        CountingProxy(url) as gateway,
        CountingProxy(cluster.host, of_cluster) as kubernetes,
        tempfile.TemporaryDirectory() as folder,
    ):
        kubeconfig = Path(folder) / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(_kubeconfig(kubernetes.url)))
        leading_there = {**variables, "VAULT_ADDR": vault.url, "KUBECONFIG": str(kubeconfig)}
        with app_stack(variables, gateway.url, _COUNTED, leading_there) as (_, stack):
            for name, operate in OPERATIONS.items():
                operate(stack)
                counts = (proxy.taken().total() for proxy in (vault, gateway, kubernetes))
                table.add_row(name, *map(str, counts))
    return table


def _kubeconfig(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "counted",
        "contexts": [{"name": "counted", "context": {"cluster": "counted", "user": "counted"}}],
        "clusters": [{"name": "counted", "cluster": {"server": server}}],
        "users": [{"name": "counted", "user": {}}],
    }
