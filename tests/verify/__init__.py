"""What the second opinion on children accepts and what it refuses."""
