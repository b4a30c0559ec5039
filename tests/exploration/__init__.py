"""Engine 1, through its public interfaces: every exploration is a worker process of its own."""
