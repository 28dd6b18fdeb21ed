"""What a fitted network does."""
