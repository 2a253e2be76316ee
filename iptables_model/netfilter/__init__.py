"""What the kernel does with a packet: one walk over the rules, for whole sets of packets at once."""
