"""Declares BENCH_KEYS keys of the gateway at BENCH_URL; delivered, if BENCH_PATH says to which folder."""

import os

from providers.litellm import VirtualKey
from providers.quick import register_quickly

register_quickly()

MOUNT = "litellm"
gateway = {
    "url": os.environ["BENCH_URL"],
    "admin_key": {"vault": {"mount": MOUNT, "path": "api-keys", "property": "master-key"}},
}
folder = os.environ.get("BENCH_PATH")

for number in range(int(os.environ["BENCH_KEYS"])):
    name = f"key-{number:04}"
    if folder:
        VirtualKey(
            name,
            gateway=gateway,
            models=["gpt-4o"],
            max_budget=float(os.environ["BENCH_BUDGET"]),
            deliver={"mount": MOUNT, "path": f"{folder}/{name}"},
        )
    else:
        VirtualKey(name, gateway=gateway, models=["gpt-4o"], max_budget=float(os.environ["BENCH_BUDGET"]))
