"""Faults between providers, gateway and Vault at every step of a key's life, and what is left of it then."""
