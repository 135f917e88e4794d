"""A Kubernetes node with its control plane, in mount, network, process and host-name namespaces of its own."""
