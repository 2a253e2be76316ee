"""Text to model: the grammar of iptables-save, derived from the declarations."""
