"""The S3 Inventory configuration: its model, its strict reader, its canonical writer."""
