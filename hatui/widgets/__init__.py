"""Widgets: given frozen statuses, they never see link, store or a file."""
