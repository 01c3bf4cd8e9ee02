"""What the sidecars' requests should be: recommended for each workload from what it used."""
