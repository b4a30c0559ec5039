"""Same seed, same bytes: whatever the hash seed, whichever process."""
