"""The substitute for the Kubernetes plugin: any kind of ``pulumi_kubernetes``, against any API server."""
