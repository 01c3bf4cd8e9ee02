"""Statistics that know nothing of Istio: fits, their uncertainty, and what is drawn together."""
