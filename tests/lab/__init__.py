"""A small mesh of real Envoys on loopback, under real load, scraped by a real Prometheus."""
