"""What fitted networks do: figures and tables."""
