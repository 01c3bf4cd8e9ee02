"""The one door to the network: how Prometheus is asked, and how its answers are read."""
