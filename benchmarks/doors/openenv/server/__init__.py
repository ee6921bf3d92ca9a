"""The server: ``environment`` is what a session talks to, ``app`` the web application around it."""
