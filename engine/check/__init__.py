"""The check process: runs track scripts and other health checks; it never decides a VRRP state."""
