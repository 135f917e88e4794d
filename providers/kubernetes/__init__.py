"""What our providers do in a Kubernetes cluster: reach a gateway, and follow a key to its consumers."""
