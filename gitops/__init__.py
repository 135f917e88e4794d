"""Writes what the program declares in Kubernetes to a folder, for whoever applies it from Git."""
