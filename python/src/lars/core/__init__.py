"""What a client decides, pure: no file here has a socket, a clock, a thread or an event loop."""
