"""What kube-proxy's rules mean: Services, their ways in, and where each way leads."""
