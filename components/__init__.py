"""Pulumi components: they declare resources and never open a socket."""
