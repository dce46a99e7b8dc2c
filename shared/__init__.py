"""The language the services speak. Imports no service."""
