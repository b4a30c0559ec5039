"""An independent oracle: generated programs whose outcomes are computed by brute force, without torture."""
