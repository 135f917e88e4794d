"""An app that is fed from the gateway's stack: its base URL, its models and its own key, as a Secret."""

import pulumi
from pulumi_kubernetes.core.v1 import Namespace, Secret

config = pulumi.Config()
gateway = pulumi.StackReference(config.require("gatewayStack"))
key = gateway.require_output("keys").apply(lambda keys: keys[config.require("key")])

namespace = Namespace("namespace", metadata={"name": config.require("namespace")})
secret = Secret(
    "llm",
    metadata={"name": "llm", "namespace": namespace.metadata["name"]},
    string_data={
        "OPENAI_BASE_URL": gateway.require_output("gatewayUrl").apply(lambda url: f"{url}/v1"),
        "OPENAI_API_KEY": key["key"],
    },
)

pulumi.export("secret", secret.metadata["name"])
pulumi.export("namespace", namespace.metadata["name"])
pulumi.export("models", pulumi.Output.unsecret(key["models"]))
