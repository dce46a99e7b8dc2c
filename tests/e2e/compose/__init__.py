"""What it takes to start docker-compose.yml on a machine without Docker: an engine, images, a world to watch."""
