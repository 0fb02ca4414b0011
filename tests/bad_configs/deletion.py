"""What stands for a key that is taken out of a config instead of changed."""

DELETE = object()
