"""The embedded local platform: a real Kubernetes node with OpenBao, PostgreSQL and External Secrets."""
