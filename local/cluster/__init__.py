"""What the platform puts into a cluster, be it the local node or any other."""
