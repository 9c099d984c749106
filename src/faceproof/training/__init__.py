"""What makes a detector."""
