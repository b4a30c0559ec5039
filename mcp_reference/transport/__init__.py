"""Ports, state file and dual transport: one server for each project, that others can find.

A port is leased, not looked for: :class:`PortLease` keeps its socket bound and gives it to the server. The state
(:class:`StateFile`) is written when the own server answers. ``published`` holds both as published.
"""

from mcp_reference.transport.errors import NotReady, PortsExhausted, TransportError
from mcp_reference.transport.lease import PortLease, lease_port
from mcp_reference.transport.ports import Discovery, PortManager
from mcp_reference.transport.project import ProjectInfoDiscovery
from mcp_reference.transport.queries import QueryAngle, QueryStats, QueryTracker, get_tracker
from mcp_reference.transport.state_file import StateFile
from mcp_reference.transport.tool_server import ToolServer
from mcp_reference.transport.transports import Server, TransportConfig, TransportManager, asked_instance

__all__ = [
    "Discovery",
    "NotReady",
    "PortLease",
    "PortManager",
    "PortsExhausted",
    "ProjectInfoDiscovery",
    "QueryAngle",
    "QueryStats",
    "QueryTracker",
    "Server",
    "StateFile",
    "ToolServer",
    "TransportConfig",
    "TransportError",
    "TransportManager",
    "asked_instance",
    "get_tracker",
    "lease_port",
]
