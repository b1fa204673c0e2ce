"""The main process: supervision, configuration, the control socket, history, notification, capture."""
