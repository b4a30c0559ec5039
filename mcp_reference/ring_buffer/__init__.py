"""Ring buffer and value channels: how values get to and from the audio thread.

The document's ``dsp::RingBuffer<T, S>`` is :class:`RingBuffer` (any threads), or :class:`SpscRing` where
the audio thread must not wait for a lock. ``published`` holds the rings and channels as published.
"""

from mcp_reference.ring_buffer.channel import PublishQueue, ValueChannel
from mcp_reference.ring_buffer.ring import EMPTY, Empty, MpmcRing, Ring, RingBuffer, RoleViolation, SpscRing

__all__ = [
    "EMPTY",
    "Empty",
    "MpmcRing",
    "PublishQueue",
    "Ring",
    "RingBuffer",
    "RoleViolation",
    "SpscRing",
    "ValueChannel",
]
