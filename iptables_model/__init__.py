"""Read iptables-save text into an immutable rule graph, and ask it what happens to a packet or a Kubernetes Service."""
