"""Engine 1: explores schedules of a target on virtual threads."""
