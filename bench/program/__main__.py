"""Declares BENCH_KEYS keys of the gateway at BENCH_URL; delivered, if BENCH_PATH says to which folder."""

import os
from typing import Any

from bench.nothing import Nothing
from providers.litellm import VirtualKey
from providers.quick import register_quickly

register_quickly()

MOUNT = "litellm"
gateway = {
    "url": os.environ["BENCH_URL"],
    "admin_key": {"vault": {"mount": MOUNT, "path": "api-keys", "property": "master-key"}},
}
declare = Nothing if os.environ.get("BENCH_NOTHING") else VirtualKey
fields: dict[str, Any] = {
    "gateway": gateway,
    "models": ["gpt-4o"],
    "max_budget": float(os.environ["BENCH_BUDGET"]),
}
folder = os.environ.get("BENCH_PATH")

for number in range(int(os.environ["BENCH_KEYS"])):
    name = f"key-{number:04}"
    if folder:
        fields["deliver"] = {"mount": MOUNT, "path": f"{folder}/{name}"}
    declare(name, **fields)
