"""Statistics without any notion of Istio: fits, their uncertainty, and partial pooling."""
