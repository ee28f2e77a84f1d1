"""A tiny clip set, drawn and spoken by this project's own script: no real person, nothing downloaded."""
