"""A Kubernetes node with its control plane, in mount, network, process and name namespaces of its own."""
