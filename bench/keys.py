"""Keys by the hundred: what Pulumi with our provider takes, beside the gateway without us."""

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.cost import Cost
from bench.counting import CountingProxy
from bench.key_stack import KeyStack, Way
from bench.raw import RawSeconds, measure_raw
from providers.litellm.connection import AdminKey
from providers.reference import SecretReference
from providers.vault.connection import VaultConnection

__all__ = ["gateway_url", "measure_keys"]

_SERVICE = "app.kubernetes.io/part-of=llm-gateway,app.kubernetes.io/component=gateway"
_MASTER_KEY = {"vault": {"mount": "litellm", "path": "api-keys", "property": "master-key"}}
_COUNTED = 10

OPERATIONS: dict[str, Callable[[KeyStack], Cost]] = {
    "create": KeyStack.up,
    "preview": KeyStack.preview,
    "refresh": KeyStack.refresh,
    "change": lambda stack: stack.change(budget=6),
    "destroy": KeyStack.destroy,
}


def measure_keys(
    variables: Mapping[str, str], sizes: Sequence[int], ways: Sequence[Way], console: Console
) -> None:
    """Measure a key's whole life for some numbers of keys, and print a table each.

    Parameters
    ----------
    variables
        The environment of the platform.
    sizes
        Numbers of keys.
    ways
        Where the keys go.
    console
        Where the figures go.
    """
    url = gateway_url(variables)
    admin_key = _admin_key(variables)
    with _key_stack(variables, url=url, count=0, way=Way.STATE) as empty:
        empty.up()
        console.print(f"an empty program: preview {_said(empty.preview())}, up {_said(empty.up())}")
    for way in ways:
        console.print(_calls(variables, url, way))
    for count in sizes:
        raw = measure_raw(url, admin_key, count)
        console.print(_said_raw(count, raw))
        for way in ways:
            console.print(_measured(variables, url, count, way))


def _measured(variables: Mapping[str, str], url: str, count: int, way: Way) -> Table:
    table = Table("operation", "wall", "CPU", "per key", title=_title(count, way))
    with _key_stack(variables, url=url, count=count, way=way) as stack:
        for name, operate in OPERATIONS.items():
            cost = operate(stack)
            table.add_row(
                name,
                f"{cost.wall_seconds:.1f} s",
                f"{cost.cpu_seconds:.1f} s",
                f"{1000 * cost.wall_seconds / count:.0f} ms",
            )
            if name == "create":
                table.caption = f"{stack.state_bytes() / count:.0f} bytes of state a key"
    return table


def _calls(variables: Mapping[str, str], url: str, way: Way) -> Table:
    """Count the requests of each operation; the proxy in between would cost time elsewhere."""
    table = Table("operation", "calls to the gateway", title=_title(_COUNTED, way))
    with (
        CountingProxy(url) as proxy,
        _key_stack(variables, url=proxy.url, count=_COUNTED, way=way) as stack,
    ):
        for name, operate in OPERATIONS.items():
            operate(stack)
            table.add_row(name, _said_calls(proxy.taken()))
    return table


@contextmanager
def _key_stack(variables: Mapping[str, str], *, url: str, count: int, way: Way) -> Iterator[KeyStack]:
    """Give a stack whose keys are gone afterwards, whatever happens."""
    with tempfile.TemporaryDirectory() as name:
        stack = KeyStack(Path(name), variables, url=url, count=count, way=way)
        try:
            yield stack
        finally:
            stack.destroy()


def gateway_url(variables: Mapping[str, str]) -> str:
    """Find the gateway's Service in the cluster."""
    command = ["kubectl", "get", "services", "-A", "-l", _SERVICE, "-o", "json"]
    done = subprocess.run(command, env=dict(variables), capture_output=True, text=True, check=True)
    services = json.loads(done.stdout)["items"]
    if not services:
        raise SystemExit("there is no gateway in the cluster; bring it up with `make up`")
    spec = services[0]["spec"]
    return f"http://{spec['clusterIP']}:{spec['ports'][0]['port']}"


def _admin_key(variables: Mapping[str, str]) -> str:
    vault = VaultConnection(variables["VAULT_ADDR"], ca_cert_file=variables["VAULT_CACERT"])
    return AdminKey(SecretReference.parse(_MASTER_KEY), vault)().get_secret_value()


def _title(count: int, way: Way) -> str:
    return f"{count} keys, {way.value.replace('-', ' ')}"


def _said(cost: Cost) -> str:
    return f"{cost.wall_seconds:.1f} s ({cost.cpu_seconds:.1f} s CPU)"


def _said_calls(calls: Counter[str]) -> str:
    return ", ".join(f"{number} {path}" for path, number in sorted(calls.items())) or "none"


def _said_raw(count: int, raw: RawSeconds) -> str:
    return (
        f"the gateway alone, {count} keys, 10 at once: create {raw.created:.1f} s, create and confirm "
        f"{raw.confirmed:.1f} s, read {raw.read:.1f} s, change {raw.changed:.1f} s, "
        f"delete {raw.deleted:.1f} s"
    )
