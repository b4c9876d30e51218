"""Having `play` run in the background from login on: by systemd on Linux, by launchd on macOS."""
