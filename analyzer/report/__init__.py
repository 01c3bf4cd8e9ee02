"""From results to what people read: tables, files and charts."""
