"""The walk against the Linux kernel: rulesets in a network namespace, crafted packets, and the kernel's rule trace."""
